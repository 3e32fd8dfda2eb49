//! The time of last use: noted once, written in batches, never in the way.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apikey_core::{
    ApiKeys, Cache, Clock, CreatedKey, Found, KeyPatch, KeyQuery, KeyRecord, KeyStore, ManualClock,
    MemoryStore, NewRecord, Page, Rotation, StoreError, Timestamp, async_trait,
};
use futures::FutureExt;
use futures::executor::block_on;

/// Records what is touched; can be made unable to write.
#[derive(Default)]
struct Observed {
    inner: MemoryStore,
    touched: Mutex<Vec<Vec<i64>>>,
    is_read_only: AtomicBool,
}

#[async_trait]
impl KeyStore<KeyRecord> for Observed {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<KeyRecord>>, StoreError> {
        self.inner.find_by_prefix(prefix).await
    }

    async fn get(
        &self,
        prefix: &str,
        owner: Option<&Infallible>,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.inner.get(prefix, owner).await
    }

    async fn insert(
        &self,
        new: &NewRecord<()>,
        limit: Option<u32>,
    ) -> Result<KeyRecord, StoreError> {
        self.inner.insert(new, limit).await
    }

    async fn update(
        &self,
        id: &i64,
        owner: Option<&Infallible>,
        patch: &KeyPatch,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.inner.update(id, owner, patch).await
    }

    async fn rotate(
        &self,
        id: &i64,
        owner: Option<&Infallible>,
        rotation: &Rotation<()>,
    ) -> Result<KeyRecord, StoreError> {
        self.inner.rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
        if self.is_read_only.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("attempt to write a readonly database".into()));
        }
        self.touched.lock().unwrap().push(ids.to_vec());
        self.inner.touch(ids, at).await
    }

    async fn list(
        &self,
        query: &KeyQuery<KeyRecord>,
        now: Timestamp,
    ) -> Result<Page<KeyRecord>, StoreError> {
        self.inner.list(query, now).await
    }

    async fn count(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.inner.delete_expired(before, limit).await
    }
}

struct Fixture {
    keys: ApiKeys,
    store: Arc<Observed>,
    clock: ManualClock,
}

fn fixture(cache: Option<Cache>) -> Fixture {
    let (store, clock) = (Arc::new(Observed::default()), ManualClock::default());
    let builder = ApiKeys::builder(Arc::clone(&store)).clock(clock.clone());
    let builder = builder.usage_interval(Duration::from_millis(1));
    let builder = match cache {
        Some(cache) => builder.cache(cache),
        None => builder,
    };
    Fixture { keys: builder.build().unwrap(), store, clock }
}

impl Fixture {
    fn create(&self) -> CreatedKey<KeyRecord> {
        block_on(self.keys.create("k")).unwrap()
    }

    fn last_used(&self, created: &CreatedKey<KeyRecord>) -> Option<Timestamp> {
        block_on(self.keys.get(&created.key.prefix)).unwrap().unwrap().last_used_at
    }

    fn touched(&self) -> Vec<Vec<i64>> {
        self.store.touched.lock().unwrap().clone()
    }
}

fn use_key(keys: &ApiKeys, created: &CreatedKey<KeyRecord>) {
    block_on(keys.verify(created.plaintext.expose())).unwrap();
}

#[test]
fn many_uses_are_one_write_at_the_time_of_the_last() {
    for cache in [None, Some(Cache::new())] {
        let f = fixture(cache);
        let (one, other) = (f.create(), f.create());
        for _ in 0..10 {
            use_key(&f.keys, &one);
        }
        use_key(&f.keys, &other);
        assert!(f.touched().is_empty(), "nothing is written while requests are served");
        block_on(f.keys.flush()).unwrap();
        assert_eq!(f.touched(), [[one.key.id, other.key.id]]);
        assert!(f.last_used(&one).is_some_and(|at| at <= f.clock.now()));
        block_on(f.keys.flush()).unwrap();
        assert_eq!(f.touched().len(), 1, "nothing is pending any more");
    }
}

#[test]
fn a_cached_key_is_noted_again_after_a_flush() {
    let f = fixture(Some(Cache::new()));
    let key = f.create();
    use_key(&f.keys, &key);
    block_on(f.keys.flush()).unwrap();
    let first = f.last_used(&key);
    f.clock.advance(Duration::from_secs(1));
    use_key(&f.keys, &key);
    block_on(f.keys.flush()).unwrap();
    assert!(f.last_used(&key) > first);
}

#[test]
fn a_refused_key_is_not_used() {
    let f = fixture(None);
    let key = f.create();
    block_on(f.keys.revoke(&key.key.prefix)).unwrap();
    assert!(block_on(f.keys.verify(key.plaintext.expose())).is_err());
    block_on(f.keys.flush()).unwrap();
    assert!(f.touched().is_empty());
}

#[test]
fn a_store_that_cannot_write_refuses_nobody_and_loses_nothing() {
    let f = fixture(None);
    let key = f.create();
    f.store.is_read_only.store(true, Ordering::SeqCst);
    use_key(&f.keys, &key);
    assert!(block_on(f.keys.flush()).is_err());
    use_key(&f.keys, &key);
    f.store.is_read_only.store(false, Ordering::SeqCst);
    block_on(f.keys.flush()).unwrap();
    assert!(f.last_used(&key).is_some());
}

#[test]
fn maintain_writes_by_itself_and_ends_with_the_handle() {
    let f = fixture(None);
    let key = f.create();
    use_key(&f.keys, &key);
    let maintain = f.keys.maintain();
    let store = Arc::clone(&f.store);
    let watch = async {
        while store.touched.lock().unwrap().is_empty() {
            futures_timer::Delay::new(Duration::from_millis(1)).await;
        }
    };
    block_on(async {
        let mut maintain = Box::pin(maintain.fuse());
        futures::select! {
            () = maintain => panic!("ended while the handle lives"),
            () = Box::pin(watch.fuse()) => {}
        }
        drop(f);
        maintain.await;
    });
}
