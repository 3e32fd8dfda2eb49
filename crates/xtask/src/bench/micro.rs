//! Single calls: parse, refuse, hash, verify, in units of one SHA-256.
//!
//! The benchmarks of `apikey-core` measure and print; here their rows are read and put into one table.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::bar::Bar;
use super::{peers, table::Table};
use crate::workspace;

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench micro            every step of a request, every hasher
  cargo xtask bench micro --peers    beside what other crates take for it";

/// The hashers that are measured.
const FEATURES: &str = "argon2,bcrypt,django,pbkdf2,scrypt";

const NOTES: [&str; 2] = [
    "Medians of rounds in which the rows take turns; × SHA-256 is the multiple of one SHA-256 of the same 41 bytes.",
    "`hash` is what a verification costs without a cache: hash the key, compare. Slow hashes run on threads of their own.",
];

/// What calls may take, in units of one SHA-256.
const BARS: [(&str, f64); 3] =
    [("authenticate, cached", 5.0), ("reject: malformed", 2.0), ("reject: bad checksum", 2.0)];

/// One call, as a benchmark printed it.
#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    nanoseconds: f64,
    /// In units of one SHA-256, measured in the same run.
    ratio: f64,
    allocations: u64,
}

/// The calls to measure, built.
#[derive(Debug)]
pub(crate) struct Calls {
    /// Those of other crates.
    peers: Option<Command>,
    notes: Vec<String>,
}

/// Builds what is measured.
pub(crate) fn build(peers: bool) -> anyhow::Result<Calls> {
    eprintln!("==> building the benchmarks of single calls");
    let status = core().arg("--no-run").status().context("cannot start cargo")?;
    ensure!(status.success(), "the benchmarks do not build");
    let mut calls = Calls { peers: None, notes: NOTES.map(str::to_owned).into() };
    match peers.then(peers::crates::build) {
        Some(Ok(program)) => {
            calls.peers = Some(program);
            calls.notes.push(peers::crates::NOTE.to_owned());
        }
        Some(Err(error)) => calls.notes.push(peers::absent("other crates", &error)),
        None => {}
    }
    Ok(calls)
}

impl Calls {
    /// How long it takes about.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(if self.peers.is_some() { 40 } else { 25 })
    }

    /// Measures, and returns the table.
    pub(crate) fn measure(mut self) -> anyhow::Result<Table> {
        eprintln!("==> single calls");
        let mut rows = read(&mut core())?;
        // The yardstick first, and the steps of a request before the hashers.
        rows.sort_by_key(|row| row.name.starts_with("hash: "));
        self.notes.extend(verdicts(&rows));
        if let Some(peers) = &mut self.peers {
            rows.extend(read(peers)?);
        }
        let columns = ["one call", "time", "× SHA-256", "allocations"].map(str::to_owned).into();
        let rows = rows.iter().map(Row::cells).collect();
        Ok(Table { title: "Single calls".to_owned(), words: 1, columns, rows, notes: self.notes })
    }
}

fn verdicts(rows: &[Row]) -> Vec<String> {
    let named = |name: &str| rows.iter().find(|row| row.name == name);
    let mut verdicts = Vec::new();
    for (name, most) in BARS {
        if let Some(row) = named(name) {
            verdicts.push(Bar::AtMost(most).verdict(&format!("{name}, × SHA-256"), row.ratio));
        }
    }
    if let Some(hit) = named("authenticate, cached") {
        let allocations = hit.allocations as f64;
        verdicts.push(Bar::AtMost(0.0).verdict("authenticate, cached, allocations", allocations));
    }
    verdicts
}

fn core() -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(["bench", "--quiet", "--package", "apikey-core", "--features", FEATURES]);
    cargo.args(["--bench", "hot_path", "--bench", "hashers"]);
    cargo
}

/// Runs a benchmark and reads the rows that it prints.
fn read(benchmark: &mut Command) -> anyhow::Result<Vec<Row>> {
    let output = benchmark.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "a benchmark failed, {}:\n{text}", output.status);
    let rows: Vec<_> = text.lines().filter_map(parse).collect();
    ensure!(!rows.is_empty(), "a benchmark printed no row:\n{text}");
    Ok(rows)
}

/// Reads a line that ends in nanoseconds, ratio and allocations; what is before is the name.
fn parse(line: &str) -> Option<Row> {
    let mut rest = line.trim_end();
    let mut last = || {
        let (before, word) = rest.rsplit_once(char::is_whitespace)?;
        rest = before.trim_end();
        Some(word)
    };
    let allocations = last()?.parse().ok()?;
    let ratio = last()?.parse().ok()?;
    let nanoseconds = last()?.parse().ok()?;
    Some(Row { name: rest.to_owned(), nanoseconds, ratio, allocations })
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let ratio = match self.ratio {
            small if small < 100.0 => format!("{small:.1}"),
            large => format!("{large:.0}"),
        };
        let time = in_units(self.nanoseconds);
        vec![self.name.clone(), time, ratio, self.allocations.to_string()]
    }
}

fn in_units(nanoseconds: f64) -> String {
    match nanoseconds {
        short if short < 10_000.0 => format!("{short:.0} ns"),
        middle if middle < 1e6 => format!("{:.1} µs", middle / 1e3),
        long => format!("{:.1} ms", long / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_rows_and_not_the_head() {
        let head = "                             ns a call   x SHA-256   allocations";
        assert_eq!(parse(head), None);
        assert_eq!(parse("running 3 tests"), None);
        let row =
            parse("reject: 4 kB                        12         0.2             1").unwrap();
        assert_eq!(
            row,
            Row { name: "reject: 4 kB".to_owned(), nanoseconds: 12.0, ratio: 0.2, allocations: 1 }
        );
    }

    #[test]
    fn prints_times_in_fitting_units() {
        assert_eq!(in_units(71.0), "71 ns");
        assert_eq!(in_units(71_400.0), "71.4 µs");
        assert_eq!(in_units(31_400_000.0), "31.4 ms");
    }
}
