//! JSON: one object to a key, its members named like the columns.

use std::io::{self, Write};

use apikey_core::{Finding, KeyRecord, UnreadableRow};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::Row;
use super::printable::printable_json;

#[derive(Serialize)]
struct Object<'a, Id> {
    #[serde(flatten)]
    record: &'a KeyRecord<Id>,
    #[serde(flatten, serialize_with = "own")]
    own: &'a [(&'static str, Value)],
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

/// Stands in the place of a key.
#[derive(Serialize)]
struct Unreadable<'a> {
    prefix: Option<&'a str>,
    status: &'static str,
    problem: &'a str,
    fix: &'a str,
}

impl<'a> From<&'a UnreadableRow> for Unreadable<'a> {
    fn from(row: &'a UnreadableRow) -> Self {
        let UnreadableRow { prefix, problem, fix, .. } = row;
        Self { prefix: prefix.as_deref(), status: "unreadable", problem, fix }
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    problem: &'a str,
    fix: &'a str,
}

#[derive(Serialize)]
struct Migrations<'a> {
    applied: &'a [String],
}

#[derive(Serialize)]
struct Migration<'a> {
    up: &'a str,
    down: &'a str,
}

pub(super) fn key<Id: Serialize>(out: &mut impl Write, row: &Row<'_, Id>) -> io::Result<()> {
    pretty(out, &object(row, None))
}

pub(super) fn created<Id: Serialize>(
    out: &mut impl Write,
    row: &Row<'_, Id>,
    plaintext: &str,
) -> io::Result<()> {
    pretty(out, &object(row, Some(plaintext)))
}

/// Prints one object to a line: what was printed before an interruption can still be read.
pub(super) fn successor<Id: Serialize>(
    out: &mut impl Write,
    row: &Row<'_, Id>,
    plaintext: &str,
) -> io::Result<()> {
    writeln!(out, "{}", line(row, Some(plaintext))?)
}

/// Prints part of an array, one key to a line.
pub(super) fn page<Id: Serialize>(
    out: &mut impl Write,
    rows: &[Row<'_, Id>],
    is_first: bool,
) -> io::Result<()> {
    for (number, row) in rows.iter().enumerate() {
        out.write_all(if is_first && number == 0 { b"[\n" } else { b",\n" })?;
        write!(out, "{}", line(row, None)?)?;
    }
    Ok(())
}

/// Prints part of an array, one row that cannot be read to a line.
pub(super) fn unreadable(
    out: &mut impl Write,
    rows: &[UnreadableRow],
    is_first: bool,
) -> io::Result<()> {
    for (number, row) in rows.iter().enumerate() {
        out.write_all(if is_first && number == 0 { b"[\n" } else { b",\n" })?;
        let line = serde_json::to_string(&Unreadable::from(row))?;
        write!(out, "{}", printable_json(&line))?;
    }
    Ok(())
}

pub(super) fn unreadable_alone(out: &mut impl Write, row: &UnreadableRow) -> io::Result<()> {
    pretty(out, &Unreadable::from(row))
}

pub(super) fn end(out: &mut impl Write, is_empty: bool) -> io::Result<()> {
    out.write_all(if is_empty { b"[]\n" } else { b"\n]\n" })
}

pub(super) fn findings(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    let problems = findings.iter().map(|Finding { problem, fix, .. }| Problem { problem, fix });
    pretty(out, &problems.collect::<Vec<_>>())
}

pub(super) fn migrations(out: &mut impl Write, applied: &[String]) -> io::Result<()> {
    pretty(out, &Migrations { applied })
}

pub(super) fn sql(out: &mut impl Write, up: &str, down: &str) -> io::Result<()> {
    pretty(out, &Migration { up, down })
}

fn object<'a, Id>(row: &'a Row<'_, Id>, key: Option<&'a str>) -> Object<'a, Id> {
    Object { record: row.record, own: &row.own, status: row.status, key }
}

fn own<S: Serializer>(own: &[(&'static str, Value)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(own.iter().map(|(name, value)| (name, value)))
}

fn line<Id: Serialize>(row: &Row<'_, Id>, key: Option<&str>) -> serde_json::Result<String> {
    Ok(printable_json(&serde_json::to_string(&object(row, key))?))
}

pub(super) fn pretty(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", printable_json(&serde_json::to_string_pretty(value)?))
}
