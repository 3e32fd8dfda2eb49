//! On which threads slow hashes run: never on a worker, which serves other requests meanwhile.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::{Arc, Mutex};
use std::thread;

use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use apikey_actix::test::authorized;
use apikey_actix::{AnyKey, ApiKeys, KeyRecord, require};
use apikey_core::{Hashers, MemoryStore, Phc, Sha256};
use password_hash::phc::PasswordHash;
use password_hash::{PasswordHasher, PasswordVerifier, Result};

/// A hasher of the `password-hash` traits that notes on which threads it works.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<Vec<String>>>);

impl Noting {
    fn note(&self) {
        let name = thread::current().name().unwrap_or_default().to_owned();
        self.0.lock().unwrap().push(name);
    }

    /// Returns the threads since it was asked last.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl PasswordHasher<PasswordHash> for Noting {
    fn hash_password_with_salt(&self, _: &[u8], _: &[u8]) -> Result<PasswordHash> {
        self.note();
        Ok(PasswordHash::new("$noted$i=2$c29tZXNhbHQ$c29tZWhhc2hvZjE2Ynl0ZQ").unwrap())
    }
}

impl PasswordVerifier<PasswordHash> for Noting {
    fn verify_password(&self, _: &[u8], _: &PasswordHash) -> Result<()> {
        self.note();
        Ok(())
    }
}

#[actix_web::test]
async fn a_rehash_stalls_no_worker() {
    let store = Arc::new(MemoryStore::<KeyRecord>::new());
    let before: ApiKeys = ApiKeys::new(Arc::clone(&store));
    let created = before.create("ci").await.unwrap();
    let noting = Noting::default();
    let hasher = Phc::new(noting.clone(), &["noted"], &[("i", 9)]);
    let hashers = Hashers::new(hasher).accept(Sha256);
    let keys = ApiKeys::builder(store).hashers(hashers).build().unwrap();
    let open = web::resource("/").get(async || "open");
    let app = init_service(App::new().service(open.wrap(require(&keys, AnyKey)))).await;

    let mut hashes = Vec::new();
    for _ in 0..3 {
        let request = authorized(TestRequest::with_uri("/"), &created.plaintext);
        assert_eq!(call_service(&app, request.to_request()).await.status(), 200);
        let threads = noting.take();
        let is_for_hashing = |name: &String| name.starts_with("apikey-hash-");
        assert!(threads.iter().all(is_for_hashing), "{threads:?}");
        hashes.push(threads.len());
    }
    assert_eq!(hashes, [1, 0, 0], "the rehash, which is remembered");
}
