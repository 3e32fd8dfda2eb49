//! A store that counts what it is asked, and fails or waits when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use apikey_core::{
    Found, KeyModel, KeyPatch, KeyQuery, KeyRecord, KeyStore, MemoryStore, NewRecord, Page,
    Rotation, StoreError, Timestamp, async_trait,
};
use tokio::sync::Semaphore;

type Id = <KeyRecord as KeyModel>::Id;
type Owner = <KeyRecord as KeyModel>::Owner;

/// Keeps keys in memory.
pub(crate) struct ProbeStore {
    inner: MemoryStore,
    lookups: AtomicUsize,
    fails: AtomicBool,
    /// Whether the next lookup waits; those after it do not.
    holds: AtomicBool,
    held: Semaphore,
    release: Semaphore,
}

impl ProbeStore {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::new(),
            lookups: AtomicUsize::new(0),
            fails: AtomicBool::new(false),
            holds: AtomicBool::new(false),
            held: Semaphore::new(0),
            release: Semaphore::new(0),
        })
    }

    /// Returns how often a key was looked up since the last call.
    pub(crate) fn take_lookups(&self) -> usize {
        self.lookups.swap(0, Ordering::SeqCst)
    }

    /// Fails from now on.
    pub(crate) fn fail(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }

    /// Lets the next lookup wait until [`Self::release`].
    pub(crate) fn hold_next(&self) {
        self.holds.store(true, Ordering::SeqCst);
    }

    /// Returns when a lookup waits.
    pub(crate) async fn held(&self) {
        self.held.acquire().await.expect("the semaphore stays open").forget();
    }

    pub(crate) fn release(&self) {
        self.release.add_permits(1);
    }

    fn available(&self) -> Result<(), StoreError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the probe was told to fail".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl KeyStore<KeyRecord> for ProbeStore {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<KeyRecord>>, StoreError> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        if self.holds.swap(false, Ordering::SeqCst) {
            self.held.add_permits(1);
            self.release.acquire().await.expect("the semaphore stays open").forget();
        }
        self.available()?;
        self.inner.find_by_prefix(prefix).await
    }

    async fn get(
        &self,
        prefix: &str,
        owner: Option<&Owner>,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.available()?;
        self.inner.get(prefix, owner).await
    }

    async fn insert(
        &self,
        new: &NewRecord<()>,
        limit: Option<u32>,
    ) -> Result<KeyRecord, StoreError> {
        self.available()?;
        self.inner.insert(new, limit).await
    }

    async fn update(
        &self,
        id: &Id,
        owner: Option<&Owner>,
        patch: &KeyPatch,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.available()?;
        self.inner.update(id, owner, patch).await
    }

    async fn rotate(
        &self,
        id: &Id,
        owner: Option<&Owner>,
        rotation: &Rotation<()>,
    ) -> Result<KeyRecord, StoreError> {
        self.available()?;
        self.inner.rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[Id], at: Timestamp) -> Result<(), StoreError> {
        self.available()?;
        self.inner.touch(ids, at).await
    }

    async fn list(
        &self,
        query: &KeyQuery<KeyRecord>,
        now: Timestamp,
    ) -> Result<Page<KeyRecord>, StoreError> {
        self.available()?;
        self.inner.list(query, now).await
    }

    async fn count(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Result<u64, StoreError> {
        self.available()?;
        self.inner.count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.available()?;
        self.inner.delete_expired(before, limit).await
    }
}
