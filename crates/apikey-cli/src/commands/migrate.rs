//! `apikey migrate`

use clap::Args;

use crate::database::Database;
use crate::exit_code::{Failure, Outcome};
use crate::output::Output;

/// Create the database, or bring its tables up to date
///
/// Creates the file where there is none, but not its directory. Running it again changes nothing. A
/// service that opens the database does the same when it starts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey migrate
  apikey migrate --database-url sqlite:///var/lib/app/keys.db")]
pub(crate) struct Migrate {}

impl Migrate {
    pub(crate) async fn run(
        self,
        database: &Database,
        output: &mut Output,
    ) -> Result<Outcome, Failure> {
        let applied = database.migrate().await?;
        output.migrations(&applied)?;
        Ok(Outcome::Done)
    }
}
