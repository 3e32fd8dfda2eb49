//! The proof of a secret: remembered, or looked up and hashed.

use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use thiserror::Error;

use crate::cache::KeyCache;
use crate::cache::digest::Digest;
use crate::cache::joint::Work;
use crate::clock::Timestamp;
use crate::error::DenyReason;
use crate::handle::Inner;
use crate::hash::{HashError, HashedKey, KeyHasher};
use crate::key::{Prefix, PresentedKey};
use crate::model::KeyModel;
use crate::store::StoreError;
use crate::usage::Noted;

/// A key whose secret has been proven, whatever its state. Only this file makes one. Everything behind
/// one pointer: a hit in the cache counts a single reference.
pub(crate) struct Proven<M>(Arc<Proof<M>>);

struct Proof<M> {
    key: Arc<M>,
    is_usable: bool,
    noted: Noted,
}

impl<M> Clone for Proven<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Proven<M> {
    pub(crate) fn key(&self) -> &Arc<M> {
        &self.0.key
    }

    /// What the model's own filter says.
    pub(super) fn is_usable(&self) -> bool {
        self.0.is_usable
    }

    /// Whether a use of the key has been noted lately.
    pub(super) fn noted(&self) -> &Noted {
        &self.0.noted
    }
}

/// Why there is no proof. Shared by all who waited for it; each reports it for itself.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(super) reason: DenyReason,
    pub(super) source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl From<DenyReason> for Refusal {
    fn from(reason: DenyReason) -> Self {
        Self { reason, source: None }
    }
}

impl Refusal {
    fn because<E: StdError + Send + Sync + 'static>(reason: DenyReason, source: E) -> Self {
        Self { reason, source: Some(Arc::new(source)) }
    }
}

impl From<HashError> for Refusal {
    fn from(error: HashError) -> Self {
        let reason = match error {
            HashError::Malformed | HashError::TooCostly => DenyReason::BadStoredHash,
            HashError::NotConfigured => DenyReason::HasherNotConfigured,
            HashError::QueueFull => DenyReason::HashQueueFull,
            HashError::Failed(_) => DenyReason::HashingFailed,
        };
        Self::because(reason, error)
    }
}

impl<M: KeyModel> Inner<M> {
    /// Finds the proof in the cache, without allocation; with it, the time that it was looked for.
    pub(super) fn recall(&self, prefix: &Prefix, text: &[u8]) -> Option<(Proven<M>, Timestamp)> {
        let cache = self.cache.as_ref()?;
        let now = self.clock.now();
        Some((cache.get(prefix, text, now)?, now))
    }

    /// Looks a key up and proves its secret. With the cache on, together with all who present the same
    /// text at the same time.
    pub(super) async fn prove(
        self: &Arc<Self>,
        prefix: Prefix,
        key: &Arc<PresentedKey>,
    ) -> Result<Proven<M>, Refusal> {
        let Some(cache) = &self.cache else { return self.load(&prefix, key).await };
        let Some(digest) = key.bytes().and_then(Digest::of) else {
            return self.load(&prefix, key).await;
        };
        let now = self.now();
        let begin = || {
            let (ticket, started) = (cache.ticket(), now);
            let (inner, key) = (Arc::clone(self), Arc::clone(key));
            let fill = move |cache: &KeyCache<M>, proven: &Proven<M>| {
                cache.fill(prefix, digest, ticket, proven.clone(), started);
            };
            let work = async move {
                let proven = inner.load(&prefix, &key).await?;
                if let Some(cache) = &inner.cache {
                    fill(cache, &proven);
                }
                Ok(proven)
            };
            ((ticket, started), boxed(work))
        };
        let counts =
            |(ticket, started)| cache.is_current(&prefix, ticket) && cache.is_recent(started, now);
        self.lookups.join(digest, counts, begin).await
    }

    async fn load(
        self: &Arc<Self>,
        prefix: &Prefix,
        key: &Arc<PresentedKey>,
    ) -> Result<Proven<M>, Refusal> {
        let name = prefix.as_str();
        let found = self.store.find_by_prefix(name).await;
        let found = match found {
            Err(error @ StoreError::Unreadable(_)) => {
                // Nobody without the secret learns that there is such a row.
                self.verify_nothing(key).await;
                return Err(Refusal::because(DenyReason::UnreadableRow, error));
            }
            found => found,
        };
        let found = found.map_err(|error| Refusal::because(DenyReason::StoreUnavailable, error))?;
        let Some(found) = found.filter(|found| found.key.record().prefix == name) else {
            self.verify_nothing(key).await;
            return Err(DenyReason::UnknownPrefix.into());
        };
        let stored = &found.key.record().hashed_key;
        let matches = self.verify_once(prefix, key, stored).await?;
        self.peppers.note(stored.as_str(), prefix, matches);
        if matches {
            let (key, is_usable) = (Arc::new(found.key), found.is_usable);
            Ok(Proven(Arc::new(Proof { key, is_usable, noted: Noted::default() })))
        } else {
            Err(DenyReason::WrongSecret.into())
        }
    }

    /// Verifies a secret; a slow hash that was verified before, or is being verified now, only once.
    async fn verify_once(
        self: &Arc<Self>,
        prefix: &Prefix,
        key: &Arc<PresentedKey>,
        stored: &HashedKey,
    ) -> Result<bool, Refusal> {
        let is_slow = self.hashers.of(stored.as_str())?.verifies_slowly(stored.as_str());
        let digest = key.bytes().filter(|_| is_slow).and_then(Digest::of);
        let Some(digest) = digest else {
            return Ok(self.verify_hash(prefix.as_str(), key, stored).await?);
        };
        if self.memo.proves(prefix, &digest, stored) {
            return Ok(true);
        }
        let begin = || {
            let (inner, prefix, key) = (Arc::clone(self), *prefix, Arc::clone(key));
            let stored = stored.clone();
            let work = async move {
                let matches = inner.verify_hash(prefix.as_str(), &key, &stored).await?;
                if matches {
                    inner.memo.keep(prefix, digest, stored);
                }
                Ok(matches)
            };
            ((), boxed(work))
        };
        // A text and a string either match or do not, whatever changes meanwhile.
        self.verifications.join((digest, stored.clone()), |()| true, begin).await
    }

    /// Remembers a text that a slow hash was made of.
    pub(super) fn remember(&self, prefix: Prefix, key: &PresentedKey, stored: HashedKey) {
        let is_slow = |hasher: &Arc<dyn KeyHasher>| hasher.verifies_slowly(stored.as_str());
        if self.hashers.of(stored.as_str()).is_ok_and(is_slow)
            && let Some(digest) = key.bytes().and_then(Digest::of)
        {
            self.memo.keep(prefix, digest, stored);
        }
    }

    /// Whether the stored string was made from this key: fast hashes here, slow ones on the hashing
    /// threads.
    pub(crate) async fn verify_hash(
        &self,
        prefix: &str,
        key: &Arc<PresentedKey>,
        stored: &HashedKey,
    ) -> Result<bool, HashError> {
        let hasher = self.hashers.of(stored.as_str())?;
        if !hasher.verifies_slowly(stored.as_str()) {
            return hasher.verify(key.bytes().unwrap_or_default(), stored.as_str());
        }
        let (hasher, key, stored) = (Arc::clone(hasher), Arc::clone(key), stored.clone());
        let work = move || hasher.verify(key.bytes().unwrap_or_default(), stored.as_str());
        self.gate.run(Some(prefix), work).await?
    }

    /// Makes an unknown prefix take the time of a wrong secret.
    async fn verify_nothing(&self, key: &Arc<PresentedKey>) {
        if !self.hashers.preferred().is_slow() {
            return self.hashers.verify_nothing(key.bytes().unwrap_or_default());
        }
        let (hashers, key) = (self.hashers.clone(), Arc::clone(key));
        let work = move || hashers.verify_nothing(key.bytes().unwrap_or_default());
        self.gate.run_if_idle(work).await;
    }

    /// Hashes a key with the preferred hasher.
    pub(crate) async fn hash(&self, key: &Arc<PresentedKey>) -> Result<HashedKey, HashError> {
        let (hasher, key) = (Arc::clone(self.hashers.preferred()), Arc::clone(key));
        let is_slow = hasher.is_slow();
        let work = move || hasher.hash(key.bytes().unwrap_or_default());
        if is_slow { self.gate.run(None, work).await? } else { work() }
    }
}

/// Boxes work that several requests wait for. A panic in it, which is a store's or a hasher's, is an error
/// for each of them, and does not leave them waiting for ever.
fn boxed<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Work<Result<T, Refusal>> {
    let work = AssertUnwindSafe(work).catch_unwind();
    Box::pin(work.map(|outcome| {
        outcome.unwrap_or_else(|_| Err(Refusal::because(DenyReason::StoreUnavailable, Panicked)))
    }))
}

/// The store or a hasher panicked.
#[derive(Debug, Error)]
#[error("the store or a hasher panicked")]
struct Panicked;
