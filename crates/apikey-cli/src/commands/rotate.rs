//! `apikey rotate`

mod aged;

use std::collections::HashSet;
use std::time::Duration;

use apikey_core::{ApiKeys, ManageError, StoreError, Timestamp};
use clap::Args;

use crate::args::Prefix;
use crate::exit_code::{Failure, Outcome, public};
use crate::output::{Output, Printable};
use crate::settings;

/// Replace keys by new ones, and print each once
///
/// The new key has the name and the scopes of the old one and, if that expires, as long a life. The old key
/// goes on working for the grace, but never longer than it would have. A key is rotated once: if the new key
/// was lost, rotate that one with `--grace 0s`. If one of several keys cannot be rotated, the others are, and
/// the exit code is 1.
///
/// With --older-than, all active keys above an age are rotated: what a cron job runs. A key that already has a
/// successor is left alone, so that a run which was interrupted is completed by the next one, and two runs at
/// once do not rotate a key twice. Each new key is printed before the next one is made. If the command is
/// killed between the two, one new key is lost: `apikey list` shows it first; rotate it with `--grace 0s`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey rotate k3Xp9QaB
  apikey rotate k3Xp9QaB --grace 0s --output json | jq -r .key
  apikey rotate --older-than 90d --dry-run
  apikey rotate --older-than 90d --grace 7d --output json >> /run/keys/new.jsonl

With `--output json` each new key is an object on a line of its own: `rotated_from` is the old prefix, \
`prefix` the new one, `key` the new key. With `--output plain` a line is the new key; with --older-than \
it is the old prefix, a tab and the new key.

Units of DURATION: s, m (minutes), h, d, w, M (months of 30.44 days), y (365.25 days).")]
pub(crate) struct Rotate {
    /// The public parts of the keys
    #[arg(required_unless_present = "older_than", value_name = "PREFIX", value_parser = Prefix::parser())]
    prefixes: Vec<Prefix>,
    /// How long the old key goes on working; `0s` ends it at once
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = settings::duration)]
    grace: Duration,
    #[command(flatten)]
    aged: Aged,
}

/// Which keys to rotate, where they are not named.
#[derive(Debug, Args)]
struct Aged {
    /// Rotate every active key that was created longer ago than this
    #[arg(long, value_name = "DURATION", conflicts_with = "prefixes", value_parser = settings::ago)]
    older_than: Option<Timestamp>,
    /// Of these, only the key with exactly this prefix, and keys whose name begins with this text
    // `requires` alone does nothing beside prefixes, which keep what is required from being given.
    #[arg(long, value_name = "TEXT", requires = "older_than", conflicts_with = "prefixes")]
    search: Option<String>,
    /// Only list the keys that would be rotated
    #[arg(long, requires = "older_than", conflicts_with = "prefixes")]
    dry_run: bool,
}

impl Rotate {
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        match self.aged {
            Aged { older_than: None, .. } => each(keys, self.prefixes, self.grace, output).await,
            Aged { older_than: Some(before), search, dry_run } => {
                let aged = aged::find(keys, before, search, self.grace).await?;
                if dry_run {
                    aged.list(keys, output).await
                } else {
                    aged.rotate(keys, self.grace, output).await
                }
            }
        }
    }
}

/// Rotates keys by their prefixes, each once, and prints each successor before the next rotation.
async fn each<M: Printable>(
    keys: &ApiKeys<M>,
    prefixes: Vec<Prefix>,
    grace: Duration,
    output: &mut Output<M>,
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::Done;
    let (mut done, mut is_shown) = (HashSet::new(), false);
    for Prefix(prefix) in prefixes {
        if !done.insert(prefix.clone()) {
            continue;
        }
        match keys.rotate(&prefix, grace).await {
            Ok(created) => {
                let shown = output.rotated(&created.key, created.plaintext.expose());
                shown.map_err(|source| Failure::unshown(created.key.record(), source))?;
                is_shown = true;
            }
            Err(error) if stops(&error) => return Err(error.into()),
            Err(error) => {
                Output::complain_of(public(&prefix), &Failure::from(error));
                outcome = Outcome::Refused;
            }
        }
    }
    if is_shown {
        output.shown_once();
    }
    Ok(outcome)
}

/// Whether it is no use to try the next key: the database is gone. Everything else may be this key's own
/// trouble.
fn stops(error: &ManageError) -> bool {
    matches!(error, ManageError::Store(StoreError::Unavailable(_)))
}
