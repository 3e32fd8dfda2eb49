//! Stored hashes as data: which hasher judges them, what is refused, and how they are replaced.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

#[cfg(feature = "django")]
mod django;
#[cfg(all(feature = "argon2", feature = "pbkdf2"))]
mod password_hashes;
#[cfg(feature = "argon2")]
mod threads;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apikey_core::{
    ApiKeys, DenyReason, HashError, HashedKey, Hashers, HmacSha256, KeyHasher, KeyPatch, KeyRecord,
    KeyStore, MemoryStore, NewRecord, Pepper, Sha256, Sha512, Timestamp,
};
use futures::executor::block_on;

const TEXT: &str = "FbY8NwcU.eb4c0wrUGZECjUYrZUPet9Ee9txXOl0g";

/// A store in which `TEXT` is kept as this string.
fn store(hashed_key: impl Into<String>) -> Arc<MemoryStore> {
    let store = MemoryStore::new();
    let hash = HashedKey::new(hashed_key);
    let new = NewRecord::new("FbY8NwcU", hash, "reports", Timestamp::default(), ());
    block_on(store.insert(&new, None)).unwrap();
    Arc::new(store)
}

fn stored(store: &MemoryStore) -> String {
    let key = block_on(store.get("FbY8NwcU", None)).unwrap().unwrap();
    key.hashed_key.as_str().to_owned()
}

fn keys(store: &Arc<MemoryStore>, hashers: Hashers) -> ApiKeys {
    ApiKeys::builder(Arc::clone(store)).hashers(hashers).build().unwrap()
}

fn verify(keys: &ApiKeys, text: &str) -> Option<DenyReason> {
    block_on(keys.verify(text)).err().map(|error| error.reason())
}

fn wrong() -> String {
    TEXT.replace("0g", "0h")
}

fn pepper(version: u8) -> Pepper {
    Pepper::new(version.into(), [version; 32]).unwrap()
}

#[test]
fn a_damaged_row_is_refused_as_an_invalid_key() {
    let good = Sha256.hash(TEXT.as_bytes()).unwrap();
    let good = good.as_str();
    for damaged in ["", "x", "md5$$00", &good[..70], &good.to_uppercase(), &format!("{good}0")] {
        let keys = keys(&store(damaged), Hashers::default());
        let refusal = block_on(keys.verify(TEXT)).unwrap_err();
        assert_eq!(
            (refusal.reason(), refusal.status()),
            (DenyReason::BadStoredHash, 401),
            "{damaged}"
        );
    }
}

/// Whatever was cut off is no matter of configuration, which would be answered with 503.
#[test]
fn a_row_that_was_cut_off_before_its_parameters_is_an_invalid_key() {
    let peppered = || Hashers::new(HmacSha256::new(pepper(1))).accept(Sha256).accept(Sha512);
    for cut in
        ["sha256", "sha256$", "sha512$", "hmac-sha256$", "hmac-sha256$v=1", "$argon2id$v=19$"]
    {
        for hashers in [Hashers::default(), Hashers::new(Sha512), peppered()] {
            let refusal = block_on(keys(&store(cut), hashers).verify(TEXT)).unwrap_err();
            assert_eq!(refusal.reason(), DenyReason::BadStoredHash, "{cut}");
        }
    }
}

#[test]
fn a_row_of_a_hasher_that_is_not_configured_is_unavailable() {
    let sha512 = Sha512.hash(TEXT.as_bytes()).unwrap();
    let pepper_1 = HmacSha256::new(pepper(1)).hash(TEXT.as_bytes()).unwrap();
    let hashers = || Hashers::new(Sha256).accept(HmacSha256::new(pepper(2)));
    for hash in
        [sha512.as_str(), pepper_1.as_str(), "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"]
    {
        let keys = keys(&store(hash), hashers());
        for text in [TEXT, &wrong()] {
            let refusal = block_on(keys.verify(text)).unwrap_err();
            assert_eq!(refusal.reason(), DenyReason::HasherNotConfigured, "{hash}");
            assert_eq!(refusal.status(), 503);
        }
        let findings = block_on(keys.check()).unwrap();
        assert_eq!(findings.len(), 1);
        assert!(findings[0].problem.starts_with("1 stored keys"), "{findings:?}");
    }
    let keys = keys(&store(sha512.as_str()), Hashers::new(Sha256).accept(Sha512));
    assert!(block_on(keys.check()).unwrap().is_empty());
}

#[test]
fn a_proven_key_is_hashed_anew_with_the_preferred_hasher() {
    let store = store(Sha512.hash(TEXT.as_bytes()).unwrap().as_str());
    let keys = keys(&store, Hashers::new(HmacSha256::new(pepper(2))).accept(Sha512));
    let before = stored(&store);
    assert_eq!(verify(&keys, &wrong()), Some(DenyReason::WrongSecret));
    assert_eq!(stored(&store), before);
    assert_eq!(verify(&keys, TEXT), None);
    assert!(stored(&store).starts_with("hmac-sha256$v=2$"));
    assert_eq!(verify(&keys, TEXT), None);
}

#[test]
fn a_preferred_hash_and_a_refused_key_stay_as_they_are() {
    let sha512 = Sha512.hash(TEXT.as_bytes()).unwrap();
    let revoked = store(sha512.as_str());
    let patch = KeyPatch::default().revoked_at(Timestamp::default());
    block_on(revoked.update(&1, None, &patch)).unwrap();
    let accepting = || Hashers::new(Sha256).accept(Sha512);
    assert_eq!(verify(&keys(&revoked, accepting()), TEXT), Some(DenyReason::Revoked));
    assert_eq!(stored(&revoked), sha512.as_str());

    let kept = store(sha512.as_str());
    let keeping =
        ApiKeys::builder(Arc::clone(&kept)).hashers(accepting()).keep_hashes().build().unwrap();
    assert_eq!(verify(&keeping, TEXT), None);
    assert_eq!(stored(&kept), sha512.as_str());
}

#[test]
fn a_rehash_never_undoes_another_change() {
    let store = store(Sha512.hash(TEXT.as_bytes()).unwrap().as_str());
    let (old, newer) = (HashedKey::new(stored(&store)), HashedKey::new("sha256$$newer"));
    let update = |patch| block_on(store.update(&1, None, &patch)).unwrap();
    assert!(update(KeyPatch::default().rehash(old.clone(), newer.clone())).is_some());
    assert!(update(KeyPatch::default().rehash(old, HashedKey::new("sha256$$late"))).is_none());
    assert_eq!(stored(&store), newer.as_str());
}

/// A slow hasher that counts, and can be made to fail.
#[derive(Debug, Default, Clone)]
struct Slow {
    hashes: Arc<AtomicUsize>,
    verifications: Arc<AtomicUsize>,
    fails: bool,
}

impl KeyHasher for Slow {
    fn encodings(&self) -> Vec<String> {
        vec!["slow$".into()]
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        self.hashes.fetch_add(1, Ordering::SeqCst);
        if self.fails {
            return Err(HashError::Failed("out of memory".into()));
        }
        Ok(HashedKey::new(format!("slow${}", String::from_utf8_lossy(key))))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        self.verifications.fetch_add(1, Ordering::SeqCst);
        assert!(std::thread::current().name().is_some_and(|name| name.starts_with("apikey-hash-")));
        Ok(stored.as_bytes() == [b"slow$", key].concat())
    }
}

#[test]
fn slow_hashes_run_on_threads_of_their_own() {
    let slow = Slow::default();
    let keys = keys(&Arc::new(MemoryStore::new()), Hashers::new(slow.clone()));
    let created = block_on(keys.create("slow")).unwrap();
    assert_eq!(verify(&keys, created.plaintext.expose()), None);
    assert_eq!(slow.verifications.load(Ordering::SeqCst), 1);
}

#[test]
fn an_unknown_prefix_costs_one_verification_of_the_preferred_hasher() {
    let slow = Slow::default();
    let keys = keys(&Arc::new(MemoryStore::new()), Hashers::new(slow.clone()));
    assert_eq!(verify(&keys, TEXT), Some(DenyReason::UnknownPrefix));
    assert_eq!(verify(&keys, "no key at all"), Some(DenyReason::Malformed));
    assert_eq!(slow.verifications.load(Ordering::SeqCst), 1);
}

#[test]
fn a_failing_rehash_is_tried_once_and_never_fails_the_request() {
    let slow = Slow { fails: true, ..Slow::default() };
    let store = store(Sha256.hash(TEXT.as_bytes()).unwrap().as_str());
    let keys = keys(&store, Hashers::new(slow.clone()).accept(Sha256));
    for _ in 0..3 {
        assert_eq!(verify(&keys, TEXT), None);
    }
    assert_eq!(slow.hashes.load(Ordering::SeqCst), 1);
}

#[derive(Debug)]
struct Short;

impl KeyHasher for Short {
    fn encodings(&self) -> Vec<String> {
        vec!["short$".into()]
    }

    fn hash(&self, _: &[u8]) -> Result<HashedKey, HashError> {
        Ok(HashedKey::new("short$"))
    }

    fn verify(&self, _: &[u8], _: &str) -> Result<bool, HashError> {
        Ok(false)
    }

    fn max_input(&self) -> Option<usize> {
        Some(40)
    }
}

#[test]
fn refuses_a_hasher_that_would_cut_a_key() {
    for hashers in [Hashers::new(Short), Hashers::new(Sha256).accept(Short)] {
        let built = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).hashers(hashers).build();
        let error = built.unwrap_err().to_string();
        assert_eq!(error, "Short reads only 40 bytes, and keys are up to 41 bytes long");
    }
}
