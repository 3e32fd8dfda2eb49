//! `cargo xtask test`: every test with every feature, and the names of those that were skipped.
//!
//! Some tests need a server, or a Django site. Servers that can be started are (`services.rs`), and Django is
//! installed (`python.rs`), unless the environment names one.
//!
//! Not every machine has all of them. `cargo test` hides what a passing test prints, so a test that cannot run says
//! so in a file: it appends one line, `skipped: <case>: <reason>`, to the file named by the environment variable
//! `APIKEY_SKIPPED`, in a single write, and returns. The lines are repeated after cargo's own. Where `CI=true`, one
//! such line fails the run: a hole in the tests is then a decision, not an accident.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    process::ExitCode,
};

use anyhow::Context;
use tempfile::NamedTempFile;

use crate::{
    python::{self, Python},
    services::Services,
    workspace,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask test                      everything
  cargo xtask test -- revoked           the tests whose name contains `revoked`
  cargo xtask test -- -- --nocapture    everything, with what the tests print
  CI=true cargo xtask test              as in CI: a skipped test is a failure";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Arguments for `cargo test`, and after another `--` for the tests themselves.
    #[arg(last = true, value_name = "ARGUMENT")]
    pub(crate) cargo: Vec<OsString>,
}

/// Runs the tests, then names the skipped ones.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let services = Services::start()?;
    let python = python::prepare();
    let file = NamedTempFile::new().context("cannot create the file of skipped tests")?;
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--workspace", "--all-features", "--no-fail-fast"]).args(&args.cargo);
    cargo.env("APIKEY_SKIPPED", file.path()).envs(services.variables.iter().cloned());
    let mut missing = services.missing.clone();
    match python {
        Python::Given => {}
        Python::Ready(path) => {
            cargo.env(python::VARIABLE, path);
        }
        Python::Missing(reason) => missing.push(reason),
    }
    let status = cargo.status().context("cannot start cargo")?;
    let text = fs::read_to_string(&file).context("cannot read the file of skipped tests")?;
    let skipped = notices(&text, &missing);
    drop(services);
    let may_skip = may_skip(env::var_os("CI").as_deref());

    println!("\n{}", summary(&skipped, may_skip));
    if status.success() && (may_skip || skipped.is_empty()) {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

/// Returns the lines in order, each once.
///
/// Every line counts, also a misspelt one: a notice that is dropped is a hole in the tests that nobody sees.
/// A missing server counts, too, whether or not a test asked for it.
fn notices(text: &str, missing: &[String]) -> Vec<String> {
    let mut notices: Vec<_> = text
        .lines()
        .chain(missing.iter().map(String::as_str))
        .map(|line| line.strip_prefix("skipped: ").unwrap_or(line).trim())
        .filter(|notice| !notice.is_empty())
        .map(|notice| format!("skipped: {notice}"))
        .collect();
    notices.sort();
    notices.dedup();
    notices
}

fn may_skip(ci: Option<&OsStr>) -> bool {
    ci != Some(OsStr::new("true"))
}

fn summary(skipped: &[String], may_skip: bool) -> String {
    if skipped.is_empty() {
        return "nothing skipped".to_owned();
    }
    let verdict = if may_skip {
        "allowed here; with CI=true a skipped test is a failure"
    } else {
        "FAILED: CI=true allows no skipped test"
    };
    format!("{}\n{verdict}", skipped.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_notice_once_and_in_order() {
        let text = "skipped: mysql: no server\n\nskipped: a: b\nskipped: mysql: no server\n";
        assert_eq!(notices(text, &[]), ["skipped: a: b", "skipped: mysql: no server"]);
    }

    #[test]
    fn keeps_a_notice_that_forgot_its_prefix() {
        assert_eq!(notices("redis: no server", &[]), ["skipped: redis: no server"]);
    }

    #[test]
    fn names_servers_that_do_not_run() {
        let missing = ["Redis: `redis-server` is not installed".to_owned()];
        let expected = ["skipped: Redis: `redis-server` is not installed", "skipped: a: b"];
        assert_eq!(notices("skipped: a: b\n", &missing), expected);
    }

    #[test]
    fn allows_skips_everywhere_but_in_ci() {
        assert!(may_skip(None));
        assert!(may_skip(Some(OsStr::new("false"))));
        assert!(!may_skip(Some(OsStr::new("true"))));
    }

    #[test]
    fn ends_with_the_skipped_tests_and_the_verdict() {
        let skipped = ["skipped: mysql: no server".to_owned()];
        assert!(summary(&skipped, true).starts_with("skipped: mysql: no server\nallowed"));
        assert!(summary(&skipped, false).starts_with("skipped: mysql: no server\nFAILED"));
        assert_eq!(summary(&[], false), "nothing skipped");
    }
}
