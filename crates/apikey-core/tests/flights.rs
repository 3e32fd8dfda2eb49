//! Lookups that several requests wait for: what they survive, and what is not joined.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use apikey_conformance::{Held, Operation, SpyStore};
use apikey_core::{
    ApiKeys, Cache, DenyReason, HashError, HashedKey, Hashers, KeyHasher, ManualClock, NewKey,
};
use futures::FutureExt;
use futures::executor::block_on;

const TEXT: &str = "FbY8NwcU.qRyUDt1EQZAZb0qi2VmOYnlbUjvuE6Tp";
const TTL: Duration = Duration::from_secs(5);

/// Hashes fast, and panics when it verifies for the first time.
#[derive(Debug, Default)]
struct Panicky(AtomicUsize);

impl KeyHasher for Panicky {
    fn encodings(&self) -> Vec<String> {
        vec!["panicky$".into()]
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        Ok(HashedKey::new(format!("panicky${}", String::from_utf8_lossy(key))))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "the hasher panics once");
        Ok(stored.as_bytes() == [b"panicky$", key].concat())
    }

    fn is_slow(&self) -> bool {
        false
    }
}

struct Fixture {
    keys: ApiKeys,
    store: Arc<SpyStore>,
    clock: ManualClock,
}

fn fixture(hashers: Hashers) -> Fixture {
    let (store, clock) = (Arc::<SpyStore>::default(), ManualClock::default());
    let keys = ApiKeys::builder(Arc::clone(&store))
        .hashers(hashers)
        .cache(Cache::new().time_to_live(TTL))
        .clock(clock.clone())
        .build()
        .unwrap();
    Fixture { keys, store, clock }
}

impl Fixture {
    fn create(&self) {
        block_on(self.keys.create(NewKey::new("k").with_plaintext(TEXT))).unwrap();
        self.clock.advance(TTL);
    }

    fn hold_lookup(&self) -> Held {
        self.store.hold(Operation::FindByPrefix, 1)
    }
}

#[test]
fn a_hasher_that_panics_is_an_error_for_all_who_wait_and_for_nobody_later() {
    let f = fixture(Hashers::new(Panicky::default()));
    f.create();
    let held = f.hold_lookup();
    let mut waiting = [f.keys.verify(TEXT), f.keys.verify(TEXT), f.keys.verify(TEXT)];
    assert!(waiting.iter_mut().all(|request| request.now_or_never().is_none()));
    drop(held);
    for request in waiting {
        let refused = request.now_or_never().unwrap().unwrap_err();
        assert_eq!((refused.reason(), refused.status()), (DenyReason::StoreUnavailable, 503));
    }
    assert!(block_on(f.keys.verify(TEXT)).is_ok());
}

#[test]
fn a_key_of_a_fixed_text_opens_with_the_first_request_after_its_creation() {
    let f = fixture(Hashers::default());
    let _held = f.hold_lookup();
    let mut before = f.keys.verify(TEXT);
    assert!((&mut before).now_or_never().is_none(), "it found nothing, and is held");
    f.create();
    assert!(block_on(f.keys.verify(TEXT)).is_ok());
}

#[test]
fn a_lookup_that_hangs_is_joined_no_longer_than_an_entry_would_live() {
    let f = fixture(Hashers::default());
    f.create();
    let elsewhere = ApiKeys::builder(Arc::clone(&f.store)).clock(f.clock.clone()).build().unwrap();
    let _held = f.hold_lookup();
    let mut hanging = f.keys.verify(TEXT);
    assert!((&mut hanging).now_or_never().is_none(), "it has read the row, and is held");
    block_on(elsewhere.revoke("FbY8NwcU")).unwrap();
    f.clock.advance(TTL - Duration::from_micros(1));
    assert!(f.keys.verify(TEXT).now_or_never().is_none(), "it waits for the same lookup");
    f.clock.advance(Duration::from_micros(1));
    let refused = block_on(f.keys.verify(TEXT)).unwrap_err();
    assert_eq!(refused.reason(), DenyReason::Revoked);
}
