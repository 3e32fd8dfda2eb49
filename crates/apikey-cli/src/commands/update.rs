//! `apikey update`

use apikey_core::{ApiKeys, KeyUpdate};
use clap::Args;

use crate::args::{Expiry, OneScope, Prefix};
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// Change the name, the scopes or the expiry of a key
///
/// At least one change has to be named; what is not named stays as it is. The key itself stays the same. A service that caches keys may take a
/// few seconds to notice.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey update k3Xp9QaB --name reporting-service-eu
  apikey update k3Xp9QaB --scope reports:read --scope reports:write
  apikey update k3Xp9QaB --no-scopes --expires-in 7d
  apikey update k3Xp9QaB --never-expires

Units of DURATION: s, m (minutes), h, d, w, M (months of 30.44 days), y (365.25 days).")]
pub(crate) struct Update {
    /// The public part of the key
    #[arg(value_parser = Prefix::parser())]
    prefix: Prefix,
    #[command(flatten)]
    changes: Changes,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true, args = ["name", "scopes", "no_scopes", "expires_in", "expires_at", "never_expires"])]
struct Changes {
    /// A new name: 1 to 200 characters
    #[arg(long)]
    name: Option<String>,
    /// What the key may do from now on, in place of all scopes it has; give it once for each scope
    #[arg(long = "scope", value_name = "SCOPE", value_parser = OneScope::parser())]
    scopes: Vec<OneScope>,
    /// Take all scopes away
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
    #[command(flatten)]
    expiry: Expiry,
    /// Take the expiry away
    #[arg(long, conflicts_with = "Expiry")]
    never_expires: bool,
}

impl Update {
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        let Prefix(prefix) = self.prefix;
        let key = keys.update(&prefix, self.changes.into()).await?;
        output.key(&key)?;
        Ok(Outcome::Done)
    }
}

impl From<Changes> for KeyUpdate {
    fn from(changes: Changes) -> Self {
        let mut update = Self::new();
        if let Some(name) = changes.name {
            update = update.name(name);
        }
        if changes.no_scopes || !changes.scopes.is_empty() {
            update = update.scopes(OneScope::texts(changes.scopes));
        }
        if let Some(time) = changes.expiry.time() {
            update = update.expires_at(time);
        }
        if changes.never_expires {
            update = update.never_expires();
        }
        update
    }
}
