//! On which threads slow hashes run.

use std::sync::Mutex;
use std::thread;

use apikey_core::{Cache, Phc};
use password_hash::phc::PasswordHash;
use password_hash::{PasswordHasher, PasswordVerifier, Result};

use super::*;

/// Argon2id that notes on which threads it hashes.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<Vec<String>>>);

impl Noting {
    fn note(&self) {
        let name = thread::current().name().unwrap_or_default().to_owned();
        self.0.lock().unwrap().push(name);
    }

    /// Returns how many hashes there were since it was asked last, all of them on threads for it.
    fn take(&self) -> usize {
        let names = std::mem::take(&mut *self.0.lock().unwrap());
        assert!(names.iter().all(|name| name.starts_with("apikey-hash-")), "{names:?}");
        names.len()
    }
}

fn argon2() -> argon2::Argon2<'static> {
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
}

impl PasswordHasher<PasswordHash> for Noting {
    fn hash_password_with_salt(&self, key: &[u8], salt: &[u8]) -> Result<PasswordHash> {
        self.note();
        argon2().hash_password_with_salt(key, salt)
    }
}

impl PasswordVerifier<PasswordHash> for Noting {
    fn verify_password(&self, key: &[u8], hash: &PasswordHash) -> Result<()> {
        self.note();
        argon2().verify_password(key, hash)
    }
}

fn hasher(noting: &Noting) -> Phc<Noting> {
    Phc::new(noting.clone(), &["argon2id"], &[("m", 64), ("t", 4), ("p", 1)])
}

#[test]
fn no_request_hashes_slowly_on_the_thread_that_serves_it() {
    for cache in [None, Some(Cache::new())] {
        let store = store(Sha256.hash(TEXT.as_bytes()).unwrap().as_str());
        let noting = Noting::default();
        let builder = ApiKeys::builder(Arc::clone(&store))
            .hashers(Hashers::new(hasher(&noting)).accept(Sha256));
        let keys = match cache {
            Some(cache) => builder.cache(cache).build().unwrap(),
            None => builder.build().unwrap(),
        };
        assert_eq!(verify(&keys, TEXT), None);
        assert_eq!(noting.take(), 1, "the rehash");
        for _ in 0..3 {
            assert_eq!(verify(&keys, TEXT), None);
            assert_eq!(noting.take(), 0, "it is remembered");
        }
        assert_eq!(verify(&keys, &wrong()), Some(DenyReason::WrongSecret));
        assert_eq!(noting.take(), 1);
        block_on(keys.create("another")).unwrap();
        assert_eq!(noting.take(), 1);
    }
}

#[test]
fn the_first_verification_of_a_process_is_one_hash() {
    let own = argon2().hash_password_with_salt(TEXT.as_bytes(), b"saltsaltsaltsalt").unwrap();
    let store = store(own.to_string());
    let noting = Noting::default();
    let keys = keys(&store, Hashers::new(hasher(&noting)));
    assert_eq!(verify(&keys, TEXT), None);
    assert_eq!(noting.take(), 1);
    assert_eq!(verify(&keys, TEXT), None);
    assert_eq!(noting.take(), 0);
}
