//! Printing: results to standard output in one of three formats, everything else to standard error.

pub(crate) mod hashers;
mod import;
mod json;
mod plain;
mod printable;
pub(crate) mod progress;
mod table;
pub(crate) mod view;

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use apikey_core::chrono::SecondsFormat;
use apikey_core::{ApiKeys, Finding, KeyModel, KeyRecord, ManageError, Timestamp, UnreadableRow};
use clap::ValueEnum;
use serde::Serialize;

use crate::commands::import::report::Report;
use crate::commands::migration::Sql;
use crate::exit_code::on_one_line;
use crate::output::hashers::Lines;
pub(crate) use crate::output::printable::printable;
use crate::output::view::{Row, View};
use crate::program::Program;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: columns, cut to the width of the terminal
    Table,
    /// For programs: objects with the columns of the database, and `status`
    Json,
    /// For shell scripts: values separated by tabs, `-` for none; of a new key, the key alone
    Plain,
}

/// A model whose keys can be printed as JSON.
pub(crate) trait Printable: KeyModel<Id: Serialize> {}

impl<M: KeyModel<Id: Serialize>> Printable for M {}

/// Where results go. A write to a full disk or a closed pipe is an error for the command to handle.
#[derive(Debug)]
pub(crate) struct Output<M = KeyRecord> {
    format: Format,
    /// Lines are cut to so many columns; `None` outside a terminal.
    width: Option<u16>,
    stdout: BufWriter<Stdout>,
    /// What is shown of keys beside the built-in columns.
    pub(crate) view: View<M>,
    /// The program that the user called.
    pub(crate) program: Program,
}

impl<M> Output<M> {
    pub(crate) fn new(format: Option<Format>, program: Program, view: View<M>) -> Self {
        let stdout = io::stdout();
        let usual = if stdout.is_terminal() { Format::Table } else { Format::Plain };
        Self {
            format: format.unwrap_or(usual),
            width: table::width(&stdout),
            stdout: BufWriter::new(stdout),
            view,
            program,
        }
    }
}

impl<M: Printable> Output<M> {
    /// Prints one key with all that is known of it.
    pub(crate) fn key(&mut self, key: &M) -> io::Result<()> {
        let row = self.view.row(key)?;
        match self.format {
            Format::Table => table::key(&mut self.stdout, self.width, &row)?,
            Format::Json => json::key(&mut self.stdout, &row)?,
            Format::Plain => plain::key(&mut self.stdout, &row)?,
        }
        self.stdout.flush()
    }

    /// Prints what is known of a key whose row cannot be read.
    pub(crate) fn unreadable(&mut self, row: &UnreadableRow) -> io::Result<()> {
        if self.format == Format::Json {
            json::unreadable_alone(&mut self.stdout, row)?;
        }
        self.stdout.flush()
    }

    /// Prints a new key and its text, once.
    pub(crate) fn created(&mut self, key: &M, plaintext: &str) -> io::Result<()> {
        let row = self.view.row(key)?;
        match self.format {
            Format::Table => {
                table::key(&mut self.stdout, self.width, &row)?;
                writeln!(self.stdout, "\n{plaintext}\n")?;
            }
            Format::Json => json::created(&mut self.stdout, &row, plaintext)?,
            Format::Plain => writeln!(self.stdout, "{plaintext}")?,
        }
        self.stdout.flush()?;
        // The others say it on standard output.
        if let (Format::Plain, Some(end)) = (self.format, key.record().expires_at) {
            Output::note(&format!("The key ends at {}.", table::time(end)));
        }
        Ok(())
    }

    /// Prints the successor of a key that was named and its text, once.
    pub(crate) fn rotated(&mut self, key: &M, plaintext: &str) -> io::Result<()> {
        match self.format {
            Format::Json => self.successor(key, plaintext),
            Format::Table | Format::Plain => self.created(key, plaintext),
        }
    }

    /// Prints the successor of a key, one of many, on one line.
    pub(crate) fn successor(&mut self, key: &M, plaintext: &str) -> io::Result<()> {
        let row = self.view.row(key)?;
        match self.format {
            Format::Table => table::successor(&mut self.stdout, &row, plaintext)?,
            Format::Json => json::successor(&mut self.stdout, &row, plaintext)?,
            Format::Plain => plain::successor(&mut self.stdout, &row, plaintext)?,
        }
        self.stdout.flush()
    }

    /// Starts a list of keys, which comes in pages.
    pub(crate) fn list(&mut self) -> List<'_, M> {
        List { output: self, is_empty: true }
    }
}

impl<M> Output<M> {
    /// Reminds people that a new key is shown once.
    pub(crate) fn shown_once(&self) {
        if self.format != Format::Json {
            Output::note(
                "This is the only time that the key is shown: store it in a safe place now.",
            );
        }
    }

    /// Prints a number.
    pub(crate) fn number(&mut self, number: u64) -> io::Result<()> {
        writeln!(self.stdout, "{number}")?;
        self.stdout.flush()
    }

    /// Prints the problems that a check found.
    pub(crate) fn findings(&mut self, findings: &[Finding]) -> io::Result<()> {
        match self.format {
            Format::Json => json::findings(&mut self.stdout, findings)?,
            Format::Table | Format::Plain if findings.is_empty() => {
                writeln!(self.stdout, "no problems found")?;
            }
            Format::Table | Format::Plain => {
                for Finding { problem, fix, .. } in findings {
                    let (problem, fix) = (printable(problem), printable(fix));
                    writeln!(self.stdout, "problem: {problem}\n    fix: {fix}")?;
                }
            }
        }
        self.stdout.flush()
    }

    /// Prints what stored keys are hashed with, and how far a change has come.
    pub(crate) fn hashers(&mut self, lines: &Lines) -> io::Result<()> {
        lines.print(&mut self.stdout, self.format, self.width)?;
        self.stdout.flush()?;
        if self.format != Format::Json {
            Output::note(&lines.progress());
        }
        Ok(())
    }

    /// Prints what an import came to.
    pub(crate) fn imported(&mut self, report: &Report) -> io::Result<()> {
        import::print(&mut self.stdout, self.format, self.width, report)?;
        self.stdout.flush()
    }

    /// Prints which migrations were applied.
    pub(crate) fn migrations(&mut self, applied: &[String]) -> io::Result<()> {
        match self.format {
            Format::Json => json::migrations(&mut self.stdout, applied)?,
            Format::Table | Format::Plain if applied.is_empty() => {
                writeln!(self.stdout, "up to date")?;
            }
            Format::Table | Format::Plain => {
                for name in applied {
                    writeln!(self.stdout, "applied {name}")?;
                }
            }
        }
        self.stdout.flush()
    }

    /// Prints the two files of a migration.
    pub(crate) fn sql(&mut self, Sql { up, down }: &Sql) -> io::Result<()> {
        match self.format {
            Format::Json => json::sql(&mut self.stdout, up, down)?,
            Format::Table | Format::Plain => {
                write!(self.stdout, "-- up.sql\n{up}\n-- down.sql\n{down}")?;
            }
        }
        self.stdout.flush()
    }

    /// Prints lines, in every format.
    pub(crate) fn lines(&mut self, lines: &[String]) -> io::Result<()> {
        lines.iter().try_for_each(|line| writeln!(self.stdout, "{}", printable(line)))?;
        self.stdout.flush()
    }
}

/// What is said whatever the keys are.
impl Output<()> {
    /// Says something to the person at the terminal, on one line. That nobody may read it is no failure.
    pub(crate) fn note(text: &str) {
        let _ = writeln!(io::stderr(), "{}", printable(text));
    }

    /// Says what went wrong.
    pub(crate) fn complain(error: &(dyn std::error::Error + 'static)) {
        Self::note(&format!("error: {}", on_one_line(error)));
    }

    /// Says which row cannot be read, and how it is repaired.
    pub(crate) fn warn_of(row: &UnreadableRow) {
        let said = row.to_string();
        Self::note(&format!("warning: a row cannot be read: {}", printable(&said)));
        Self::note(&format!("    fix: {}", printable(&row.fix)));
    }

    /// Says what went wrong with one key of several.
    pub(crate) fn complain_of(prefix: &str, error: &(dyn std::error::Error + 'static)) {
        Self::note(&format!("error: {prefix}: {}", on_one_line(error)));
    }
}

/// A list of keys on its way out.
#[must_use = "a list has an end, too"]
pub(crate) struct List<'a, M> {
    output: &'a mut Output<M>,
    is_empty: bool,
}

impl<M: Printable> List<'_, M> {
    /// Finds out which keys of a page may not be used, before it is printed.
    pub(crate) async fn look(&mut self, keys: &ApiKeys<M>, page: &[M]) -> Result<(), ManageError> {
        self.output.view.look(keys, page).await
    }

    /// Prints the next page.
    pub(crate) fn page(&mut self, keys: &[M]) -> io::Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let Output { format, width, stdout, view, .. } = &mut *self.output;
        let rows = keys.iter().map(|key| view.row(key)).collect::<io::Result<Vec<Row<'_, _>>>>()?;
        match format {
            Format::Table => table::page(stdout, *width, &rows)?,
            Format::Json => json::page(stdout, &rows, self.is_empty)?,
            Format::Plain => plain::page(stdout, &rows)?,
        }
        self.is_empty = false;
        stdout.flush()
    }

    /// Names the rows that cannot be read: in JSON beside the others, and to the person at the terminal.
    pub(crate) fn unreadable(&mut self, rows: &[UnreadableRow]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let Output { format, stdout, .. } = &mut *self.output;
        if *format == Format::Json {
            json::unreadable(stdout, rows, self.is_empty)?;
            stdout.flush()?;
        }
        self.is_empty = false;
        rows.iter().for_each(Output::warn_of);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Ends the list.
    pub(crate) fn end(self) -> io::Result<()> {
        if self.output.format == Format::Json {
            json::end(&mut self.output.stdout, self.is_empty)?;
        }
        self.output.stdout.flush()
    }
}

/// Writes a time for programs.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Writes what is there, or `absent`.
fn or<T: Display>(value: Option<T>, absent: &str) -> String {
    value.map_or_else(|| absent.to_owned(), |value| value.to_string())
}
