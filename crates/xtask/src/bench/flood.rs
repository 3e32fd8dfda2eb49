//! `cargo xtask bench flood`: what a flood of bad keys takes from good ones, with Argon2id.

use std::process::ExitCode;

use anyhow::{Context, ensure};

use crate::workspace;

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench flood    about two minutes; nothing else should be running

What can be compared between machines are the ratios.";

/// Measures, with the cache off and on.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let status = workspace::cargo()
        .args(["bench", "--package", "apikey-core", "--features", "argon2", "--bench", "flood"])
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the measurement failed, {status}");
    Ok(ExitCode::SUCCESS)
}
