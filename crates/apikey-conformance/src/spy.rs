//! A store that counts what it is asked, and holds or fails it when a test says so.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apikey_core::{
    Finding, Found, KeyFormat, KeyModel, KeyPatch, KeyQuery, KeyStore, MemoryStore, NewRecord,
    Page, Rotation, StoreError, Timestamp, async_trait,
};
use tokio::sync::Semaphore;

/// Hands every call on to another store, for tests of what is built on stores: an application, an adapter.
///
/// It counts the calls of each [`Operation`], fails them, or holds them for as long as the test wants: so
/// a database that is down, or a request that comes while another waits, needs neither a database nor a
/// pause. It runs on any runtime.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use apikey_conformance::{Operation, SpyStore};
/// use apikey_core::{ApiKeys, DenyReason};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = Arc::new(<SpyStore>::default());
/// let keys: ApiKeys = ApiKeys::new(Arc::clone(&store));
/// let created = keys.create("ci").await?;
///
/// store.fail(Operation::FindByPrefix);
/// let refused = keys.verify(created.plaintext.expose()).await.unwrap_err();
/// assert_eq!(refused.reason(), DenyReason::StoreUnavailable);
/// assert_eq!(store.begun(Operation::FindByPrefix), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct SpyStore<S = MemoryStore> {
    store: S,
    calls: [Calls; OPERATIONS],
}

/// The operations of a [`KeyStore`], named after its methods. `update_within` counts as an update, and `touch_each`
/// as a touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the method of its name")]
pub enum Operation {
    FindByPrefix,
    Get,
    List,
    Count,
    Check,
    Insert,
    Update,
    End,
    Rotate,
    Touch,
    DeleteExpired,
    DeleteEnded,
}

const OPERATIONS: usize = Operation::DeleteEnded as usize + 1;

/// Holds calls of one operation. Dropping it lets them go, and holds no further ones.
#[derive(Debug)]
#[must_use = "the calls go on as soon as it is dropped"]
pub struct Held(Arc<Gate>);

impl<S> SpyStore<S> {
    /// Wraps a store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { store, calls: Default::default() }
    }

    /// Returns the store inside, which neither counts nor fails.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.store
    }

    /// Returns how many calls of an operation have begun.
    #[must_use]
    pub fn begun(&self, operation: Operation) -> usize {
        self.of(operation).begun.load(Ordering::SeqCst)
    }

    /// Returns how many calls of an operation have ended: by an answer, an error, or because nobody waited
    /// for it any more.
    #[must_use]
    pub fn ended(&self, operation: Operation) -> usize {
        self.of(operation).ended.load(Ordering::SeqCst)
    }

    /// Lets an operation fail with [`StoreError::Unavailable`] from now on, without handing it on.
    pub fn fail(&self, operation: Operation) {
        self.fail_with(operation, || {
            StoreError::Unavailable("the test lets the store fail".into())
        });
    }

    /// Lets an operation fail with an error of yours from now on, without handing it on.
    pub fn fail_with(&self, operation: Operation, error: fn() -> StoreError) {
        *lock(&self.of(operation).error) = Some(error);
    }

    /// Lets an operation fail no longer.
    pub fn recover(&self, operation: Operation) {
        *lock(&self.of(operation).error) = None;
    }

    /// Holds the next `calls` calls of an operation until the result is dropped; those after them pass.
    ///
    /// They are held where others overtake them: a read with its answer in hand, a write before it is handed
    /// on.
    pub fn hold(&self, operation: Operation, calls: usize) -> Held {
        let gate = Arc::new(Gate::new(calls));
        *lock(&self.of(operation).gate) = Some(Arc::clone(&gate));
        Held(gate)
    }

    fn of(&self, operation: Operation) -> &Calls {
        &self.calls[operation as usize]
    }

    async fn read<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (calls, gate) = self.of(operation).begin();
        calls.available()?;
        let answer = call.await;
        pass(gate).await;
        answer
    }

    async fn write<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (calls, gate) = self.of(operation).begin();
        pass(gate).await;
        calls.available()?;
        call.await
    }
}

impl Held {
    /// Returns when a call is held; called again, when one more is.
    pub async fn reached(&self) {
        // It is open for as long as this is there.
        if let Ok(place) = self.0.reached.acquire().await {
            place.forget();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.open.close();
    }
}

async fn pass(gate: Option<Arc<Gate>>) {
    if let Some(gate) = gate {
        gate.reached.add_permits(1);
        // It never has a permit: it returns when it is closed.
        drop(gate.open.acquire().await);
    }
}

/// What is known of one operation, and what is to become of its calls.
#[derive(Default)]
struct Calls {
    begun: AtomicUsize,
    ended: AtomicUsize,
    error: Mutex<Option<fn() -> StoreError>>,
    gate: Mutex<Option<Arc<Gate>>>,
}

/// A call that counts its own end, however it comes.
struct Begun<'a>(&'a Calls);

impl Calls {
    /// Counts a call, and says where it is to be held.
    fn begin(&self) -> (Begun<'_>, Option<Arc<Gate>>) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let gate = lock(&self.gate).clone().filter(|gate| gate.take_place());
        (Begun(self), gate)
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Begun<'_> {
    fn available(&self) -> Result<(), StoreError> {
        let error = *lock(&self.0.error);
        error.map_or(Ok(()), |error| Err(error()))
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct Gate {
    places: AtomicUsize,
    reached: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn new(places: usize) -> Self {
        let places = AtomicUsize::new(places);
        Self { places, reached: Semaphore::new(0), open: Semaphore::new(0) }
    }

    fn take_place(&self) -> bool {
        let less = |places: usize| places.checked_sub(1);
        self.places.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }
}

impl<S> fmt::Debug for SpyStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpyStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl<M: KeyModel, S: KeyStore<M>> KeyStore<M> for SpyStore<S> {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<M>>, StoreError> {
        self.read(Operation::FindByPrefix, self.store.find_by_prefix(prefix)).await
    }

    async fn get(&self, prefix: &str, owner: Option<&M::Owner>) -> Result<Option<M>, StoreError> {
        self.read(Operation::Get, self.store.get(prefix, owner)).await
    }

    async fn insert(&self, new: &NewRecord<M::Extra>, limit: Option<u32>) -> Result<M, StoreError> {
        self.write(Operation::Insert, self.store.insert(new, limit)).await
    }

    async fn update(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<Option<M>, StoreError> {
        self.write(Operation::Update, self.store.update(id, owner, patch)).await
    }

    async fn update_within(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<M>, StoreError> {
        let call = self.store.update_within(id, owner, patch, limit, now);
        self.write(Operation::Update, call).await
    }

    async fn end(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<bool, StoreError> {
        self.write(Operation::End, self.store.end(prefix, owner, patch)).await
    }

    async fn rotate(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        rotation: &Rotation<M::Extra>,
    ) -> Result<M, StoreError> {
        self.write(Operation::Rotate, self.store.rotate(id, owner, rotation)).await
    }

    async fn touch(&self, ids: &[M::Id], at: Timestamp) -> Result<(), StoreError> {
        self.write(Operation::Touch, self.store.touch(ids, at)).await
    }

    async fn touch_each(&self, uses: &[(M::Id, Timestamp)]) -> Result<(), StoreError> {
        self.write(Operation::Touch, self.store.touch_each(uses)).await
    }

    async fn list(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<Page<M>, StoreError> {
        self.read(Operation::List, self.store.list(query, now)).await
    }

    async fn count(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<u64, StoreError> {
        self.read(Operation::Count, self.store.count(query, now)).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(Operation::DeleteExpired, self.store.delete_expired(before, limit)).await
    }

    async fn delete_ended(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(Operation::DeleteEnded, self.store.delete_ended(prefix, owner, now)).await
    }

    async fn check(&self) -> Result<Vec<Finding>, StoreError> {
        self.read(Operation::Check, self.store.check()).await
    }

    fn writable_encodings(&self) -> Option<&[&str]> {
        self.store.writable_encodings()
    }

    fn can_write_format(&self, format: &KeyFormat) -> bool {
        self.store.can_write_format(format)
    }
}
