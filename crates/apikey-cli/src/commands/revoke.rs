//! `apikey revoke`

use apikey_core::{ApiKeys, ManageError};
use clap::Args;

use crate::args::Prefix;
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// Revoke keys, for ever
///
/// A service refuses a revoked key from its next request on; one that caches keys may take a few seconds
/// to notice. Revoking cannot be undone. A key that is revoked already stays as it is, which is no error.
/// If one of several keys does not exist, the others are revoked and the exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey revoke k3Xp9QaB
  apikey revoke k3Xp9QaB n4Amzb2J
  apikey list --search leaked --output plain --all | cut -f1 | xargs apikey revoke")]
pub(crate) struct Revoke {
    /// The public parts of the keys
    #[arg(required = true, value_name = "PREFIX", value_parser = Prefix::parser())]
    prefixes: Vec<Prefix>,
}

impl Revoke {
    /// Revokes first and prints then, so that nothing that happens to standard output keeps a key alive.
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output,
    ) -> Result<Outcome, Failure> {
        let mut revoked = Vec::new();
        let mut unknown = Vec::new();
        let mut failure = None;
        for Prefix(prefix) in self.prefixes {
            match keys.revoke(&prefix).await {
                Ok(key) => revoked.push(key),
                Err(error @ ManageError::NotFound { .. }) => unknown.push(error),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        unknown.iter().for_each(|error| Output::complain(error));
        let mut list = output.list();
        list.page(&revoked)?;
        list.end()?;
        match failure {
            Some(failure) => Err(failure.into()),
            None if unknown.is_empty() => Ok(Outcome::Done),
            None => Ok(Outcome::Refused),
        }
    }
}
