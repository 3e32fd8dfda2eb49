//! The storage contract.

pub(crate) mod change;
pub(crate) mod memory;
pub(crate) mod query;
mod shared;

use std::collections::BTreeMap;
use std::error::Error;

use async_trait::async_trait;
use chrono::SubsecRound;
use thiserror::Error;

use crate::clock::Timestamp;
use crate::key::format::KeyFormat;
use crate::model::KeyModel;
use crate::store::change::{KeyPatch, NewRecord, Rotation};
use crate::store::query::{KeyQuery, Page, UnreadableRow};

/// What goes wrong inside a store, kept whole as a source.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Keeps keys. Dumb and small: a store answers, the core decides.
///
/// # Contract
/// The conformance suite (`apikey-conformance`) has a case for each sentence.
///
/// 1. **Atomic.** Each operation happens whole or not at all, also when its future is dropped at any
///    point; a dropped write may have happened. Operations on one key behave as if they ran one after
///    the other.
/// 2. **Exact.** Prefixes are compared byte by byte, case included. Times come back to the microsecond,
///    text byte by byte.
/// 3. **Owned.** Where an `owner` is given, keys of others are as absent. It belongs into the query
///    itself, never into a check after it.
/// 4. **Honest.** A failure is an error, never an empty answer. Errors keep their source and never hold
///    `hashed_key`.
/// 5. **No judgement.** Revoked, disabled and expired keys are returned like others. The model's own
///    filter is reported in [`Found::is_usable`], not applied.
/// 6. Nothing but `insert`, `update`, `update_within`, `end`, `rotate`, `touch`, `touch_each`, `delete_expired` and
///    `delete_ended` writes, and there is no operation that saves a whole row.
/// 7. **One row at a time.** A row that cannot be read is [`StoreError::Unreadable`] where it alone was asked
///    for, and stands in [`Page::unreadable`] where many were: it keeps nobody from the others.
#[async_trait]
pub trait KeyStore<M: KeyModel>: Send + Sync + 'static {
    /// Finds the key that a client presents, in one query.
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<M>>, StoreError>;

    /// Returns a key for management, whatever its state and the model's filter say.
    async fn get(&self, prefix: &str, owner: Option<&M::Owner>) -> Result<Option<M>, StoreError>;

    /// Stores a new key and returns it.
    ///
    /// `limit` bounds the keys of the new key's owner (of the whole table if keys have no owner) that
    /// are neither revoked nor expired at the new key's `created_at`. It holds under any number of
    /// parallel inserts.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] if the prefix is taken, found by the unique index and not by a look
    /// before; [`StoreError::LimitReached`]; [`StoreError::Rejected`] for any other violated constraint.
    async fn insert(&self, new: &NewRecord<M::Extra>, limit: Option<u32>) -> Result<M, StoreError>;

    /// Changes the named columns of a key and returns it as it is then; `None` if there is no such
    /// key, or the patch's guard does not hold. A `revoked_at` that is set stays as it is.
    async fn update(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<Option<M>, StoreError>;

    /// As [`update`](Self::update), within a limit: if the patch lets the key live longer than it would, and the
    /// key is neither revoked nor expired at `now` as it is then, its owner (the whole table if keys have no owner)
    /// has no more than `limit` such keys then. Patches that let no key live longer are not counted.
    ///
    /// The owner is the one that the key has when it is changed. The count holds under any number of parallel
    /// inserts, rotations and updates of this kind, so it is taken under the lock that those take.
    ///
    /// Provided, so that stores need not have it. Where it is missing, a handle with
    /// [`max_keys_per_owner`](crate::ApiKeysBuilder::max_keys_per_owner) lets no key live longer.
    ///
    /// # Errors
    /// [`StoreError::LimitReached`], and nothing is changed; [`StoreError::Unsupported`], the default.
    async fn update_within(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<M>, StoreError> {
        let _ = (id, owner, patch, limit, now);
        Err(StoreError::Unsupported { what: "another expiry where the number of keys is limited" })
    }

    /// Changes the named columns of the key with this prefix, as [`update`](Self::update) does, and returns
    /// whether there is such a key: to revoke or disable one whose row cannot be read.
    ///
    /// As provided it reads the key, so a store whose rows can be damaged by somebody else writes without.
    async fn end(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<bool, StoreError> {
        match self.get(prefix, owner).await? {
            Some(key) => Ok(self.update(&key.record().id, owner, patch).await?.is_some()),
            None => Ok(false),
        }
    }

    /// Sets the predecessor's expiry and inserts the successor, in one transaction. Of any number of
    /// parallel rotations of one key exactly one succeeds.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the predecessor is absent, revoked or disabled, if its `expires_at` is
    /// no longer `rotation.seen_expires_at`, or if it is no longer what the rotation
    /// [inherits from](Rotation::inherits_from): if name, scopes or owner are others, where `None` for an
    /// owner means nobody. [`StoreError::LimitReached`] if the owner would have more than `rotation.limit`
    /// keys that are neither revoked nor expired at the successor's `created_at`, counted when the
    /// predecessor has its new expiry; it holds under parallel inserts and rotations. Else as
    /// [`insert`](Self::insert). Then nothing is changed.
    async fn rotate(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        rotation: &Rotation<M::Extra>,
    ) -> Result<M, StoreError>;

    /// Moves `last_used_at` of these keys forward to `at`, never back, in batches; keys that are
    /// revoked or gone are passed over.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] if the store has no place for it: then nothing is noted, and nobody
    /// is told.
    async fn touch(&self, ids: &[M::Id], at: Timestamp) -> Result<(), StoreError>;

    /// Moves `last_used_at` of each of these keys forward to its own time, as [`touch`](Self::touch) does to one
    /// time for all. No key is named twice.
    ///
    /// By default, one call of `touch` for each time. Of very many times, those within a second are written
    /// as the beginning of it, so that no use is dated later than it was.
    ///
    /// # Errors
    /// As [`touch`](Self::touch). Then some may be written.
    async fn touch_each(&self, uses: &[(M::Id, Timestamp)]) -> Result<(), StoreError> {
        for (at, ids) in by_time(uses) {
            self.touch(&ids, at).await?;
        }
        Ok(())
    }

    /// Returns one page of keys, newest first (by `created_at`, then id).
    async fn list(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<Page<M>, StoreError>;

    /// Counts the keys that `query` selects on all its pages.
    async fn count(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<u64, StoreError>;

    /// Deletes at most `limit` keys that expired or were revoked before `before`, whichever are found first,
    /// and returns how many. A time that is too early for the store to hold it, before the year 0, deletes none.
    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Deletes the key with this prefix if it is revoked, or expired at `now`, without reading it, and returns
    /// whether there was such a key.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] unless the store can do it.
    async fn delete_ended(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let _ = (prefix, owner, now);
        Err(StoreError::Unsupported { what: "deleting one key" })
    }

    /// Looks for mistakes of set-up that would otherwise show up late: a missing column, a prefix
    /// column that ignores case.
    async fn check(&self) -> Result<Vec<Finding>, StoreError> {
        Ok(Vec::new())
    }

    /// Returns the encodings that may be written (see [`KeyHasher::encodings`](crate::KeyHasher::encodings)),
    /// if not all may.
    fn writable_encodings(&self) -> Option<&[&str]> {
        None
    }

    /// Returns whether keys of this layout may be written: all may, unless whoever else reads the table
    /// would not know them.
    fn can_write_format(&self, format: &KeyFormat) -> bool {
        let _ = format;
        true
    }
}

/// So many times are written one by one.
const MOST_TIMES: usize = 64;

/// Sorts uses by their time; beyond a number of times, by its second.
fn by_time<Id: Clone>(uses: &[(Id, Timestamp)]) -> BTreeMap<Timestamp, Vec<Id>> {
    let group = |cut: fn(Timestamp) -> Timestamp| {
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, at) in uses {
            groups.entry(cut(*at)).or_default().push(id.clone());
        }
        groups
    };
    let exact = group(|at| at);
    if exact.len() > MOST_TIMES { group(|at| at.trunc_subsecs(0)) } else { exact }
}

/// A key found by its prefix.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Found<M> {
    /// The key.
    pub key: M,
    /// Whether the model's own filter lets it be used: an active owner, say.
    pub is_usable: bool,
}

impl<M> Found<M> {
    /// Reports a key with the answer of the model's filter.
    #[must_use]
    pub fn new(key: M, is_usable: bool) -> Self {
        Self { key, is_usable }
    }
}

/// A mistake of set-up, in words for its operator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl Finding {
    /// Reports a mistake.
    #[must_use]
    pub fn new(problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { problem: problem.into(), fix: fix.into() }
    }
}

/// Why a store did not do what was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The prefix is taken. The core draws another.
    #[error("the prefix is taken")]
    Duplicate,
    /// The owner has as many keys as are allowed.
    #[error("the owner has {limit} keys already, the most that are allowed")]
    LimitReached {
        /// The limit.
        limit: u32,
    },
    /// The row was not as expected: another change came first.
    #[error("the key was changed by somebody else")]
    Conflict,
    /// A constraint of the application's own was violated. Trying again will not help.
    #[error("the database rejected the key")]
    Rejected(#[source] BoxError),
    /// The table or the database cannot do this.
    #[error("not supported by this store: {what}")]
    Unsupported {
        /// What was asked.
        what: &'static str,
    },
    /// The row of the key is damaged: one of its values is none that the column may have. Trying again will not
    /// help, and other keys have nothing to do with it.
    #[error("the row of the key cannot be read")]
    Unreadable(#[source] UnreadableRow),
    /// The database cannot be reached, is locked, or did not understand.
    #[error("the key store is unavailable")]
    Unavailable(#[source] BoxError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_times_are_few_writes_and_none_is_later_than_it_was() {
        let time = |micros: i64| Timestamp::from_timestamp_micros(1_800_000_000_000_000 + micros);
        let uses = |number: i64| -> Vec<_> {
            (0..number).map(|n| (n, time(n * 700_000).unwrap())).collect()
        };
        let exact = by_time(&uses(64));
        assert_eq!(exact.len(), 64);
        let many = uses(1000);
        let groups = by_time(&many);
        assert_eq!(groups.len(), 700);
        assert_eq!(groups.values().map(Vec::len).sum::<usize>(), 1000);
        for (at, ids) in groups {
            assert!(ids.iter().all(|id| many[usize::try_from(*id).unwrap()].1 >= at));
        }
    }
}
