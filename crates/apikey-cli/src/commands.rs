//! The commands: one file to a verb.

pub(crate) mod check;
pub(crate) mod count;
pub(crate) mod create;
pub(crate) mod disable;
pub(crate) mod enable;
pub(crate) mod hashers;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod migrate;
pub(crate) mod migration;
pub(crate) mod purge;
pub(crate) mod revoke;
pub(crate) mod rotate;
pub(crate) mod show;
pub(crate) mod update;
pub(crate) mod verify;

use apikey_core::{ApiKeys, ManageError};

use crate::args::{Cli, Command, Manage, OwnManage, Prefix};
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable, printable};
use crate::settings::handle;

/// Opens the database as the command may, and does what it asks.
pub(crate) async fn run(cli: Cli, output: &mut Output) -> Result<Outcome, Failure> {
    let database = cli.global.database;
    let format = cli.global.format;
    match cli.command {
        Command::Migrate(command) => command.run(&database, output).await,
        Command::Migration(command) => command.run(output),
        Command::Create(command) => {
            let keys = handle(database.open_or_create().await?, format)?;
            command.run(&keys, |()| (), output).await
        }
        Command::Import(command) => command.run(&database, output).await,
        Command::Manage(command) => {
            let keys = handle(database.open().await?, format)?;
            manage(command, &keys, None, output).await
        }
    }
}

/// Does what a command for a model of one's own can do, beside creating keys.
pub(crate) async fn own<M: Printable>(
    command: OwnManage,
    keys: &ApiKeys<M>,
    owner: Option<M::Owner>,
    output: &mut Output<M>,
) -> Result<Outcome, Failure> {
    match command {
        OwnManage::Migration(command) => command.run(output),
        OwnManage::Manage(command) => manage(command, keys, owner, output).await,
    }
}

/// Does what concerns keys that are there, of whatever model. Lists are of this owner, if there is one.
pub(crate) async fn manage<M: Printable>(
    command: Manage,
    keys: &ApiKeys<M>,
    owner: Option<M::Owner>,
    output: &mut Output<M>,
) -> Result<Outcome, Failure> {
    match command {
        Manage::List(command) => command.run(keys, owner, output).await,
        Manage::Show(command) => command.run(keys, output).await,
        Manage::Update(command) => command.run(keys, output).await,
        Manage::Rotate(command) => command.run(keys, output).await,
        Manage::Disable(command) => command.run(keys, output).await,
        Manage::Enable(command) => command.run(keys, output).await,
        Manage::Revoke(command) => command.run(keys, output).await,
        Manage::Purge(command) => command.run(keys, output).await,
        Manage::Verify(command) => command.run(keys, output).await,
        Manage::Count(command) => command.run(keys, owner, output).await,
        Manage::Check(command) => command.run(keys, output).await,
        Manage::Hashers(command) => command.run(keys, output).await,
    }
}

/// Changes keys one after the other and prints them then, so that nothing that happens to standard output
/// keeps a key from being changed. A key that does not exist does not keep the others from it.
async fn change_each<M: Printable>(
    prefixes: &[Prefix],
    output: &mut Output<M>,
    change: impl AsyncFn(&str) -> Result<M, ManageError>,
) -> Result<Outcome, Failure> {
    let mut changed = Vec::new();
    let (mut unknown, mut unread) = (Vec::new(), Vec::new());
    let mut failure = None;
    for Prefix(prefix) in prefixes {
        match change(prefix).await {
            Ok(key) => changed.push(key),
            Err(ManageError::EndedUnread(row)) => unread.push(row),
            Err(error @ (ManageError::NotFound { .. } | ManageError::Unreadable(_))) => {
                unknown.push(Failure::from(error));
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    unknown.iter().for_each(|error| Output::complain(error));
    let mut list = output.list();
    list.page(&changed)?;
    list.unreadable(&unread)?;
    list.end()?;
    for prefix in unread.iter().filter_map(|row| row.prefix.as_deref()) {
        Output::note(&format!("done all the same: {}", printable(prefix)));
    }
    match failure {
        Some(failure) => Err(failure.into()),
        None if unknown.is_empty() => Ok(Outcome::Done),
        None => Ok(Outcome::Refused),
    }
}
