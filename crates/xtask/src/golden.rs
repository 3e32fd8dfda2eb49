//! `cargo xtask golden`: a copy of databases and keys, which every later release has to read.
//!
//! A release runs it once, at its commit. `tests/golden/README.md` says what is in a copy.

use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::{services::Services, workspace};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask golden 2030-01-31-0a1b2c3    writes the folder tests/golden/2030-01-31-0a1b2c3";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the folder is called: date and commit, `YYYY-MM-DD-COMMIT`
    #[arg(value_parser = folder_name)]
    name: String,
}

/// Writes a copy on servers of its own.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let services = Services::start()?;
    if !services.missing.is_empty() {
        bail!("a copy has databases of every kind; {}", services.missing.join("; "));
    }
    let mut cargo = workspace::cargo();
    // With the features of `cargo xtask test`, so that nothing is compiled again.
    cargo.args(["run", "--package", "apikey-tests", "--all-features", "--example", "golden", "--"]);
    cargo.arg(&args.name).envs(services.variables.iter().cloned());
    let status = cargo.status().context("cannot start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Accepts `YYYY-MM-DD-COMMIT`.
fn folder_name(text: &str) -> Result<String, &'static str> {
    let digits =
        |word: &str, length| word.len() == length && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = match *text.splitn(4, '-').collect::<Vec<_>>() {
        [year, month, day, commit] => {
            let is_date = digits(year, 4) && digits(month, 2) && digits(day, 2);
            is_date && commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        _ => false,
    };
    if is_name {
        return Ok(text.to_owned());
    }
    Err("a copy is named by date and commit, as in 2030-01-31-0a1b2c3")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_folder_by_date_and_commit() {
        assert!(folder_name("2026-11-26-140c60d").is_ok());
        for wrong in
            ["", "140c60d", "2026-11-26", "2026-11-26-", "2026-11-26-../up", "26-11-2026-140c60d"]
        {
            assert!(folder_name(wrong).is_err(), "{wrong}");
        }
    }
}
