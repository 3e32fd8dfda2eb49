//! `ApiKeys`: the handle, and how it is put together.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::Shared;

use crate::authenticate::proof::{Proven, Refusal};
use crate::bus::Invalidation;
use crate::bus::link::Link;
use crate::cache::digest::Digest;
use crate::cache::flight::Flights;
use crate::cache::generation::Ticket;
use crate::cache::{KeyCache, Memo};
use crate::clock::{Clock, Timestamp, to_micros};
use crate::credentials::{Carried, KeyLocation};
use crate::error::AnswerStyle;
use crate::event::Told;
use crate::handle::builder::ApiKeysBuilder;
use crate::hash::HashedKey;
use crate::hash::gate::Gate;
use crate::hash::peppers::Peppers;
use crate::hash::set::Hashers;
use crate::key::format::Formats;
use crate::key::{PlaintextKey, Prefix};
use crate::model::{KeyModel, KeyRecord, KeyStatus};
use crate::store::KeyStore;
use crate::store::memory::MemoryStore;
use crate::usage::Usage;

pub(crate) mod builder;

/// What an application holds: creates, verifies and manages keys of the model `M`. Cheap to clone; the
/// clones share everything.
///
/// # Examples
/// ```
/// use apikey_core::ApiKeys;
///
/// # futures::executor::block_on(async {
/// let keys = ApiKeys::in_memory();
/// let created = keys.create("reporting-service").await?;
/// let key = keys.verify(created.plaintext.expose()).await?;
/// assert_eq!(key.name, "reporting-service");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct ApiKeys<M: KeyModel = KeyRecord> {
    pub(crate) inner: Arc<Inner<M>>,
}

/// Tells the handles of a process apart: a key that one has verified is worth nothing to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HandleId(u64);

pub(crate) struct Inner<M: KeyModel> {
    pub(crate) id: HandleId,
    pub(crate) store: Arc<dyn KeyStore<M>>,
    pub(crate) formats: Formats,
    pub(crate) hashers: Hashers,
    pub(crate) gate: Gate,
    pub(crate) memo: Memo,
    pub(crate) verifications: Flights<(Digest, HashedKey), Result<bool, Refusal>>,
    pub(crate) cache: Option<KeyCache<M>>,
    pub(crate) lookups: Flights<Digest, Result<Proven<M>, Refusal>, (Ticket, Timestamp)>,
    pub(crate) link: Option<Link<M::Owner>>,
    pub(crate) life: Life,
    pub(crate) rehashes: Rehashes,
    pub(crate) told: Told,
    pub(crate) peppers: Peppers,
    pub(crate) usage: Usage<M::Id>,
    pub(crate) locations: Vec<KeyLocation>,
    pub(crate) answers: Arc<AnswerStyle>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) max_keys_per_owner: Option<u32>,
}

impl ApiKeys {
    /// Creates a handle over an empty store in memory: for tests and first steps.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(MemoryStore::new())
    }
}

impl<M: KeyModel> ApiKeys<M> {
    /// Creates a handle with the defaults: keys of the form `PREFIX.SECRET`, SHA-256, and
    /// `Authorization: Api-Key`.
    #[must_use]
    pub fn new(store: impl KeyStore<M>) -> Self {
        Self::builder(store).assemble()
    }

    /// Starts a handle with other settings.
    pub fn builder(store: impl KeyStore<M>) -> ApiKeysBuilder<M> {
        ApiKeysBuilder::new(Arc::new(store))
    }

    /// Forgets a key that was changed outside of this handle, so that the next request with it asks the
    /// store. Without a cache there is nothing to forget. An [`InvalidationBus`](crate::InvalidationBus)
    /// tells the other processes, too.
    pub fn invalidate(&self, prefix: &str) {
        self.inner.invalidate(Invalidation::Prefix(prefix.to_owned()));
    }

    /// Forgets the keys of an owner, after a change that the model's own filter looks at: the next
    /// request with one of them asks the store. A bus tells the other processes, too.
    pub fn invalidate_owner(&self, owner: &M::Owner) {
        self.inner.invalidate(Invalidation::Owner(owner.clone()));
    }

    /// Forgets all keys, after changes outside of this handle. A bus tells the other processes, too.
    pub fn invalidate_all(&self) {
        self.inner.invalidate(Invalidation::All);
    }

    /// Whether both are clones of one handle: for adapters, which may find two.
    ///
    /// # Examples
    /// ```
    /// use apikey_core::ApiKeys;
    ///
    /// let keys = ApiKeys::in_memory();
    /// assert!(keys.is_same(&keys.clone()));
    /// assert!(!keys.is_same(&ApiKeys::in_memory()));
    /// ```
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Returns where requests may carry a key: for adapters.
    #[must_use]
    pub fn locations(&self) -> &[KeyLocation] {
        &self.inner.locations
    }

    /// Returns how a request carries this key so that the handle finds it, by the first location that can say
    /// so: a header if there is one, else the query. `None` where the locations are functions alone. For
    /// tests and clients; each adapter's `test::authorized_by` is built on it.
    ///
    /// # Examples
    /// ```
    /// use apikey_core::{ApiKeys, Carried, KeyLocation, KeyRecord, MemoryStore};
    ///
    /// # futures::executor::block_on(async {
    /// let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
    ///     .locations([KeyLocation::header("X-Api-Key")])
    ///     .build()?;
    /// let created = keys.create("reports").await?;
    /// let Some(Carried::Header { name, value }) = keys.carry(&created.plaintext) else { panic!() };
    /// assert_eq!((&*name, &*value), ("x-api-key", created.plaintext.expose()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn carry(&self, key: &PlaintextKey) -> Option<Carried> {
        let Inner { locations, formats, .. } = &*self.inner;
        let mut ways = locations.iter().filter_map(|location| location.carry(key, formats));
        let first = ways.next()?;
        let is_header = |way: &Carried| matches!(way, Carried::Header { .. });
        if is_header(&first) { Some(first) } else { ways.find(is_header).or(Some(first)) }
    }

    /// Returns the state of a key now, by the clock of the handle: for pages that show keys. An
    /// application's own filter (an inactive owner, say) is not part of it.
    #[must_use]
    pub fn status_of(&self, key: &M) -> KeyStatus {
        key.record().status(self.inner.now())
    }
}

impl<M: KeyModel> Clone for ApiKeys<M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<M: KeyModel> fmt::Debug for ApiKeys<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys")
            .field("formats", &self.inner.formats)
            .field("hashers", &self.inner.hashers)
            .field("locations", &self.inner.locations)
            .finish_non_exhaustive()
    }
}

impl HandleId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl<M: KeyModel> Inner<M> {
    pub(crate) fn now(&self) -> Timestamp {
        to_micros(self.clock.now())
    }

    /// Whether the store may hold strings of the first of these encodings.
    pub(crate) fn may_write(&self, encodings: &[String]) -> bool {
        let encoding = encodings.first().map_or("", String::as_str);
        self.store
            .writable_encodings()
            .is_none_or(|writable| writable.iter().any(|allowed| encoding.starts_with(allowed)))
    }
}

impl<M: KeyModel> Inner<M> {
    fn invalidate(&self, invalidation: Invalidation<M::Owner>) {
        self.forget(&invalidation);
        self.post(invalidation);
    }

    /// Makes the cache forget.
    pub(crate) fn forget(&self, invalidation: &Invalidation<M::Owner>) {
        let Some(cache) = &self.cache else { return };
        match invalidation {
            Invalidation::Prefix(prefix) => {
                if let Some(prefix) = Prefix::new(prefix) {
                    cache.invalidate(prefix, self.now());
                }
            }
            Invalidation::Owner(owner) => cache.invalidate_owner(owner),
            Invalidation::All => cache.invalidate_all(),
        }
    }

    /// Tells the others.
    fn post(&self, invalidation: Invalidation<M::Owner>) {
        if let Some(link) = &self.link {
            link.post(invalidation);
        }
    }

    /// Announces to the cache that a key is about to be changed. If the change fails or is cancelled, it
    /// may still have happened: then the key is not cached for a while.
    pub(crate) fn change<'a>(&'a self, prefix: &'a str) -> Change<'a, M> {
        if let Some((cache, prefix)) = self.cache.as_ref().zip(Prefix::new(prefix)) {
            cache.begin_change(prefix, self.now());
        }
        Change { inner: self, prefix, is_done: false }
    }
}

/// A change under way. When it is over, whether it was written, failed or was cancelled, the others are
/// told.
#[must_use = "call `done` when it has been written"]
pub(crate) struct Change<'a, M: KeyModel> {
    inner: &'a Inner<M>,
    prefix: &'a str,
    is_done: bool,
}

impl<M: KeyModel> Change<'_, M> {
    /// The change has been written: what was looked up before counts no more.
    pub(crate) fn done(mut self) {
        self.is_done = true;
    }
}

impl<M: KeyModel> Drop for Change<'_, M> {
    fn drop(&mut self) {
        if let Some((cache, prefix)) = self.inner.cache.as_ref().zip(Prefix::new(self.prefix)) {
            if self.is_done {
                cache.end_change(&prefix);
            } else {
                // It may have happened, or happen yet: the mark counts from now.
                cache.begin_change(prefix, self.inner.now());
            }
        }
        self.inner.post(Invalidation::Prefix(self.prefix.to_owned()));
    }
}

/// Ends with the handle, and tells so.
#[derive(Debug)]
pub(crate) struct Life {
    /// Dropped with the handle.
    _alive: oneshot::Sender<Infallible>,
    end: Shared<oneshot::Receiver<Infallible>>,
}

impl Life {
    pub(crate) fn new() -> Self {
        let (alive, end) = oneshot::channel();
        Self { _alive: alive, end: end.shared() }
    }

    /// Waits until the handle has been dropped.
    pub(crate) fn end(&self) -> Shared<oneshot::Receiver<Infallible>> {
        self.end.clone()
    }
}

/// Which keys have been hashed anew, or tried: each at most once per process.
#[derive(Debug)]
pub(crate) struct Rehashes {
    is_enabled: bool,
    /// Keyed hashes of the prefixes; a collision only puts a rehash off.
    tried: Mutex<HashSet<u64>>,
    hasher: RandomState,
}

impl Rehashes {
    /// Bounds the memory to about 16 MB; keys beyond are left to the next process.
    const MOST: usize = 1_000_000;

    pub(crate) fn new(is_enabled: bool) -> Self {
        Self { is_enabled, tried: Mutex::default(), hasher: RandomState::new() }
    }

    /// Begins to replace the key's hash, if nobody has done so. It is begun again later unless the attempt
    /// [ends](Attempt::end).
    pub(crate) fn begin(&self, prefix: &str) -> Option<Attempt<'_>> {
        if !self.is_enabled {
            return None;
        }
        let key = self.hasher.hash_one(prefix);
        let mut tried = self.tried();
        let is_first = tried.len() < Self::MOST && tried.insert(key);
        drop(tried);
        // Made only then: one that is dropped reopens the key.
        is_first.then(|| Attempt { rehashes: self, key, is_open: true })
    }

    fn tried(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt to replace a hash. Dropped before its end, with the request or for a full queue, it counts as
/// none.
#[must_use = "call `end` when the hash was replaced, or cannot be"]
pub(crate) struct Attempt<'a> {
    rehashes: &'a Rehashes,
    key: u64,
    is_open: bool,
}

impl Attempt<'_> {
    pub(crate) fn end(mut self) {
        self.is_open = false;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.rehashes.tried().remove(&self.key);
        }
    }
}
