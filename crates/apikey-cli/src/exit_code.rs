//! What the exit code says, and how failures are told.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use apikey_core::{AuthError, BuildError, KeyRecord, ManageError, StoreError};
use apikey_diesel::ConnectError;
use apikey_diesel::import::{DjangoTable, ReadError};
use thiserror::Error;

use crate::database::Database;
use crate::database::unreadable::Unreadable;
use crate::output::{Output, printable};
use crate::program::Program;

/// How a command ended that ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was asked is done.
    Done,
    /// A key is not found or not good, or there are problems; the command has said so.
    Refused,
}

/// Why a command did not run to its end.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The settings do not go together.
    #[error(transparent)]
    Settings(BuildError),
    /// There is no database yet.
    #[error("there is no database at {database}")]
    NoDatabase { database: Database },
    /// There is no database to import from.
    #[error("there is no database at {database} to import from")]
    NoSource { database: Database },
    /// The keys of another system cannot be read.
    #[error("no keys can be read from {database}")]
    Source {
        database: Database,
        #[source]
        source: Unreadable,
    },
    /// The database has no tables yet, or those of an older version.
    #[error("the database {database} is not up to date")]
    NotMigrated { database: Database },
    /// The database has no built-in table, and others that look like tables of keys.
    #[error(
        "the database {database} has no table api_keys, but tables of keys of their own: {}",
        tables.join(", ")
    )]
    OwnTables { database: Database, tables: Vec<String> },
    /// The database cannot be opened.
    #[error(transparent)]
    Connect(ConnectError),
    /// The database failed while its tables were looked at or changed.
    #[error("the database {database} cannot be used")]
    Store {
        database: Database,
        #[source]
        source: StoreError,
    },
    /// The handle refused, or the database failed under it.
    #[error(transparent)]
    Manage(ManageError),
    /// The database failed while a key was verified.
    #[error("the key could not be verified")]
    Verify(#[source] AuthError),
    /// A model's own column has the name of another.
    #[error("the column {name} is there already: show yours under another name")]
    Column { name: &'static str },
    /// The owner whose keys are wanted is none.
    #[error("the value of --owner is not that of an owner")]
    Owner,
    /// The key could not be read.
    #[error("standard input cannot be read")]
    Input(#[source] io::Error),
    /// The result could not be printed.
    #[error("the result cannot be printed")]
    Output(#[from] io::Error),
    /// A folder could not be created. Its name is not repeated, like no value of an option.
    #[error("cannot create the folder that --output-dir names")]
    Folder(#[source] io::Error),
    /// A file could not be written.
    #[error("cannot write {file} into the folder that --output-dir names")]
    Write {
        file: &'static str,
        #[source]
        source: io::Error,
    },
    /// A key exists now that nobody knows.
    #[error("the key {prefix} was created, and its text could not be printed")]
    Unshown {
        prefix: String,
        /// Its predecessor, where it was made by a rotation.
        predecessor: Option<String>,
        #[source]
        source: io::Error,
    },
}

/// Reports how the command ended, on standard error where there is something to say.
pub(crate) fn report(result: Result<Outcome, Failure>, program: &Program) -> ExitCode {
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::from(1),
        // The reader has seen enough: `apikey list | head`.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            Output::complain(&failure);
            if let Some(fix) = failure.fix() {
                Output::note(&format!("fix: {}", program.in_place_of_apikey(&fix)));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Puts an error and its causes on one line. A cause that the text before it contains is left out.
pub(crate) fn on_one_line(error: &(dyn Error + 'static)) -> String {
    let mut line = printable(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = printable(&error.to_string());
        // "the request was refused" is the news of a service to its client.
        if !error.is::<AuthError>() && !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line
}

/// Names a prefix, unless it is as long as a secret can be: the rest of a key that was cut apart is none.
pub(crate) fn public(prefix: &str) -> &str {
    const SHORTEST_SECRET: usize = 22;
    if prefix.len() < SHORTEST_SECRET { prefix } else { "(not shown: it may be a secret)" }
}

impl From<ManageError> for Failure {
    fn from(error: ManageError) -> Self {
        Self::Manage(match error {
            ManageError::NotFound { prefix } => {
                ManageError::NotFound { prefix: public(&prefix).to_owned() }
            }
            other => other,
        })
    }
}

impl Failure {
    /// The text of a new key could not be printed.
    pub(crate) fn unshown<Id>(key: &KeyRecord<Id>, source: io::Error) -> Self {
        let (prefix, predecessor) = (key.prefix.clone(), key.rotated_from.clone());
        Self::Unshown { prefix, predecessor, source }
    }

    /// 1: the keys are such that it cannot be done. 2: the command line is wrong, whatever the keys are.
    /// 3: the database is unavailable.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_)
            | Self::Connect(
                ConnectError::UnknownScheme { .. }
                | ConnectError::ServerUrl { .. }
                | ConnectError::Parameter { .. }
                | ConnectError::Url { .. },
            )
            | Self::Source { source: Unreadable(ReadError::Name), .. }
            | Self::Column { .. }
            | Self::Owner
            | Self::Manage(ManageError::Name | ManageError::Scope(_) | ManageError::Expiry) => 2,
            Self::NoDatabase { .. }
            | Self::NoSource { .. }
            | Self::Source { .. }
            | Self::NotMigrated { .. }
            | Self::OwnTables { .. }
            | Self::Connect(_)
            | Self::Store { .. }
            | Self::Verify(_)
            | Self::Manage(ManageError::Store(StoreError::Unavailable(_))) => 3,
            Self::Manage(_)
            | Self::Input(_)
            | Self::Output(_)
            | Self::Folder(_)
            | Self::Write { .. }
            | Self::Unshown { .. } => 1,
        }
    }

    fn fix(&self) -> Option<String> {
        match self {
            Self::NoDatabase { database } => Some(format!(
                "create it with {}, or name another with --database-url or APIKEY_DATABASE_URL",
                database.migrate_command()
            )),
            Self::NoSource { .. } => {
                Some("name the database of the Django project with --from".to_owned())
            }
            Self::Source { source: Unreadable(ReadError::NoTable { .. }), .. } => Some(
                "name the database of the Django project with --from, and with --table the table of a \
                 model of your own"
                    .to_owned(),
            ),
            Self::Source { source: Unreadable(ReadError::NoColumn { table, .. }), .. } => {
                let upgrade = if table == DjangoTable::NAME {
                    DjangoTable::UPGRADE
                } else {
                    "run `python manage.py makemigrations` and `python manage.py migrate`"
                };
                let before = "a table before version 1.4 has no prefixes: upgrade the package";
                Some(format!("{before}, and {upgrade}"))
            }
            Self::NotMigrated { database } => {
                Some(format!("bring it up to date with {}", database.migrate_command()))
            }
            Self::OwnTables { database, .. } => Some(format!(
                "this command knows the table api_keys alone; keys in another table are managed by the command \
                 that its service builds, with `apikey_cli::KeyCommand`. If api_keys is to be created beside \
                 it, run {}",
                database.migrate_command()
            )),
            Self::Unshown { prefix, predecessor: None, .. } => Some(format!(
                "nobody knows it: revoke it with `apikey revoke {prefix}`, and create another"
            )),
            Self::Unshown { prefix, predecessor: Some(_), .. } => Some(format!(
                "nobody knows it: replace it with `apikey rotate {prefix} --grace 0s`"
            )),
            Self::Manage(ManageError::Rejected(_)) => Some(
                "a constraint or a trigger of the table refuses the row, in these words; `apikey check` looks for \
                 what is usual"
                    .to_owned(),
            ),
            Self::Manage(ManageError::NotFound { .. }) => {
                Some("`apikey list` shows the prefixes".to_owned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_chain_of_causes_once_and_on_one_line() {
        let cause = io::Error::other("disk I/O error\non page 3");
        let store = StoreError::Unavailable(Box::new(cause));
        let failure = Failure::Manage(ManageError::Store(store));
        assert_eq!(
            on_one_line(&failure),
            "the key store is unavailable: disk I/O error\\non page 3"
        );
        assert_eq!(failure.exit_code(), 3);
    }
}
