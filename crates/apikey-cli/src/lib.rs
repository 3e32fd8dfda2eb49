//! The `apikey` command: creates, lists, verifies and revokes the API keys of a service, on its database.
//!
//! The binary is [`run`] and nothing else; `apikey --help` says what it does.
//!
//! ```
//! # use std::process::ExitCode;
//! # futures::executor::block_on(async {
//! let code = apikey_cli::run(["apikey", "--version"]).await;
//! assert_eq!(code, ExitCode::SUCCESS);
//! # });
//! ```

mod args;
mod commands;
mod database;
mod exit_code;
mod output;
mod settings;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::output::Output;

/// Runs one command line, its first word being the name of the program.
///
/// Results go to standard output, all else to standard error. The exit code is 0 when the command is
/// done, 1 when it is refused or a key is not found, 2 for wrong usage, 3 when the database is
/// unavailable. Nothing is printed but by this function, and it does not end the process.
///
/// # Panics
/// Outside of a Tokio runtime, where the database is opened.
///
/// # Security
/// No argument holds a secret: `verify` reads the key from standard input, or asks for it at the
/// terminal. `create` prints it, once, to standard output. Stored hashes are never printed.
pub async fn run<I>(arguments: I) -> ExitCode
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    match Cli::try_parse_from(arguments) {
        Ok(cli) => {
            let mut output = Output::new(cli.global.output);
            exit_code::report(commands::run(cli, &mut output).await)
        }
        Err(error) => {
            // Help and version come this way, too. That nobody may read them is no failure.
            let _ = error.print();
            if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
        }
    }
}
