//! `cargo xtask lint`: everything that can be said about the code without running it.

use std::{
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use anyhow::Context;

use crate::{source, style, workspace};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask lint    run it before every commit
  cargo fmt --all     repairs what the `format` step reports";

struct Step {
    name: &'static str,
    run: fn() -> anyhow::Result<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

const STEPS: [Step; 7] = [
    Step { name: "format", run: || check(workspace::cargo().args(["fmt", "--all", "--check"])) },
    Step { name: "clippy, default features", run: || clippy(&[]) },
    Step { name: "clippy, no default features", run: || clippy(&["--no-default-features"]) },
    Step { name: "clippy, all features", run: || clippy(&["--all-features"]) },
    Step { name: "documentation", run: documentation },
    Step { name: "style", run: style },
    Step { name: "dependencies", run: dependencies },
];

/// Runs every step, whatever the others say, and names the failed ones at the end.
pub(crate) fn run() -> ExitCode {
    let failed: Vec<_> = STEPS
        .iter()
        .filter(|step| step.report() == Outcome::Failed)
        .map(|step| step.name)
        .collect();

    if failed.is_empty() {
        println!("\nlint: ok");
        ExitCode::SUCCESS
    } else {
        println!("\nlint: FAILED: {}", failed.join("; "));
        ExitCode::FAILURE
    }
}

impl Step {
    fn report(&self) -> Outcome {
        println!("\n==> {}", self.name);
        let start = Instant::now();
        let outcome = (self.run)().unwrap_or_else(|error| {
            println!("{error:#}");
            Outcome::Failed
        });
        let word = match outcome {
            Outcome::Passed => "ok",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "skipped",
        };
        let seconds = start.elapsed().as_secs_f32();
        println!("==> {}: {word} ({seconds:.1} s)", self.name);
        outcome
    }
}

fn check(command: &mut Command) -> anyhow::Result<Outcome> {
    let status = command.status().context("cannot start cargo")?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed })
}

fn clippy(features: &[&str]) -> anyhow::Result<Outcome> {
    check(
        workspace::cargo()
            .args(["clippy", "--workspace", "--all-targets"])
            .args(features)
            .args(["--", "-D", "warnings"]),
    )
}

fn documentation() -> anyhow::Result<Outcome> {
    check(
        workspace::cargo()
            .args(["doc", "--workspace", "--no-deps", "--all-features"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

fn style() -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Passed;
    for source in source::read_all(workspace::root())? {
        for finding in style::check(&source) {
            println!("{finding}");
            outcome = Outcome::Failed;
        }
    }
    Ok(outcome)
}

fn dependencies() -> anyhow::Result<Outcome> {
    let installed = workspace::cargo()
        .args(["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    if installed.success() {
        check(workspace::cargo().args(["deny", "check"]))
    } else {
        println!("skipped: cargo-deny (not installed)");
        Ok(Outcome::Skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_a_command_that_succeeds_and_fails_one_that_does_not() {
        let outcome = |argument| {
            let mut cargo = workspace::cargo();
            let silent = cargo.stdout(Stdio::null()).stderr(Stdio::null());
            check(silent.arg(argument)).unwrap()
        };
        assert_eq!(outcome("--version"), Outcome::Passed);
        assert_eq!(outcome("no-such-command"), Outcome::Failed);
    }

    #[test]
    fn counts_a_step_that_breaks_as_failed() {
        let step = Step { name: "broken", run: || anyhow::bail!("cannot start") };
        assert_eq!(step.report(), Outcome::Failed);
    }
}
