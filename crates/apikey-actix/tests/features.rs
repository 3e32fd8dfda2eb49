//! The optional parts of the core, which an application has from this crate alone.

use apikey_actix::apikey_core::{
    Argon2id, Bcrypt, Django, Hashers, MemoryStore, Pbkdf2, Scrypt, Sha256,
};
use apikey_actix::{ApiKeys, KeyRecord, openapi};

#[test]
fn the_hashers_of_the_core_can_be_accepted() {
    let slow = Hashers::new(Sha256).accept(Argon2id::default()).accept(Pbkdf2::default());
    let all = slow.accept(Scrypt::default()).accept(Bcrypt).accept(Django::default());
    assert!(ApiKeys::builder(MemoryStore::<KeyRecord>::new()).hashers(all).build().is_ok());
}

#[test]
fn keys_can_be_described_in_openapi_documents() {
    assert_eq!(openapi::SCHEME, "ApiKey");
}
