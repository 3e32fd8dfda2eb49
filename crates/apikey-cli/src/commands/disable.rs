//! `apikey disable`

use apikey_core::ApiKeys;
use clap::Args;

use crate::args::Prefix;
use crate::commands::change_each;
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// Disable keys until they are enabled
///
/// A service refuses a disabled key from its next request on; one that caches keys may take a few seconds
/// to notice. `enable` undoes it. If one of several keys does not exist, the others are disabled and the
/// exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey disable k3Xp9QaB
  apikey disable k3Xp9QaB n4Amzb2J")]
pub(crate) struct Disable {
    /// The public parts of the keys
    #[arg(required = true, value_name = "PREFIX", value_parser = Prefix::parser())]
    prefixes: Vec<Prefix>,
}

impl Disable {
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        change_each(&self.prefixes, output, async |prefix| keys.disable(prefix).await).await
    }
}
