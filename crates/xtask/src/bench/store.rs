//! `cargo xtask bench store`: what the store's operations cost with a thousand and with a million keys.

use std::process::ExitCode;

use anyhow::{Context, ensure};

use crate::services::Services;
use crate::workspace;

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench store    lookup, list page and touch of 500, on SQLite, PostgreSQL and MariaDB

Servers are started for it, unless APIKEY_TEST_POSTGRES_URL and APIKEY_TEST_MYSQL_URL name some. What can be
compared between machines are the ratios.";

/// Measures on the servers that there are.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let services = Services::start()?;
    for missing in &services.missing {
        println!("missing: {missing}");
    }
    let status = workspace::cargo()
        .args(["bench", "--package", "apikey-diesel", "--all-features", "--bench", "store"])
        .envs(services.variables.iter().cloned())
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the measurement failed, {status}");
    Ok(ExitCode::SUCCESS)
}
