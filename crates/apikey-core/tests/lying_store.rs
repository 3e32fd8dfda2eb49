//! What the core catches when a store does not keep its contract.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use apikey_conformance::{Operation, SpyStore};
use apikey_core::{
    ApiKeys, BuildError, Clock, DenyReason, Found, Hashers, KeyHasher, KeyPatch, KeyQuery,
    KeyRecord, KeyStore, KeyUpdate, ManageError, ManualClock, MemoryStore, NewRecord, Page,
    Rotation, Sha256, Sha512, StoreError, Timestamp, async_trait,
};
use futures::executor::block_on;

/// A table whose prefix column ignores case, as MySQL's default collation does, and whose hash column may
/// only hold SHA-256.
struct CaseInsensitive(MemoryStore);

#[async_trait]
impl KeyStore<KeyRecord> for CaseInsensitive {
    async fn find_by_prefix(&self, _: &str) -> Result<Option<Found<KeyRecord>>, StoreError> {
        self.0.find_by_prefix("FbY8NwcU").await
    }

    async fn get(
        &self,
        _: &str,
        owner: Option<&Infallible>,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.0.get("FbY8NwcU", owner).await
    }

    async fn insert(
        &self,
        new: &NewRecord<()>,
        limit: Option<u32>,
    ) -> Result<KeyRecord, StoreError> {
        self.0.insert(new, limit).await
    }

    async fn update(
        &self,
        id: &i64,
        owner: Option<&Infallible>,
        patch: &KeyPatch,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.0.update(id, owner, patch).await
    }

    async fn rotate(
        &self,
        id: &i64,
        owner: Option<&Infallible>,
        rotation: &Rotation<()>,
    ) -> Result<KeyRecord, StoreError> {
        self.0.rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
        self.0.touch(ids, at).await
    }

    async fn list(
        &self,
        query: &KeyQuery<KeyRecord>,
        now: Timestamp,
    ) -> Result<Page<KeyRecord>, StoreError> {
        self.0.list(query, now).await
    }

    async fn count(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Result<u64, StoreError> {
        self.0.count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.0.delete_expired(before, limit).await
    }

    fn writable_encodings(&self) -> Option<&[&str]> {
        Some(&["sha256$$"])
    }
}

/// A store that answers `fby8nwcu` with the row `FbY8NwcU`, whose hash even fits the text presented.
fn store(presented: &str) -> CaseInsensitive {
    let store = MemoryStore::new();
    let hash = Sha256.hash(presented.as_bytes()).unwrap();
    let new = NewRecord::new("FbY8NwcU", hash, "reports", Timestamp::default(), ());
    block_on(store.insert(&new, None)).unwrap();
    CaseInsensitive(store)
}

#[test]
fn refuses_a_row_of_another_prefix() {
    let presented = "fby8nwcu.eb4c0wrUGZECjUYrZUPet9Ee9txXOl0g";
    let refusal = block_on(ApiKeys::new(store(presented)).verify(presented)).unwrap_err();
    assert_eq!(refusal.reason(), DenyReason::UnknownPrefix);
}

#[test]
fn does_not_manage_a_row_of_another_prefix() {
    let keys = ApiKeys::new(store("x"));
    assert!(block_on(keys.get("fby8nwcu")).unwrap().is_none());
    assert!(block_on(keys.revoke("fby8nwcu")).is_err());
    assert!(block_on(keys.get("FbY8NwcU")).unwrap().unwrap().revoked_at.is_none());
}

#[test]
fn malformed_keys_cost_no_allocation_and_no_lookup() {
    let spy = Arc::new(SpyStore::new(store("x")));
    let keys: ApiKeys = ApiKeys::new(Arc::clone(&spy));
    for text in ["", "x", "FbY8NwcU.short", &"a".repeat(41), &"a".repeat(100_000)] {
        let cost = allocation_counter::measure(|| assert!(block_on(keys.verify(text)).is_err()));
        assert_eq!(cost.count_total, 0, "{text:.20}");
    }
    assert_eq!(spy.begun(Operation::FindByPrefix), 0);
    assert!(block_on(keys.verify("FbY8NwcU.eb4c0wrUGZECjUYrZUPet9Ee9txXOl0g")).is_err());
    assert_eq!(spy.begun(Operation::FindByPrefix), 1);
}

#[test]
fn writes_no_hash_that_the_store_may_not_hold() {
    let store = || CaseInsensitive(MemoryStore::new());
    let built = ApiKeys::builder(store()).hashers(Hashers::new(Sha512).accept(Sha256)).build();
    assert!(matches!(built, Err(BuildError::NotWritable { writable }) if writable == ["sha256$$"]));
    let built = ApiKeys::builder(store()).hashers(Hashers::new(Sha256).accept(Sha512)).build();
    assert!(block_on(built.unwrap().create("k")).is_ok());
}

/// Such a store cannot tell whether there is room, so a key can end sooner and not later.
#[test]
fn lets_no_key_live_longer_where_a_limit_cannot_be_counted() {
    let clock = ManualClock::default();
    let builder = ApiKeys::builder(store("x")).max_keys_per_owner(9).clock(clock.clone());
    let keys = builder.build().unwrap();
    let at = |seconds| clock.now() + Duration::from_secs(seconds);
    let update = |update: KeyUpdate| block_on(keys.update("FbY8NwcU", update));
    assert!(update(KeyUpdate::new().name("renamed")).is_ok());
    assert_eq!(update(KeyUpdate::new().expires_at(at(60))).unwrap().expires_at, Some(at(60)));
    assert_eq!(update(KeyUpdate::new().expires_at(at(30))).unwrap().expires_at, Some(at(30)));
    for later in [KeyUpdate::new().expires_at(at(31)), KeyUpdate::new().never_expires()] {
        let refused = update(later);
        let is_unsupported =
            matches!(refused, Err(ManageError::Store(StoreError::Unsupported { .. })));
        assert!(is_unsupported, "{refused:?}");
    }
}
