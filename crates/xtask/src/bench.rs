//! `cargo xtask bench`: measurements that need a built server and a load generator.

mod http;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Compares a guarded route with an open one, for each framework's quickstart.
    #[command(after_help = http::EXAMPLES)]
    Http(http::Args),
}

/// Runs one of them.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Http(args) => http::run(args),
    }
}
