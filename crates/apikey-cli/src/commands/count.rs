//! `apikey count`

use apikey_core::ApiKeys;
use clap::Args;

use crate::args::Filter;
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// Count keys
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey count
  apikey count --status expired --search report")]
pub(crate) struct Count {
    #[command(flatten)]
    filter: Filter,
}

impl Count {
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        owner: Option<M::Owner>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        output.number(keys.count(&self.filter.query(owner)).await?)?;
        Ok(Outcome::Done)
    }
}
