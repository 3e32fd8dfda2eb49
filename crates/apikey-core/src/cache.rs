//! What is remembered of proven keys: the memo of slow hashes, and the cache of keys.

pub(crate) mod digest;
pub(crate) mod flight;
pub(crate) mod generation;
pub(crate) mod joint;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache as Entries;

use crate::authenticate::proof::Proven;
use crate::cache::digest::Digest;
use crate::cache::generation::{Generations, Ticket};
use crate::clock::{Timestamp, after};
use crate::hash::HashedKey;
use crate::key::Prefix;
use crate::model::KeyModel;

/// Keeps verified keys in memory for a short time, so that a request with one of them asks neither the
/// store nor a hasher. Off unless [`ApiKeysBuilder::cache`](crate::ApiKeysBuilder::cache) turns it on.
///
/// - A change through the same handle (and its clones) is seen by the next request.
/// - A change by another process is seen after [`time_to_live`](Self::time_to_live) at the latest, or at
///   once after [`ApiKeys::invalidate`](crate::ApiKeys::invalidate).
/// - Revocation, expiry and permissions are judged on every request. The answer of the model's own filter
///   (an active owner, say) is as old as the entry.
/// - Only keys whose secret was proven get in, as digests.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use apikey_core::{ApiKeys, Cache, KeyRecord, MemoryStore};
///
/// let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
///     .cache(Cache::new().time_to_live(Duration::from_secs(5)))
///     .build()?;
/// # Ok::<(), apikey_core::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Cache {
    time_to_live: Duration,
    capacity: usize,
}

impl Cache {
    /// Keeps up to 10 000 keys for 5 seconds.
    #[must_use]
    pub fn new() -> Self {
        Self { time_to_live: Duration::from_secs(5), capacity: CAPACITY }
    }

    /// Sets how long a key is kept: how long a change by another process may go unnoticed.
    #[must_use]
    pub fn time_to_live(self, time_to_live: Duration) -> Self {
        Self { time_to_live, ..self }
    }

    /// Sets how many keys are kept; the least used make room.
    #[must_use]
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

/// How many keys the cache and the memo hold, unless told otherwise.
pub(crate) const CAPACITY: usize = 10_000;

/// Marks of changed prefixes that are kept; beyond, nothing is cached for a while.
const MOST_MARKS: usize = 10_000;

/// The cache of one handle. A prefix has one row and so one good text: entries are found by prefix, and
/// count if the digest is that of the text presented.
pub(crate) struct KeyCache<M> {
    time_to_live: Duration,
    entries: Entries<Prefix, CachedKey<M>>,
    generations: Generations<Prefix, Timestamp>,
    /// About the latest time that was seen, in microseconds.
    latest: AtomicI64,
}

/// By how much two requests at once may differ in their time, in microseconds.
const CLOCK_TOLERANCE: i64 = 100_000;

struct CachedKey<M> {
    digest: Digest,
    /// A clock that was set back before it makes the entry worthless: it would live too long.
    since: Timestamp,
    deadline: Timestamp,
    proven: Proven<M>,
}

impl<M> Clone for CachedKey<M> {
    fn clone(&self) -> Self {
        Self { proven: self.proven.clone(), ..*self }
    }
}

impl<M: KeyModel> KeyCache<M> {
    pub(crate) fn new(settings: Cache) -> Self {
        Self {
            time_to_live: settings.time_to_live,
            entries: Entries::new(settings.capacity),
            generations: Generations::new(MOST_MARKS),
            latest: AtomicI64::new(i64::MIN),
        }
    }

    /// Finds the key that was proven by the same text.
    pub(crate) fn get(&self, prefix: &Prefix, text: &[u8], now: Timestamp) -> Option<Proven<M>> {
        self.watch(now);
        let entry = self.entries.get(prefix)?;
        let is_alive = entry.since <= now && now < entry.deadline;
        (is_alive && Digest::of(text)?.is(&entry.digest)).then_some(entry.proven)
    }

    /// Forgets everything if the clock was set back: entries would live too long.
    fn watch(&self, now: Timestamp) {
        let now = now.timestamp_micros();
        let latest = self.latest.load(Ordering::Relaxed);
        if now.saturating_add(CLOCK_TOLERANCE) < latest {
            self.latest.store(now, Ordering::Relaxed);
            self.invalidate_all();
        } else if now > latest.saturating_add(CLOCK_TOLERANCE) {
            self.latest.fetch_max(now, Ordering::Relaxed);
        }
    }

    /// Whether what was looked up since then is no older than an entry may be.
    pub(crate) fn is_recent(&self, started: Timestamp, now: Timestamp) -> bool {
        started <= now && after(started, self.time_to_live).is_none_or(|end| now < end)
    }

    /// Notes the beginning of a lookup.
    pub(crate) fn ticket(&self) -> Ticket {
        self.generations.ticket()
    }

    pub(crate) fn is_current(&self, prefix: &Prefix, ticket: Ticket) -> bool {
        self.generations.is_current(prefix, ticket)
    }

    /// Keeps a proven key, unless its prefix was changed since the ticket was taken.
    pub(crate) fn fill(
        &self,
        prefix: Prefix,
        digest: Digest,
        ticket: Ticket,
        proven: Proven<M>,
        now: Timestamp,
    ) {
        let Some(deadline) = after(now, self.time_to_live) else { return };
        let expires_at = proven.key().record().expires_at;
        let deadline = expires_at.map_or(deadline, |expiry| expiry.min(deadline));
        let entry = CachedKey { digest, since: now, deadline, proven };
        self.generations.fill(&prefix, ticket, now, || self.entries.insert(prefix, entry));
    }

    /// Forgets a key that is about to be changed, and keeps it from being cached for a while: a change
    /// that is cancelled may still happen.
    pub(crate) fn begin_change(&self, prefix: Prefix, now: Timestamp) {
        let until = after(now, self.time_to_live).unwrap_or(Timestamp::MAX_UTC);
        self.generations.begin(prefix, now, until, || drop(self.entries.remove(&prefix)));
    }

    /// Notes that the change has been written.
    pub(crate) fn end_change(&self, prefix: &Prefix) {
        self.generations.end(prefix, || drop(self.entries.remove(prefix)));
    }

    /// Forgets a key that was changed elsewhere, and what is being looked up of it.
    pub(crate) fn invalidate(&self, prefix: Prefix, now: Timestamp) {
        self.generations.begin(prefix, now, now, || drop(self.entries.remove(&prefix)));
    }

    pub(crate) fn invalidate_owner(&self, owner: &M::Owner) {
        let forget = || self.entries.retain(|_, entry| entry.proven.key().owner() != Some(owner));
        self.generations.invalidate(forget);
    }

    pub(crate) fn invalidate_all(&self) {
        self.generations.invalidate(|| self.entries.clear());
    }
}

impl<M> fmt::Debug for KeyCache<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// Remembers which texts slow hashes were proven by. It never stands for a row: the row is loaded each
/// time, and counts if its hash is still the very string that was proven.
pub(crate) struct Memo {
    proofs: Entries<Prefix, Arc<(Digest, HashedKey)>>,
}

impl Memo {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { proofs: Entries::new(capacity) }
    }

    /// Whether this text has been proven against this string.
    pub(crate) fn proves(&self, prefix: &Prefix, digest: &Digest, stored: &HashedKey) -> bool {
        self.proofs.get(prefix).is_some_and(|proof| proof.0.is(digest) && proof.1 == *stored)
    }

    pub(crate) fn keep(&self, prefix: Prefix, digest: Digest, stored: HashedKey) {
        self.proofs.insert(prefix, Arc::new((digest, stored)));
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").field("proofs", &self.proofs.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
