//! Slow hashes are computed once for a key whose row stays as it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apikey_conformance::{Operation, SpyStore};
use apikey_core::{
    ApiKeys, Cache, DenyReason, HashError, HashedKey, Hashers, KeyHasher, KeyPatch, KeyRecord,
    KeyStore, MemoryStore, Sha256, Timestamp,
};
use futures::executor::block_on;
use futures::future::join_all;

/// Counts its verifications.
#[derive(Debug, Default, Clone)]
struct Slow(Arc<AtomicUsize>);

impl KeyHasher for Slow {
    fn encodings(&self) -> Vec<String> {
        vec!["slow$".into()]
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        Ok(HashedKey::new(format!("slow${}", String::from_utf8_lossy(key))))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(stored.as_bytes() == [b"slow$", key].concat())
    }
}

#[test]
fn a_slow_hash_is_proven_once_while_the_row_stays_and_is_loaded_each_time() {
    let (store, slow) = (Arc::new(MemoryStore::<KeyRecord>::new()), Slow::default());
    let hashers = Hashers::new(slow.clone());
    let keys = ApiKeys::builder(Arc::clone(&store)).hashers(hashers).build().unwrap();
    let created = block_on(keys.create("k")).unwrap();
    let text = created.plaintext.expose();
    for _ in 0..5 {
        block_on(keys.verify(text)).unwrap();
    }
    assert_eq!(slow.0.load(Ordering::SeqCst), 1);
    let old = created.key.hashed_key.clone();
    let other = KeyPatch::default().rehash(old, HashedKey::new("slow$other"));
    block_on(store.update(&1, None, &other)).unwrap().unwrap();
    assert_eq!(block_on(keys.verify(text)).unwrap_err().reason(), DenyReason::WrongSecret);
    let revoke = KeyPatch::default().rehash(HashedKey::new("slow$other"), created.key.hashed_key);
    block_on(store.update(&1, None, &revoke.revoked_at(Timestamp::default()))).unwrap().unwrap();
    assert_eq!(block_on(keys.verify(text)).unwrap_err().reason(), DenyReason::Revoked);
}

#[test]
fn many_who_present_one_key_hash_it_once() {
    let slow = Slow::default();
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
        .hashers(Hashers::new(slow.clone()))
        .build()
        .unwrap();
    let created = block_on(keys.create("k")).unwrap();
    let all = (0..500).map(|_| keys.verify(created.plaintext.expose()));
    assert!(block_on(join_all(all)).iter().all(Result::is_ok));
    assert_eq!(slow.0.load(Ordering::SeqCst), 1);
}

#[test]
fn a_key_that_was_hashed_anew_slowly_is_not_hashed_again() {
    let slow = Slow::default();
    let store = Arc::new(MemoryStore::<KeyRecord>::new());
    let created = block_on(ApiKeys::new(Arc::clone(&store)).create("k")).unwrap();
    let hashers = Hashers::new(slow.clone()).accept(Sha256);
    let keys = ApiKeys::builder(Arc::clone(&store)).hashers(hashers).build().unwrap();
    for _ in 0..3 {
        block_on(keys.verify(created.plaintext.expose())).unwrap();
    }
    let stored = block_on(store.get(&created.key.prefix, None)).unwrap().unwrap();
    assert!(stored.hashed_key.as_str().starts_with("slow$"));
    assert_eq!(slow.0.load(Ordering::SeqCst), 0);
}

#[test]
fn the_cache_and_the_memo_have_a_bound() {
    let (store, slow) = (Arc::<SpyStore>::default(), Slow::default());
    let keys = ApiKeys::builder(Arc::clone(&store))
        .hashers(Hashers::new(slow.clone()))
        .cache(Cache::new().capacity(10))
        .memo_capacity(20)
        .build()
        .unwrap();
    let all: Vec<_> = (0..50).map(|_| block_on(keys.create("k")).unwrap()).collect();
    let verify_all =
        || all.iter().for_each(|key| drop(block_on(keys.verify(key.plaintext.expose())).unwrap()));
    verify_all();
    let (lookups, hashes) = (store.begun(Operation::FindByPrefix), slow.0.load(Ordering::SeqCst));
    assert_eq!((lookups, hashes), (50, 50));
    verify_all();
    let found = 100 - store.begun(Operation::FindByPrefix);
    let remembered = 100 - slow.0.load(Ordering::SeqCst);
    assert!(found <= 10, "{found} of 50 were in a cache of 10");
    assert!(remembered <= 30, "{remembered} of 50 were in a memo of 20 or a cache of 10");
}
