//! Rotating all keys above an age.
//!
//! Why no key is rotated twice, whatever runs there were and are:
//!
//! 1. The keys above the age are listed first, with their expiries, and then the predecessors of *all*
//!    keys. A rotation inserts the successor and moves the expiry in one transaction. So a key that was
//!    rotated before it was listed has a successor that the second list shows, whatever any clock says.
//! 2. A key that is rotated after it was listed has another expiry than the list says, and
//!    [`ApiKeys::rotate_seen`] leaves it alone.
//! 3. In a table that lacks `rotated_from`, a key that ends within the grace may be one that was rotated, and is
//!    left alone.

use std::collections::HashSet;
use std::time::Duration;

use apikey_core::{
    ApiKeys, Clock, KeyModel, KeyQuery, KeyStatus, MAX_PAGE, ManageError, StoreError, SystemClock,
    Timestamp, UnreadableRow,
};

use super::stops;
use crate::exit_code::{Failure, Outcome};
use crate::output::progress::Progress;
use crate::output::{Output, Printable};

/// The keys to rotate, oldest first, and how many are left alone.
pub(super) struct Aged {
    keys: Vec<Seen>,
    succeeded: usize,
    ending: usize,
    unreadable: usize,
}

/// A key as it was listed: little, since there may be a million.
struct Seen {
    prefix: String,
    expires_at: Option<Timestamp>,
}

/// What a run came to.
#[derive(Default)]
struct Report {
    rotated: usize,
    changed: usize,
    failed: usize,
}

/// Finds the active keys that were created before a moment and have not been rotated.
pub(super) async fn find<M: KeyModel>(
    keys: &ApiKeys<M>,
    before: Timestamp,
    search: Option<String>,
    grace: Duration,
) -> Result<Aged, Failure> {
    let mut query = KeyQuery::new().status(KeyStatus::Active);
    query.search = search;
    let mut seen = Vec::new();
    let unreadable = each(keys, query, |key: &M| {
        let record = key.record();
        if record.created_at < before {
            seen.push(Seen { prefix: record.prefix.clone(), expires_at: record.expires_at });
        }
    })
    .await?;
    unreadable.iter().for_each(Output::warn_of);
    let mut predecessors = HashSet::new();
    each(keys, KeyQuery::new(), |key: &M| predecessors.extend(key.record().rotated_from.clone()))
        .await?;
    let all = seen.len();
    seen.retain(|key| !predecessors.contains(&key.prefix));
    let open = seen.len();
    if !notes_predecessors(keys).await? {
        let end = SystemClock::default().now() + grace;
        seen.retain(|key| key.expires_at.is_none_or(|expires_at| expires_at > end));
    }
    seen.reverse();
    let (succeeded, ending) = (all - open, open - seen.len());
    Ok(Aged { succeeded, ending, unreadable: unreadable.len(), keys: seen })
}

/// Whether the table says of which key another is the successor.
async fn notes_predecessors<M: KeyModel>(keys: &ApiKeys<M>) -> Result<bool, Failure> {
    match keys.count(&KeyQuery::new().rotated_from("none")).await {
        Ok(_) => Ok(true),
        Err(ManageError::Store(StoreError::Unsupported { .. })) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Goes through all pages of a query, and returns the rows that cannot be read.
async fn each<M: KeyModel>(
    keys: &ApiKeys<M>,
    query: KeyQuery<M>,
    mut visit: impl FnMut(&M),
) -> Result<Vec<UnreadableRow>, Failure> {
    let mut unreadable = Vec::new();
    let progress = Progress::open_ended("looked at");
    let mut query = query.limit(MAX_PAGE);
    loop {
        let page = keys.list(&query).await?;
        page.keys.iter().for_each(&mut visit);
        progress.advance(page.keys.len() as u64);
        unreadable.extend(page.unreadable);
        query = query.after(page.next);
        if query.after.is_none() {
            return Ok(unreadable);
        }
    }
}

impl Aged {
    /// Lists the keys that would be rotated.
    pub(super) async fn list<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        let mut list = output.list();
        for page in self.keys.chunks(100) {
            let mut rows = Vec::new();
            for key in page {
                match keys.get(&key.prefix).await {
                    Err(ManageError::Unreadable(row)) => Output::warn_of(&row),
                    found => rows.extend(found?),
                }
            }
            list.page(&rows)?;
        }
        list.end()?;
        Output::note(&format!("would be rotated: {}; {}", self.keys.len(), self.left_alone(0)));
        Ok(Outcome::Done)
    }

    /// Rotates the keys and prints each successor before the next rotation.
    pub(super) async fn rotate<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        grace: Duration,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        let mut report = Report::default();
        let result = self.rotate_each(keys, grace, output, &mut report).await;
        let Report { rotated, changed, failed } = report;
        Output::note(&format!(
            "rotated: {rotated}; failed: {failed}; {}",
            self.left_alone(changed)
        ));
        result?;
        if rotated > 0 {
            output.shown_once();
        }
        Ok(if failed == 0 { Outcome::Done } else { Outcome::Refused })
    }

    async fn rotate_each<M: Printable>(
        &self,
        keys: &ApiKeys<M>,
        grace: Duration,
        output: &mut Output<M>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let progress = Progress::of(self.keys.len(), "rotating");
        for Seen { prefix, expires_at } in &self.keys {
            match keys.rotate_seen(prefix, *expires_at, grace).await {
                Ok(created) => {
                    let (key, text) = (&created.key, created.plaintext.expose());
                    progress
                        .aside(|| output.successor(key, text))
                        .map_err(|source| Failure::unshown(key.record(), source))?;
                    report.rotated += 1;
                }
                Err(
                    ManageError::Conflict
                    | ManageError::AlreadyRotated { .. }
                    | ManageError::NotFound { .. }
                    | ManageError::NotActive { .. },
                ) => report.changed += 1,
                Err(error) if stops(&error) => return Err(error.into()),
                Err(error) => {
                    progress.aside(|| Output::complain_of(prefix, &error));
                    report.failed += 1;
                }
            }
            progress.advance(1);
        }
        Ok(())
    }

    fn left_alone(&self, changed: usize) -> String {
        let Self { succeeded, ending, unreadable, .. } = self;
        let skipped = succeeded + ending + changed;
        let skipped = format!(
            "skipped: {skipped} ({succeeded} with a successor, {ending} that end within the grace, \
             {changed} changed meanwhile)"
        );
        match unreadable {
            0 => skipped,
            number => format!("{skipped}; cannot be read: {number}"),
        }
    }
}
