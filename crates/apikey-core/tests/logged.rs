//! What operators hear of refusals: the reason and the prefix, as an error where the service is at fault.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;

use apikey_conformance::{Operation, SpyStore};
use apikey_core::{
    ApiKeys, DenyReason, HashedKey, KeyRecord, KeyStore, MemoryStore, NewKey, NewRecord,
    StoreError, UnreadableRow, scope,
};
use futures::executor::block_on;
use tracing::Level;

use crate::log::Log;

#[path = "support/log.rs"]
mod log;

const TEXT: &str = "FbY8NwcU.qRyUDt1EQZAZb0qi2VmOYnlbUjvuE6Tp";

/// Returns the only event of what is done.
fn event_of(action: impl FnOnce()) -> (Level, String) {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), action);
    let events = log.take();
    assert_eq!(events.len(), 1, "{events:?}");
    events[0].clone()
}

#[test]
fn a_row_that_nobody_can_verify_is_an_error_that_names_the_prefix() {
    for (stored, reason) in [
        ("", "bad_stored_hash"),
        ("md5$$00", "bad_stored_hash"),
        ("sha256$$00", "bad_stored_hash"),
        ("hmac-sha256$v=1$00", "hasher_not_configured"),
    ] {
        let store = MemoryStore::<KeyRecord>::new();
        let new = NewRecord::new("FbY8NwcU", HashedKey::new(stored), "k", Default::default(), ());
        block_on(store.insert(&new, None)).unwrap();
        let keys = ApiKeys::new(store);
        let (level, fields) = event_of(|| drop(block_on(keys.verify(TEXT)).unwrap_err()));
        assert_eq!(level, Level::ERROR, "{stored}");
        assert!(fields.contains(&format!("reason=\"{reason}\"")), "{stored}: {fields}");
        assert!(fields.contains("prefix=\"FbY8NwcU\""), "{stored}: {fields}");
        assert!(!fields.contains(&TEXT[9..]), "{fields}");
    }
}

#[test]
fn a_row_that_cannot_be_read_is_an_error_that_names_the_column() {
    let store = Arc::<SpyStore>::default();
    store.fail_with(Operation::FindByPrefix, || {
        let prefix = Some("FbY8NwcU".to_owned());
        StoreError::Unreadable(UnreadableRow::new(prefix, "the column scopes: bad", "repair it"))
    });
    let keys = ApiKeys::new(Arc::clone(&store));
    let (level, fields) = event_of(|| {
        let refusal = block_on(keys.verify(TEXT)).unwrap_err();
        let told = (refusal.reason(), refusal.status());
        assert_eq!(told, (DenyReason::UnreadableRow, 401));
        assert!(refusal.body().contains("invalid-api-key"), "{}", refusal.body());
    });
    assert_eq!(level, Level::ERROR);
    assert!(fields.contains("reason=\"unreadable_row\""), "{fields}");
    assert!(fields.contains("prefix=\"FbY8NwcU\""), "{fields}");
    assert!(!fields.contains(&TEXT[9..]), "{fields}");
}

#[test]
fn a_store_that_fails_is_an_error_with_its_cause() {
    let store = Arc::<SpyStore>::default();
    store.fail(Operation::FindByPrefix);
    let keys = ApiKeys::new(Arc::clone(&store));
    let (level, fields) = event_of(|| drop(block_on(keys.verify(TEXT)).unwrap_err()));
    assert_eq!(level, Level::ERROR);
    assert!(fields.contains("reason=\"store_unavailable\""), "{fields}");
    assert!(fields.contains("the key store is unavailable"), "{fields}");
}

#[test]
fn a_missing_scope_is_named_and_is_no_error() {
    let keys = ApiKeys::in_memory();
    let created = block_on(keys.create(NewKey::new("k"))).unwrap();
    let key = block_on(keys.verify(created.plaintext.expose())).unwrap();
    let rule = scope("reports:read") & scope("reports:export");
    let (level, fields) = event_of(|| drop(keys.authorize(&key, &rule).unwrap_err()));
    assert_eq!(level, Level::INFO);
    assert!(fields.contains("reason=\"insufficient_scope\""), "{fields}");
    assert!(fields.contains("scopes=\"reports:read reports:export\""), "{fields}");
}

#[test]
fn a_key_of_another_handle_is_a_mistake_of_the_application() {
    let (one, other) = (ApiKeys::in_memory(), ApiKeys::in_memory());
    let created = block_on(one.create("k")).unwrap();
    let key = block_on(one.verify(created.plaintext.expose())).unwrap();
    let (level, fields) = event_of(|| {
        let error = other.authorize(&key, &apikey_core::AnyKey).unwrap_err();
        assert_eq!(error.status(), 401);
    });
    assert_eq!(level, Level::ERROR);
    assert!(fields.contains("reason=\"another_handle\""), "{fields}");
}
