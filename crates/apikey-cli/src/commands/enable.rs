//! `apikey enable`

use apikey_core::ApiKeys;
use clap::Args;

use crate::args::Prefix;
use crate::commands::change_each;
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// Enable keys that were disabled
///
/// A key that was revoked meanwhile or has expired stays so, as its line says. If one of several keys does
/// not exist, the others are enabled and the exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey enable k3Xp9QaB
  apikey list --status disabled --output plain --all | cut -f1 | xargs apikey enable")]
pub(crate) struct Enable {
    /// The public parts of the keys
    #[arg(required = true, value_name = "PREFIX", value_parser = Prefix::parser())]
    prefixes: Vec<Prefix>,
}

impl Enable {
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        change_each(&self.prefixes, output, async |prefix| keys.enable(prefix).await).await
    }
}
