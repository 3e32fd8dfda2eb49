//! The time of last use: noted once, written in batches, never in the way.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use apikey_conformance::{Operation, SpyStore};
use apikey_core::{
    ApiKeys, Cache, Clock, CreatedKey, KeyRecord, ManualClock, NewKey, StoreError, Timestamp,
};
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::{Either, join, select};

struct Fixture {
    keys: ApiKeys,
    store: Arc<SpyStore>,
    clock: ManualClock,
}

fn fixture(cache: Option<Cache>) -> Fixture {
    let (store, clock) = (Arc::<SpyStore>::default(), ManualClock::default());
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

    fn writes(&self) -> usize {
        self.store.begun(Operation::Touch)
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
        assert_eq!(f.writes(), 0, "nothing is written while requests are served");
        block_on(f.keys.flush()).unwrap();
        assert_eq!(f.writes(), 1);
        for key in [&one, &other] {
            assert!(f.last_used(key).is_some_and(|at| at <= f.clock.now()));
        }
        block_on(f.keys.flush()).unwrap();
        assert_eq!(f.writes(), 1, "nothing is pending any more");
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
    assert_eq!(f.writes(), 0);
}

#[test]
fn a_store_that_cannot_write_refuses_nobody_and_loses_nothing() {
    let f = fixture(None);
    let key = f.create();
    f.store.fail(Operation::Touch);
    use_key(&f.keys, &key);
    assert!(block_on(f.keys.flush()).is_err());
    use_key(&f.keys, &key);
    f.store.recover(Operation::Touch);
    block_on(f.keys.flush()).unwrap();
    assert!(f.last_used(&key).is_some());
}

#[test]
fn a_flush_that_is_dropped_loses_nothing() {
    for cache in [None, Some(Cache::new())] {
        let f = fixture(cache);
        let key = f.create();
        use_key(&f.keys, &key);
        let held = f.store.hold(Operation::Touch, 1);
        let mut flush = Box::pin(f.keys.flush());
        assert!(flush.as_mut().now_or_never().is_none());
        assert_eq!(f.writes(), 1);
        drop(flush);
        drop(held);
        assert_eq!(f.last_used(&key), None);
        block_on(f.keys.flush()).unwrap();
        assert!(f.last_used(&key).is_some());
        block_on(f.keys.flush()).unwrap();
        assert_eq!(f.writes(), 2, "what is written is pending no more");
    }
}

#[test]
fn a_store_that_has_no_place_for_uses_does_not_fail() {
    let f = fixture(None);
    let key = f.create();
    f.store.fail_with(Operation::Touch, || StoreError::Unsupported { what: "noting uses" });
    use_key(&f.keys, &key);
    block_on(f.keys.flush()).unwrap();
    assert_eq!(f.writes(), 1);
    f.store.recover(Operation::Touch);
    block_on(f.keys.flush()).unwrap();
    assert_eq!(f.writes(), 1, "nothing is kept to be tried again");
    assert_eq!(f.last_used(&key), None);
}

#[test]
fn maintain_writes_by_itself_and_ends_with_the_handle() {
    let f = fixture(None);
    let key = f.create();
    use_key(&f.keys, &key);
    let maintain = f.keys.maintain();
    let store = Arc::clone(&f.store);
    let watch = async {
        while store.ended(Operation::Touch) == 0 {
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

#[test]
fn two_futures_that_maintain_one_handle_write_each_use_once() {
    let f = fixture(None);
    let mut both = Box::pin(join(f.keys.maintain(), f.keys.maintain()));
    let mut before = None;
    for round in 1..=3 {
        let key = f.create();
        use_key(&f.keys, &key);
        block_on(async {
            let written = async {
                while f.store.ended(Operation::Touch) < round {
                    futures_timer::Delay::new(Duration::from_millis(1)).await;
                }
                // Time for the other one, which is to find nothing.
                futures_timer::Delay::new(Duration::from_millis(20)).await;
            };
            assert!(matches!(select(&mut both, pin!(written)).await, Either::Right(_)));
        });
        assert_eq!(f.writes(), round, "one use is one write");
        assert!(f.last_used(&key) > before);
        before = f.last_used(&key);
        f.clock.advance(Duration::from_secs(1));
    }
    drop(f);
    block_on(both);
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_latest_use_is_written_however_long_a_key_is_cached() {
    for cache in [None, Some(Cache::new().time_to_live(Duration::from_secs(3600)))] {
        let f = fixture(cache);
        let (often, once) = (f.create(), f.create());
        use_key(&f.keys, &once);
        let first = f.clock.now();
        for _ in 0..10 {
            use_key(&f.keys, &often);
            f.clock.advance(SECOND);
        }
        let last = f.clock.now() - SECOND;
        block_on(f.keys.flush()).unwrap();
        assert_eq!(f.last_used(&often), Some(last));
        assert_eq!(f.last_used(&once), Some(first), "not the time of another key");
        assert_eq!(f.writes(), 1, "in one call");
        use_key(&f.keys, &often);
        block_on(f.keys.flush()).unwrap();
        assert_eq!(f.last_used(&often), Some(f.clock.now()));
    }
}

#[test]
fn no_last_use_is_later_than_the_expiry() {
    let f = fixture(None);
    let ending = block_on(f.keys.create(NewKey::new("k").expires_in(SECOND))).unwrap();
    let other = f.create();
    use_key(&f.keys, &ending);
    f.clock.advance(2 * SECOND);
    use_key(&f.keys, &other);
    block_on(f.keys.flush()).unwrap();
    assert!(f.last_used(&ending) < ending.key.expires_at);
}

#[test]
fn the_last_use_is_written_with_what_ends_the_key() {
    for cache in [None, Some(Cache::new())] {
        let f = fixture(cache);
        let [revoked, disabled, rotated] = [f.create(), f.create(), f.create()];
        for key in [&revoked, &disabled, &rotated] {
            use_key(&f.keys, key);
        }
        let used = Some(f.clock.now());
        f.clock.advance(SECOND);
        block_on(f.keys.revoke(&revoked.key.prefix)).unwrap();
        block_on(f.keys.disable(&disabled.key.prefix)).unwrap();
        block_on(f.keys.rotate(&rotated.key.prefix, Duration::ZERO)).unwrap();
        for key in [&revoked, &disabled, &rotated] {
            assert_eq!(f.last_used(key), used);
        }
        let writes = f.writes();
        block_on(f.keys.flush()).unwrap();
        assert_eq!(f.writes(), writes, "nothing is pending any more");
    }
}

#[test]
fn a_use_that_is_being_written_is_written_with_the_revocation() {
    let f = fixture(None);
    let key = f.create();
    use_key(&f.keys, &key);
    let held = f.store.hold(Operation::Touch, 1);
    let mut flush = Box::pin(f.keys.flush());
    assert!(flush.as_mut().now_or_never().is_none());
    block_on(f.keys.revoke(&key.key.prefix)).unwrap();
    drop(held);
    block_on(flush).unwrap();
    assert_eq!(f.last_used(&key), Some(f.clock.now()));
}

#[test]
fn a_key_is_revoked_whatever_becomes_of_its_last_use() {
    let f = fixture(None);
    let [failing, hanging] = [f.create(), f.create()];
    use_key(&f.keys, &failing);
    use_key(&f.keys, &hanging);
    f.store.fail(Operation::Touch);
    assert!(block_on(f.keys.revoke(&failing.key.prefix)).unwrap().revoked_at.is_some());
    f.store.recover(Operation::Touch);
    let _held = f.store.hold(Operation::Touch, 1);
    assert!(block_on(f.keys.revoke(&hanging.key.prefix)).unwrap().revoked_at.is_some());
}
