//! `cargo xtask lint`: everything that can be said about the code without running it.

mod deny;

use std::{
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::Context;

use crate::{source, style, workspace};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask lint                      run it before every commit
  cargo xtask lint style documentation  the steps whose names contain one of these words
  cargo fmt --all                       repairs what the `format` step reports

cargo-deny is used where it is installed; else a copy is installed into the target folder.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs the steps whose names contain one of these; all if none is named.
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
}

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
    Step { name: "dependencies", run: deny::dependencies },
];

/// What a step came to, and how long it took.
struct Row(&'static str, Outcome, Duration);

/// Runs every step, whatever the others say, and ends with what each came to.
pub(crate) fn run(args: &Args) -> ExitCode {
    let is_meant = |step: &&Step| {
        args.steps.is_empty() || args.steps.iter().any(|word| step.name.contains(word))
    };
    let rows: Vec<_> = STEPS.iter().filter(is_meant).map(Step::report).collect();
    if rows.is_empty() {
        println!("no step is called so: {}", STEPS.map(|step| step.name).join("; "));
        return ExitCode::FAILURE;
    }
    println!("\n{}", summary(&rows));
    if rows.iter().any(|Row(_, outcome, _)| *outcome == Outcome::Failed) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

impl Step {
    fn report(&self) -> Row {
        println!("\n==> {}", self.name);
        let start = Instant::now();
        let outcome = (self.run)().unwrap_or_else(|error| {
            println!("{error:#}");
            Outcome::Failed
        });
        Row(self.name, outcome, start.elapsed())
    }
}

fn summary(rows: &[Row]) -> String {
    let mut text = "==> summary\n".to_owned();
    for Row(name, outcome, took) in rows {
        let word = match outcome {
            Outcome::Passed => "ok",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "skipped in part",
        };
        text += &format!("{:>8.1} s  {name}: {word}\n", took.as_secs_f32());
    }
    let total: Duration = rows.iter().map(|Row(_, _, took)| *took).sum();
    text += &format!("{:>8.1} s  all\n", total.as_secs_f32());
    let failed = rows.iter().filter(|Row(_, outcome, _)| *outcome == Outcome::Failed);
    let failed: Vec<_> = failed.map(|Row(name, ..)| *name).collect();
    if failed.is_empty() { text + "lint: ok" } else { text + "lint: FAILED: " + &failed.join("; ") }
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

/// Where cargo's examples are meant, too, it takes the features that the tests ask for, as clippy did, and need not
/// check a dozen large dependencies once more.
fn documentation() -> anyhow::Result<Outcome> {
    check(
        workspace::cargo()
            .args(["doc", "--workspace", "--no-deps", "--all-features"])
            .args(["--lib", "--bins", "--examples"])
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

#[cfg(test)]
mod tests {
    use std::process::Stdio;

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
        assert_eq!(step.report().1, Outcome::Failed);
    }

    #[test]
    fn ends_with_the_time_of_each_step_and_the_failed_ones() {
        let second = Duration::from_secs(1);
        let rows = [Row("style", Outcome::Passed, second), Row("format", Outcome::Failed, second)];
        assert_eq!(
            summary(&rows),
            "==> summary\n     1.0 s  style: ok\n     1.0 s  format: FAILED\n     2.0 s  all\n\
             lint: FAILED: format"
        );
        assert!(summary(&rows[..1]).ends_with("lint: ok"));
    }
}
