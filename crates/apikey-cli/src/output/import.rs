//! What an import came to, in each format.

use std::io::{self, Write};

use super::{Format, json, printable, table};
use crate::commands::import::report::{Difference, Report};

/// Prints the counts, and what is different in keys that were there. What was refused has been said when
/// it was; as JSON it is repeated.
pub(super) fn print(
    out: &mut impl Write,
    format: Format,
    width: Option<u16>,
    report: &Report,
) -> io::Result<()> {
    match format {
        Format::Json => return json::pretty(out, report),
        Format::Plain => {
            for (what, number) in report.counts() {
                writeln!(out, "{what}\t{number}")?;
            }
            for (hash, number) in &report.hashes {
                writeln!(out, "{}\t{number}", printable(hash))?;
            }
        }
        Format::Table => {
            let counts = report.counts().into_iter();
            let rows = counts.map(|(what, number)| [what.to_owned(), number.to_string()]);
            table::rows(out, width, ["KEYS", ""], rows)?;
            if !report.hashes.is_empty() {
                writeln!(out)?;
                let hashes = report.hashes.iter();
                let rows = hashes.map(|(hash, number)| [hash.clone(), number.to_string()]);
                table::rows(out, width, ["HASHES", ""], rows)?;
            }
        }
    }
    report.differences.iter().try_for_each(|Difference { prefix, difference }| {
        let (prefix, difference) = (printable(prefix), printable(difference));
        match format {
            Format::Plain => writeln!(out, "different\t{prefix}\t{difference}"),
            _ => writeln!(out, "{prefix} {difference}; it is left as it is"),
        }
    })
}
