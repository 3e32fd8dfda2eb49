//! `apikey import`: keys of other systems.
//!
//! What is true of every import is in [`engine`]; a file beside it reads the keys of one system.

pub(crate) mod django;
mod engine;
pub(crate) mod report;

use apikey_core::{HashedKey, Scopes, Timestamp};
use clap::{Args, Subcommand};

use crate::commands::import::django::Django;
use crate::database::Database;
use crate::exit_code::{Failure, Outcome};
use crate::output::Output;

/// Import the keys of another system, which go on working as they are
///
/// Hashes are copied, so clients keep their keys and nobody has to know them. Nothing is written to the
/// other system. Running it again imports what is new, and revokes what was revoked there since.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey import django --from sqlite://db.sqlite3 --dry-run
  apikey import django --from sqlite://db.sqlite3")]
pub(crate) struct Import {
    #[command(subcommand)]
    system: System,
}

#[derive(Debug, Subcommand)]
enum System {
    Django(Django),
}

impl Import {
    pub(crate) async fn run(
        self,
        database: &Database,
        output: &mut Output,
    ) -> Result<Outcome, Failure> {
        match self.system {
            System::Django(command) => command.run(database, output).await,
        }
    }
}

/// A key as another system has it.
#[derive(Debug, Clone)]
pub(crate) struct ForeignKey {
    pub(crate) prefix: String,
    pub(crate) hashed_key: HashedKey,
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) disabled_at: Option<Timestamp>,
    /// Where the other system does not note when it was: the time of the import.
    pub(crate) revoked_at: Option<Timestamp>,
}

/// What another system has in the place of a key.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) prefix: String,
    /// The key, or why it is none.
    pub(crate) key: Result<ForeignKey, &'static str>,
}

/// Where keys come from.
pub(crate) trait Source {
    /// Returns how many keys there are, for the progress bar.
    async fn count(&mut self) -> Result<u64, Failure>;

    /// Returns how many rows have no prefix. They are on no page: there is nothing to name them by.
    async fn count_without_prefix(&mut self) -> Result<u64, Failure>;

    /// Returns some keys that come after those returned before; none at the end.
    async fn page(&mut self) -> Result<Vec<Entry>, Failure>;

    /// Returns the algorithm of a stored hash, if a hasher of ours reads what the other system writes.
    fn algorithm(&self, stored: &HashedKey) -> Option<String>;
}
