//! The `apikey` command: creates, lists, rotates, verifies and revokes the API keys of a service, on its
//! database.
//!
//! The binary is [`run`] and nothing else; `apikey --help` says what it does.
//!
//! # A command for a model of your own
//! Keys of your own model are in your own table, with your own columns, and the `apikey` binary knows
//! neither. Your program does: five lines of it are such a command.
//!
//! ```no_run
//! # use std::process::ExitCode;
//! # use apikey_core::{ApiKeys, KeyModel, KeyRecord, MemoryStore};
//! # #[derive(Debug, Clone)]
//! # struct TeamKey { record: KeyRecord, team: i32 }
//! # impl KeyModel for TeamKey {
//! #     type Id = i64;
//! #     type Extra = i32;
//! #     type Owner = i32;
//! #     fn record(&self) -> &KeyRecord { &self.record }
//! #     fn from_parts(record: KeyRecord, team: i32) -> Self { Self { record, team } }
//! #     fn extra(&self) -> i32 { self.team }
//! #     fn owner(&self) -> Option<&i32> { Some(&self.team) }
//! #     fn owner_of(team: &i32) -> Option<&i32> { Some(team) }
//! # }
//! # async fn keys() -> ApiKeys<TeamKey> { ApiKeys::new(MemoryStore::new()) }
//! /// What `create` asks for beside name, scopes and expiry.
//! #[derive(clap::Args)]
//! struct Own {
//!     /// The team that owns the key
//!     #[arg(long)]
//!     team: i32,
//! }
//!
//! #[tokio::main]
//! async fn main() -> ExitCode {
//!     let keys = keys().await; // as your service makes them: same store, format and hashers
//!     apikey_cli::run_with_create(keys, |own: Own| own.team, std::env::args_os()).await
//! }
//! ```
//!
//! `team-keys create ci --team 7` then creates a key of the team, and `team-keys rotate --older-than 90d`
//! is there like everything else. [`KeyCommand`] is the same with your columns in lists, an option `--owner` and
//! a name of your choice. A model whose keys are not to be created by hand uses [`run_with`].
//!
//! # Features
//! `sqlite`, `postgres` and `mysql`, all on by default, are the databases that [`run`] opens. A command of your
//! own has its handle, and needs none of them: `default-features = false`.

mod args;
mod command_line;
mod commands;
mod database;
mod exit_code;
mod help;
mod output;
mod own;
mod program;
mod settings;

pub use apikey_core;
pub use clap;

use std::ffi::OsString;
use std::process::ExitCode;

use apikey_core::{ApiKeys, KeyModel};
use clap::{Args, CommandFactory};
use serde::Serialize;

use crate::args::Cli;
use crate::output::Output;
use crate::output::view::View;
pub use crate::own::KeyCommand;
use crate::program::Program;

/// Runs one command line on the built-in table, its first word being the name of the program.
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
/// terminal. `create` and `rotate` print a new one, once, to standard output. Stored hashes are never printed.
pub async fn run<I>(arguments: I) -> ExitCode
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let program = Program::built_in();
    let command = help::of(Cli::command(), &program, &[]);
    let cli = match command_line::parse::<Cli>(command, &arguments) {
        Ok((cli, _)) => cli,
        Err(code) => return code,
    };
    let mut output = Output::new(cli.global.output, program.clone(), View::built_in());
    exit_code::report(commands::run(cli, &mut output).await, &program)
}

/// Runs one command line on keys of any model: every command but `create`, `migrate` and `import`.
///
/// The handle decides where the keys are, how they are hashed and what they look like, so there is neither
/// `--database-url` nor `--brand`. What is printed are the built-in columns; [`KeyCommand`] shows yours, too, and
/// selects by owner. For the rest see [`run`].
///
/// # Examples
/// ```
/// # use std::process::ExitCode;
/// # futures::executor::block_on(async {
/// use apikey_core::ApiKeys;
///
/// let keys = ApiKeys::in_memory();
/// let code = apikey_cli::run_with(keys, ["team-keys", "list"]).await;
/// assert_eq!(code, ExitCode::SUCCESS);
/// # });
/// ```
pub async fn run_with<M, I>(keys: ApiKeys<M>, arguments: I) -> ExitCode
where
    M: KeyModel<Id: Serialize>,
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    KeyCommand::new(keys).run(arguments).await
}

/// Runs one command line as [`run_with`] does, and has `create`, too: with options of yours, from which
/// `extra` makes the values of the model's own columns. [The crate](crate) has an example.
///
/// # Security
/// Whoever runs the command names the owner of a new key. It is for operators; people who manage their own
/// keys go through [`ApiKeys::owned_by`].
pub async fn run_with_create<M, Own, I>(
    keys: ApiKeys<M>,
    extra: impl FnOnce(Own) -> M::Extra,
    arguments: I,
) -> ExitCode
where
    M: KeyModel<Id: Serialize>,
    Own: Args,
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    KeyCommand::new(keys).run_with_create(extra, arguments).await
}
