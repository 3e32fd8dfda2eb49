//! What a store's tests bring along, and the keys that the cases put into it.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use apikey_core::chrono::{DateTime, TimeDelta};
use apikey_core::{
    HashedKey, KeyModel, KeyPatch, KeyQuery, KeyStore, MAX_PAGE, NewRecord, Rotation, StoreError,
    Timestamp, async_trait,
};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// Gives the suite empty stores, and values for the model's own columns.
#[async_trait]
pub trait StoreFixture: Send + Sync {
    /// The model of the store.
    type Model: KeyModel;

    /// Opens a store without any key. It is called at least once for each case, and cases run side by
    /// side: each call needs a table of its own.
    async fn store(&self) -> Arc<dyn KeyStore<Self::Model>>;

    /// Opens two stores on one table without any key, each with connections of its own, as two processes
    /// have them: for the promises about what happens at once. The default is one store twice; stay with
    /// it only if one process has the table to itself.
    async fn two_stores(&self) -> [Arc<dyn KeyStore<Self::Model>>; 2] {
        let store = self.store().await;
        [Arc::clone(&store), store]
    }

    /// Returns values for the model's own columns that make the key belong to `owner`, 1 or 2.
    fn extra(&self, owner: u8) -> <Self::Model as KeyModel>::Extra;

    /// Returns that owner, whom [`KeyModel::owner`] names; `None`, the default, if keys have no owner.
    fn owner(&self, owner: u8) -> Option<<Self::Model as KeyModel>::Owner> {
        let _ = owner;
        None
    }

    /// Returns values by which the model's own filter keeps a key from being used; `None`, the default,
    /// if it has no filter.
    fn unusable(&self) -> Option<<Self::Model as KeyModel>::Extra> {
        None
    }

    /// Returns why the store cannot be had on this machine: then every case is reported as skipped.
    ///
    /// # Errors
    /// The reason: a server that is not running, say.
    fn available(&self) -> Result<(), String> {
        Ok(())
    }
}

pub(crate) type Id<F> = <<F as StoreFixture>::Model as KeyModel>::Id;
pub(crate) type Extra<F> = <<F as StoreFixture>::Model as KeyModel>::Extra;
pub(crate) type Owner<F> = <<F as StoreFixture>::Model as KeyModel>::Owner;

/// An empty store, and what the cases do with it again and again.
pub(crate) struct Table<'a, F: StoreFixture> {
    pub(crate) fixture: &'a F,
    pub(crate) store: Arc<dyn KeyStore<F::Model>>,
    /// On the same table.
    other: Arc<dyn KeyStore<F::Model>>,
}

impl<'a, F: StoreFixture> Table<'a, F> {
    pub(crate) async fn empty(fixture: &'a F) -> Self {
        let store = fixture.store().await;
        Self { fixture, other: Arc::clone(&store), store }
    }

    /// With two stores on it.
    pub(crate) async fn shared(fixture: &'a F) -> Self {
        let [store, other] = fixture.two_stores().await;
        Self { fixture, store, other }
    }

    /// Describes a key of owner 1, created at `at(0)`.
    pub(crate) fn new_key(&self, prefix: &str) -> NewRecord<Extra<F>> {
        self.new_key_of(1, prefix)
    }

    pub(crate) fn new_key_of(&self, owner: u8, prefix: &str) -> NewRecord<Extra<F>> {
        NewRecord::new(prefix, hash_of(prefix), "name", at(0), self.fixture.extra(owner))
    }

    pub(crate) async fn add(&self, prefix: &str) -> F::Model {
        self.insert(&self.new_key(prefix)).await
    }

    pub(crate) async fn insert(&self, new: &NewRecord<Extra<F>>) -> F::Model {
        self.store.insert(new, None).await.expect("a key with a new prefix can be inserted")
    }

    /// Changes a key that is there.
    pub(crate) async fn change(&self, key: &F::Model, patch: KeyPatch) -> F::Model {
        let id = &key.record().id;
        let changed = self.store.update(id, None, &patch).await.expect("a key can be updated");
        changed.expect("`update` finds a key by the id that `insert` returned")
    }

    pub(crate) async fn revoke(&self, key: &F::Model, time: Timestamp) -> F::Model {
        self.change(key, KeyPatch::default().revoked_at(time)).await
    }

    /// Ends a key by its prefix; returns whether there is one.
    pub(crate) async fn end(&self, prefix: &str, patch: &KeyPatch) -> bool {
        self.store.end(prefix, None, patch).await.expect("a key can be ended")
    }

    pub(crate) async fn touch(&self, ids: &[Id<F>], time: Timestamp) {
        self.store.touch(ids, time).await.expect("keys can be touched");
    }

    pub(crate) async fn find(&self, prefix: &str) -> Option<F::Model> {
        self.store.get(prefix, None).await.expect("a key can be looked for")
    }

    /// Reads a key that has to be there.
    pub(crate) async fn read(&self, prefix: &str) -> F::Model {
        let key = self.find(prefix).await;
        key.unwrap_or_else(|| panic!("the key {prefix} is in the store"))
    }

    /// Lists a page.
    pub(crate) async fn list(&self, query: &KeyQuery<F::Model>, now: Timestamp) -> Vec<F::Model> {
        self.store.list(query, now).await.expect("keys can be listed").keys
    }

    /// Returns everything in the store, in one query.
    pub(crate) async fn all(&self) -> Vec<F::Model> {
        self.list(&KeyQuery::new().limit(MAX_PAGE), at(0)).await
    }

    pub(crate) async fn count(&self, query: &KeyQuery<F::Model>, now: Timestamp) -> u64 {
        self.store.count(query, now).await.expect("keys can be counted")
    }

    pub(crate) async fn delete_expired(&self, before: Timestamp, limit: u32) -> u64 {
        let deleted = self.store.delete_expired(before, limit).await;
        deleted.expect("ended keys can be deleted")
    }

    /// Makes the id of a key that is not there any more.
    pub(crate) async fn absent_id(&self) -> Id<F> {
        let new = self.new_key("gone0000").with_expires_at(Some(at(-1000)));
        let gone = self.insert(&new).await;
        // Kept, so that a database that reuses its highest id does not reuse this one.
        self.add("kept0000").await;
        self.delete_expired(at(-999), 1).await;
        assert!(self.find("gone0000").await.is_none(), "`delete_expired` deletes an expired key");
        gone.record().id.clone()
    }

    /// Returns two owners, or none if the model has none.
    pub(crate) fn owners(&self) -> Option<(Owner<F>, Owner<F>)> {
        let owners = self.fixture.owner(1).zip(self.fixture.owner(2));
        if let Some((one, two)) = &owners {
            assert_ne!(one, two, "the fixture's owners 1 and 2 differ");
            let extra = self.fixture.extra(1);
            let owner = F::Model::owner_of(&extra);
            assert_eq!(owner, Some(one), "`KeyModel::owner_of` names the owner that `owner` does");
        } else {
            crate::run::not_applicable("keys of this model have no owner");
        }
        owners
    }

    /// Rotates a key, with an expiry at `at(60)`.
    pub(crate) fn rotation(&self, key: &F::Model, successor: &str) -> Rotation<Extra<F>> {
        let record = key.record();
        let mut successor = self
            .new_key(successor)
            .with_scopes(record.scopes.clone())
            .with_rotated_from(Some(record.prefix.clone()));
        successor.name.clone_from(&record.name);
        successor.extra = key.extra();
        Rotation::new(record.expires_at, at(60), successor)
    }

    /// Runs `operation` `times` times at once, each with its own number, on the stores by turns; the
    /// results are in the order of the numbers.
    pub(crate) async fn in_parallel<O, Fut, T>(&self, times: usize, operation: O) -> Vec<T>
    where
        O: Fn(Arc<dyn KeyStore<F::Model>>, usize) -> Fut,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let start = Arc::new(Barrier::new(times));
        let mut tasks = JoinSet::new();
        for number in 0..times {
            let store = if number % 2 == 0 { &self.store } else { &self.other };
            let operation = operation(Arc::clone(store), number);
            let start = Arc::clone(&start);
            tasks.spawn(async move {
                start.wait().await;
                (number, operation.await)
            });
        }
        let mut results = tasks.join_all().await;
        results.sort_by_key(|(number, _)| *number);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

/// Returns a moment so many seconds from the one at which keys are created, with microseconds in it.
pub(crate) fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 678_901_000)
        .expect("the moment is in the calendar")
}

/// Returns the moment one microsecond later.
pub(crate) fn just_after(time: Timestamp) -> Timestamp {
    time + TimeDelta::microseconds(1)
}

/// Returns a stored hash that looks like one of SHA-512, different for each text. A store that restricts
/// what is written takes this encoding, if it shares its table with Django.
pub(crate) fn hash_of(text: &str) -> HashedKey {
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    HashedKey::new(format!("sha512$${digits:0<128}"))
}

/// Returns the prefix of the n-th of many keys.
pub(crate) fn numbered(number: usize) -> String {
    format!("key{number:05}")
}

/// Returns the prefixes of keys, in order.
pub(crate) fn prefixes<M: KeyModel>(keys: &[M]) -> Vec<&str> {
    keys.iter().map(|key| key.record().prefix.as_str()).collect()
}

/// Fails unless both keys are equal in every column.
#[track_caller]
pub(crate) fn assert_same<M: KeyModel>(is: &M, expected: &M, promise: &str) {
    assert_eq!(is.record(), expected.record(), "{promise}");
    assert_eq!(
        is.record().hashed_key.as_str(),
        expected.record().hashed_key.as_str(),
        "{promise} (hashed_key)"
    );
    assert_eq!(printed(&is.extra()), printed(&expected.extra()), "{promise} (own columns)");
    assert_eq!(is.owner(), expected.owner(), "{promise} (owner)");
}

fn printed(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// Fails unless the store said that the row was not as expected.
#[track_caller]
pub(crate) fn assert_conflict<T: Debug>(result: &Result<T, StoreError>, promise: &str) {
    assert!(matches!(result, Err(StoreError::Conflict)), "{promise}: got {result:?}");
}

/// Fails unless the store said that the prefix is taken.
#[track_caller]
pub(crate) fn assert_duplicate<T: Debug>(result: &Result<T, StoreError>, promise: &str) {
    assert!(matches!(result, Err(StoreError::Duplicate)), "{promise}: got {result:?}");
}
