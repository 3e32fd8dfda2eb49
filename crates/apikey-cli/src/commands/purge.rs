//! `apikey purge`

use std::time::Duration;

use apikey_core::{ApiKeys, Clock, KeyModel, KeyQuery, MAX_PAGE, SystemClock, Timestamp};
use clap::Args;

use crate::args::Prefix;
use crate::exit_code::{Failure, Outcome};
use crate::output::progress::Progress;
use crate::output::{Output, Printable, rfc3339};
use crate::settings;

/// How many keys are deleted at once: a database is locked, or works on the rest, no longer than that.
const BATCH: u32 = 500;

/// Delete keys that ended long ago
///
/// Deletes, in batches, keys that expired or were revoked longer ago than the retention, and prints how
/// many. Other keys stay, also disabled ones. Nothing that still works is deleted, but what is deleted
/// cannot be looked up any more. Run it again after an interruption: it goes on where it stopped.
///
/// With a prefix, that key alone is deleted, if it is revoked or expired: nothing is left of it then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey purge --dry-run
  apikey purge --retention 90d
  apikey revoke k3Xp9QaB && apikey purge k3Xp9QaB

Units of DURATION: s, m (minutes), h, d, w, M (months of 30.44 days), y (365.25 days).")]
pub(crate) struct Purge {
    /// The public part of one key, which is deleted however long ago it ended
    #[arg(value_parser = Prefix::parser(), conflicts_with_all = ["retention", "dry_run"])]
    prefix: Option<Prefix>,
    /// How long ago a key has to have ended
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = settings::duration)]
    retention: Duration,
    /// Only count what would be deleted
    #[arg(long)]
    dry_run: bool,
}

impl Purge {
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        if let Some(Prefix(prefix)) = self.prefix {
            keys.purge_key(&prefix).await?;
            Output::note(&format!("deleted: {prefix}"));
            return Ok(Outcome::Done);
        }
        let before = SystemClock::default().now() - self.retention;
        let (number, verb) = if self.dry_run {
            (count(keys, before).await?, "would be")
        } else {
            (delete(keys, self.retention).await?, "were")
        };
        output.number(number)?;
        let before = rfc3339(before);
        Output::note(&format!("keys that ended before {before} and {verb} deleted: {number}"));
        Ok(Outcome::Done)
    }
}

async fn delete<M: KeyModel>(keys: &ApiKeys<M>, retention: Duration) -> Result<u64, Failure> {
    let progress = Progress::open_ended("deleted");
    let mut deleted = 0;
    loop {
        match keys.purge(retention, BATCH).await {
            Ok(batch) => {
                deleted += batch;
                progress.advance(batch);
                if batch < u64::from(BATCH) {
                    return Ok(deleted);
                }
            }
            Err(error) => {
                progress.aside(|| Output::note(&format!("deleted before it failed: {deleted}")));
                return Err(error.into());
            }
        }
    }
}

/// Counts page by page, since a key of any state but `active` may have ended.
async fn count<M: KeyModel>(keys: &ApiKeys<M>, before: Timestamp) -> Result<u64, Failure> {
    let progress = Progress::open_ended("looked at");
    let mut query = KeyQuery::new().limit(MAX_PAGE);
    let (mut number, mut unreadable) = (0, 0);
    loop {
        let page = keys.list(&query).await?;
        unreadable += page.unreadable.len();
        progress.aside(|| page.unreadable.iter().for_each(Output::warn_of));
        let ends = page.keys.iter().map(|key| (key.record().expires_at, key.record().revoked_at));
        let ended = ends
            .filter(|(expired, revoked)| expired.iter().chain(revoked).any(|end| *end < before));
        number += ended.count() as u64;
        progress.advance(page.keys.len() as u64);
        query = query.after(page.next);
        if query.after.is_none() {
            if unreadable > 0 {
                Output::note(&format!(
                    "not counted, since they cannot be read: {unreadable}; those that are revoked or \
                     expired will be deleted, too"
                ));
            }
            return Ok(number);
        }
    }
}
