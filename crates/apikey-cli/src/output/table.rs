//! Tables for people.

use std::fmt::Display;
use std::io::{self, IsTerminal, Stdout, Write};

use apikey_core::Timestamp;
use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Row as Cells, Table, presets};

use super::view::{Row, text};
use super::{or, printable};

/// From this width on, a list has the columns that people look at less often.
const WIDE: u16 = 120;

/// In less than this, lines are left to the terminal to wrap.
const NARROW: u16 = 60;

/// The columns that every list has; those of the model come after them.
const HEADER: [&str; 5] = ["PREFIX", "NAME", "STATUS", "SCOPES", "EXPIRES"];

/// Names and scopes: with the model's own columns, those of a list that give way in a narrow terminal.
const SHORTENED: [usize; 2] = [1, 3];

/// Returns the width of the terminal; elsewhere `COLUMNS`, or no limit.
pub(super) fn width(stdout: &Stdout) -> Option<u16> {
    let size = stdout.is_terminal().then(|| terminal_size::terminal_size_of(stdout)).flatten();
    size.map(|(terminal_size::Width(width), _)| width)
        .or_else(|| std::env::var("COLUMNS").ok()?.parse().ok())
        .filter(|width| *width > 0)
}

/// Prints one key, one column to a line; what there is nothing to say about is left out.
pub(super) fn key<Id: Display>(
    out: &mut impl Write,
    width: Option<u16>,
    row: &Row<'_, Id>,
) -> io::Result<()> {
    let record = row.record;
    let mut table = table(width);
    let mut line = |name: &str, value: String| {
        table.add_row([Cell::new(printable(name)), Cell::new(printable(&value))]);
    };
    line("prefix", record.prefix.clone());
    line("name", record.name.clone());
    line("status", row.status.to_owned());
    line("scopes", scopes(row));
    line("created", time(record.created_at));
    line("expires", or(record.expires_at.map(time), "never"));
    line("last used", or(record.last_used_at.map(time), "never"));
    row.own.iter().for_each(|(name, value)| line(name, text(value, "none")));
    let rest = [
        ("disabled", record.disabled_at.map(time)),
        ("revoked", record.revoked_at.map(time)),
        ("rotated from", record.rotated_from.clone()),
    ];
    for (name, value) in rest {
        if let Some(value) = value {
            line(name, value);
        }
    }
    print(out, table)
}

/// Prints one key to a line, cut where the line would be longer than the terminal is wide. Each page has a
/// header, since its columns have their own widths.
pub(super) fn page<Id>(
    out: &mut impl Write,
    width: Option<u16>,
    rows: &[Row<'_, Id>],
) -> io::Result<()> {
    let is_wide = width.is_none_or(|width| width >= WIDE);
    let mut table = table(width);
    let own = rows.first().map_or(&[][..], |row| &row.own);
    let mut header = HEADER.map(str::to_owned).to_vec();
    header.extend(own.iter().map(|(name, _)| printable(&name.to_uppercase())));
    if is_wide {
        header.extend(["LAST USED", "CREATED"].map(str::to_owned));
    }
    table.set_header(header);
    for row in rows {
        let record = row.record;
        let mut values = vec![
            record.prefix.clone(),
            record.name.clone(),
            row.status.to_owned(),
            scopes(row),
            or(record.expires_at.map(time), "never"),
        ];
        values.extend(row.own.iter().map(|(_, value)| text(value, "none")));
        if is_wide {
            values.push(or(record.last_used_at.map(time), "never"));
            values.push(time(record.created_at));
        }
        let mut cells = Cells::from(values.iter().map(|value| printable(value)));
        cells.max_height(1);
        table.add_row(cells);
    }
    for (number, column) in table.column_iter_mut().enumerate() {
        let is_own = (HEADER.len()..HEADER.len() + own.len()).contains(&number);
        if !is_own && !SHORTENED.contains(&number) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    print(out, table)
}

/// Prints a predecessor's prefix, the new key and its name. A key is never cut.
pub(super) fn successor<Id>(
    out: &mut impl Write,
    row: &Row<'_, Id>,
    plaintext: &str,
) -> io::Result<()> {
    let predecessor = or(row.record.rotated_from.as_ref(), "");
    writeln!(out, "{}  {plaintext}  {}", printable(&predecessor), printable(&row.record.name))
}

/// Prints lines under a header; no column gives way.
pub(super) fn rows<const N: usize>(
    out: &mut impl Write,
    width: Option<u16>,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> io::Result<()> {
    let mut table = table(width);
    table.set_header(header).add_rows(rows.map(|row| row.map(|cell| printable(&cell))));
    for column in table.column_iter_mut() {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    print(out, table)
}

fn table(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width.max(NARROW));
    }
    table
}

/// Prints without the white space that pads the last column.
fn print(out: &mut impl Write, mut table: Table) -> io::Result<()> {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

/// Writes a time for people, in UTC to the second.
pub(super) fn time(time: Timestamp) -> String {
    time.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn scopes<Id>(row: &Row<'_, Id>) -> String {
    or(Some(&row.record.scopes).filter(|scopes| !scopes.is_empty()), "none")
}
