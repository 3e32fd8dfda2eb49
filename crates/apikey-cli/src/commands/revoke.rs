//! `apikey revoke`

use apikey_core::ApiKeys;
use clap::Args;

use crate::args::Prefix;
use crate::commands::change_each;
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// Revoke keys permanently
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
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        change_each(&self.prefixes, output, async |prefix| keys.revoke(prefix).await).await
    }
}
