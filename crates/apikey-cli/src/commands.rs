//! The commands: one file to a verb.

pub(crate) mod check;
pub(crate) mod count;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod migrate;
pub(crate) mod revoke;
pub(crate) mod show;
pub(crate) mod update;
pub(crate) mod verify;

use apikey_core::ApiKeys;

use crate::args::{Cli, Command, Manage};
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};
use crate::settings::handle;

/// Opens the database as the command may, and does what it asks.
pub(crate) async fn run(cli: Cli, output: &mut Output) -> Result<Outcome, Failure> {
    let database = cli.global.database;
    let format = cli.command.format();
    match cli.command {
        Command::Migrate(command) => command.run(&database, output).await,
        Command::Create(command) => {
            let keys = handle(database.open_or_create().await?, format)?;
            command.run(&keys, output).await
        }
        Command::Manage(command) => {
            let keys = handle(database.open().await?, format)?;
            manage(command, &keys, output).await
        }
    }
}

/// Does what concerns keys that are there, of whatever model.
async fn manage<M: Printable>(
    command: Manage,
    keys: &ApiKeys<M>,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    match command {
        Manage::List(command) => command.run(keys, output).await,
        Manage::Show(command) => command.run(keys, output).await,
        Manage::Update(command) => command.run(keys, output).await,
        Manage::Revoke(command) => command.run(keys, output).await,
        Manage::Verify(command) => command.run(keys, output).await,
        Manage::Count(command) => command.run(keys, output).await,
        Manage::Check(command) => command.run(keys, output).await,
    }
}
