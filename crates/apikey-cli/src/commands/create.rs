//! `apikey create`

use apikey_core::{ApiKeys, NewKey};
use clap::Args;

use crate::args::{Expiry, OneScope};
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// Create a key, and print it once
///
/// Only a hash of the key is stored: nobody can print it again. With `--output plain`, which is the
/// default outside a terminal, standard output is the key and nothing else. The database is created where
/// there is none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey create reporting-service
  apikey create reporting-service --scope reports:read --scope reports:write --expires-in 90d
  apikey create partner --expires-at 2030-01-31T18:00:00+01:00
  KEY=$(apikey create ci --expires-in 1h)
  apikey create ci --output json | jq -r .key

Units of DURATION: s, m (minutes), h, d, w, M (months of 30.44 days), y (365.25 days).

This command knows the database and the brand. A service that sets hashers, a pepper, lengths or a limit of its \
own may refuse the keys that are made here, or have them hashed otherwise than it asks: it builds the command \
into its own program, with `apikey_cli::run_with_create`.")]
pub(crate) struct Create<Own: Args = ()> {
    /// What people call the key: 1 to 200 characters; names need not be unique
    name: String,
    /// Something the key may do; give it once for each scope. A key without scopes may do what needs
    /// no scope
    #[arg(long = "scope", value_name = "SCOPE", value_parser = OneScope::parser())]
    scopes: Vec<OneScope>,
    #[command(flatten)]
    expiry: Expiry,
    #[command(flatten)]
    own: Own,
}

impl<Own: Args> Create<Own> {
    /// Creates a key with what the model makes of its own options.
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        extra: impl FnOnce(Own) -> M::Extra,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        let mut new = NewKey::new(self.name).scopes(OneScope::texts(self.scopes));
        if let Some(time) = self.expiry.time() {
            new = new.expires_at(time);
        }
        let created = keys.create(new.with(extra(self.own))).await?;
        let shown = output.created(&created.key, created.plaintext.expose());
        shown.map_err(|source| Failure::unshown(created.key.record(), source))?;
        output.shown_once();
        Ok(Outcome::Done)
    }
}
