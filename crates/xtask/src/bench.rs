//! `cargo xtask bench`: measurements that need servers.

mod http;
mod store;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Compares a guarded route with an open one, for each framework's quickstart.
    #[command(after_help = http::EXAMPLES)]
    Http(http::Args),
    /// Compares a small table of keys with a large one, on each database.
    #[command(after_help = store::EXAMPLES)]
    Store,
}

/// Runs one of them.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Http(args) => http::run(args),
        Bench::Store => store::run(),
    }
}
