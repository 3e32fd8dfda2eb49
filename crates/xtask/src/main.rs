//! `cargo xtask`: the commands that people and CI run on this workspace.
//!
//! One file per subcommand. A new one is a file beside `test.rs`, a variant of `Command` and its arm in `main`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool answers on standard output and reports on standard error"
)]

mod bench;
mod golden;
mod lint;
mod load;
mod python;
mod services;
mod source;
mod style;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs the checks of this workspace, the same way on a laptop and in CI.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs every test with every feature, and says what was skipped, what failed and how long it took.
    #[command(after_help = test::EXAMPLES)]
    Test(test::Args),

    /// Checks format, lints, documentation, style and dependencies; runs every step even if one fails.
    #[command(after_help = lint::EXAMPLES)]
    Lint(lint::Args),

    /// Measures what keys cost, in single calls and in requests.
    #[command(after_help = bench::EXAMPLES)]
    Bench(bench::Args),

    /// Writes databases and keys with the code of today, for the tests of all later releases.
    #[command(after_help = golden::EXAMPLES)]
    Golden(golden::Args),

    /// Starts throw-away PostgreSQL, MariaDB and Redis servers for tests, and waits for Ctrl-C.
    #[command(after_help = services::EXAMPLES)]
    Services,

    /// Keeps the servers for another process of this program.
    #[command(name = services::KEEPER, hide = true)]
    KeepServices {
        /// The variables of the servers; all if none is named.
        variables: Vec<String>,
    },

    /// Keeps a core busy beside the tests.
    #[command(name = load::BUSY, hide = true)]
    KeepBusy,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask lint          what a reviewer would otherwise have to say
  cargo xtask test          everything that can be run on this machine
  cargo xtask services      database servers to try things on
  cargo xtask bench         what a call costs, and what a guard costs on each framework
  cargo xtask bench store   what the store costs with few and with many keys";

fn main() -> anyhow::Result<ExitCode> {
    match Args::parse().command {
        Command::Test(args) => test::run(&args),
        Command::Lint(args) => Ok(lint::run(&args)),
        Command::Bench(args) => bench::run(&args),
        Command::Golden(args) => golden::run(&args),
        Command::Services => services::run(),
        Command::KeepServices { variables } => services::keeper::run(&variables),
        Command::KeepBusy => load::run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn declares_its_arguments_without_contradiction() {
        Args::command().debug_assert();
    }

    #[test]
    fn hands_everything_after_the_dashes_to_cargo_test() {
        let line = ["xtask", "test", "--", "refuses", "--", "--nocapture"];
        let Command::Test(args) = Args::parse_from(line).command else {
            panic!("`test` is parsed as another command");
        };
        assert_eq!(args.cargo, ["refuses", "--", "--nocapture"]);
    }
}
