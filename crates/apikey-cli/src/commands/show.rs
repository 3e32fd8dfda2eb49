//! `apikey show`

use apikey_core::{ApiKeys, ManageError};
use clap::Args;

use crate::args::Prefix;
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// Show what is known of one key
///
/// The key itself cannot be shown: only a hash of it is stored.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey show k3Xp9QaB
  apikey show k3Xp9QaB --output json")]
pub(crate) struct Show {
    /// The public part of the key
    #[arg(value_parser = Prefix::parser())]
    prefix: Prefix,
}

impl Show {
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        let Prefix(prefix) = self.prefix;
        let key = match keys.get(&prefix).await {
            Err(ManageError::Unreadable(row)) => {
                output.unreadable(&row)?;
                Output::warn_of(&row);
                return Ok(Outcome::Refused);
            }
            key => key?.ok_or(ManageError::NotFound { prefix })?,
        };
        output.view.look(keys, std::slice::from_ref(&key)).await?;
        output.key(&key)?;
        Ok(Outcome::Done)
    }
}
