//! Plain text for shell scripts: values separated by tabs, `-` for none.

use std::fmt::Display;
use std::io::{self, Write};

use super::view::{Row, text};
use super::{or, printable, rfc3339};

pub(super) const NONE: &str = "-";

/// Prints one key, one column to a line: its name, a tab and its value; the model's own columns at the end.
pub(super) fn key<Id: Display>(out: &mut impl Write, row: &Row<'_, Id>) -> io::Result<()> {
    let record = row.record;
    let columns = [
        ("id", record.id.to_string()),
        ("prefix", record.prefix.clone()),
        ("name", record.name.clone()),
        ("status", row.status.to_owned()),
        ("scopes", scopes(row)),
        ("created_at", rfc3339(record.created_at)),
        ("expires_at", or(record.expires_at.map(rfc3339), NONE)),
        ("disabled_at", or(record.disabled_at.map(rfc3339), NONE)),
        ("revoked_at", or(record.revoked_at.map(rfc3339), NONE)),
        ("last_used_at", or(record.last_used_at.map(rfc3339), NONE)),
        ("rotated_from", or(record.rotated_from.as_ref(), NONE)),
    ];
    let own = row.own.iter().map(|(name, value)| (*name, text(value, NONE)));
    columns
        .into_iter()
        .chain(own)
        .try_for_each(|(name, value)| writeln!(out, "{}\t{}", printable(name), printable(&value)))
}

/// Prints one key to a line, with the model's own columns at its end.
pub(super) fn page<Id>(out: &mut impl Write, rows: &[Row<'_, Id>]) -> io::Result<()> {
    for row in rows {
        let record = row.record;
        let mut values = vec![
            record.prefix.clone(),
            row.status.to_owned(),
            record.name.clone(),
            scopes(row),
            rfc3339(record.created_at),
            or(record.expires_at.map(rfc3339), NONE),
            or(record.last_used_at.map(rfc3339), NONE),
        ];
        values.extend(row.own.iter().map(|(_, value)| text(value, NONE)));
        let values: Vec<_> = values.iter().map(|value| printable(value)).collect();
        writeln!(out, "{}", values.join("\t"))?;
    }
    Ok(())
}

/// Prints a predecessor's prefix and the new key.
pub(super) fn successor<Id>(
    out: &mut impl Write,
    row: &Row<'_, Id>,
    plaintext: &str,
) -> io::Result<()> {
    let predecessor = or(row.record.rotated_from.as_ref(), NONE);
    writeln!(out, "{}\t{plaintext}", printable(&predecessor))
}

fn scopes<Id>(row: &Row<'_, Id>) -> String {
    or(Some(&row.record.scopes).filter(|scopes| !scopes.is_empty()), NONE)
}
