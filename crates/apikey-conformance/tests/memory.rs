//! The store suite on the store that keeps keys in memory.

use std::convert::Infallible;
use std::sync::Arc;

use apikey_conformance::{Operation, SpyStore, StoreFixture, async_trait, store_suite};
use apikey_core::{
    Found, KeyModel, KeyPatch, KeyQuery, KeyRecord, KeyStore, MemoryStore, NewRecord, Page,
    Rotation, StoreError, Timestamp,
};

struct BuiltIn;

#[async_trait]
impl StoreFixture for BuiltIn {
    type Model = KeyRecord;

    async fn store(&self) -> Arc<dyn KeyStore<KeyRecord>> {
        Arc::new(MemoryStore::<KeyRecord>::new())
    }

    fn extra(&self, _owner: u8) {}
}

/// A shared store, behind one more pointer.
struct Shared;

#[async_trait]
impl StoreFixture for Shared {
    type Model = KeyRecord;

    async fn store(&self) -> Arc<dyn KeyStore<KeyRecord>> {
        let shared: Arc<dyn KeyStore<KeyRecord>> = Arc::new(MemoryStore::<KeyRecord>::new());
        Arc::new(shared)
    }

    fn extra(&self, _owner: u8) {}
}

/// A key that belongs to a team, with a text as its primary key.
#[derive(Debug, Clone)]
struct OwnedKey {
    record: KeyRecord<String>,
    team: Team,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Team {
    number: u8,
    is_active: bool,
}

impl KeyModel for OwnedKey {
    type Id = String;
    type Extra = Team;
    type Owner = Team;

    fn record(&self) -> &KeyRecord<String> {
        &self.record
    }

    fn from_parts(record: KeyRecord<String>, team: Team) -> Self {
        Self { record, team }
    }

    fn extra(&self) -> Team {
        self.team.clone()
    }

    fn owner(&self) -> Option<&Team> {
        Some(&self.team)
    }

    fn owner_of(team: &Team) -> Option<&Team> {
        Some(team)
    }
}

/// Keys with owners, and a spy before them that nobody notices.
struct Owned;

#[async_trait]
impl StoreFixture for Owned {
    type Model = OwnedKey;

    async fn store(&self) -> Arc<dyn KeyStore<OwnedKey>> {
        // Like a UUID, it is unique and says nothing about the order of insertion.
        let id = |n: u64| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let keys = MemoryStore::with_ids(id).usable_if(|key: &OwnedKey| key.team.is_active);
        Arc::new(SpyStore::new(keys))
    }

    fn extra(&self, owner: u8) -> Team {
        Team { number: owner, is_active: true }
    }

    fn owner(&self, owner: u8) -> Option<Team> {
        Some(self.extra(owner))
    }

    fn unusable(&self) -> Option<Team> {
        Some(Team { number: 3, is_active: false })
    }
}

/// A store that has what every store must have, and nothing else.
struct Plain(MemoryStore);

#[async_trait]
impl KeyStore<KeyRecord> for Plain {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<KeyRecord>>, StoreError> {
        self.0.find_by_prefix(prefix).await
    }

    async fn get(
        &self,
        prefix: &str,
        owner: Option<&Infallible>,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.0.get(prefix, owner).await
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
}

#[async_trait]
impl StoreFixture for Plain {
    type Model = KeyRecord;

    async fn store(&self) -> Arc<dyn KeyStore<KeyRecord>> {
        Arc::new(Self(MemoryStore::new()))
    }

    fn extra(&self, _owner: u8) {}
}

store_suite!(built_in, BuiltIn);
store_suite!(plain, Plain(MemoryStore::new()));
store_suite!(shared, Shared);
store_suite!(owned, Owned);

/// What is not passed on falls back to what is provided, which fewer cases notice.
#[tokio::test]
async fn wrappers_pass_on_what_has_a_default() {
    let spy = Arc::new(<SpyStore>::default());
    let shared: Arc<dyn KeyStore<KeyRecord>> = Arc::new(Arc::clone(&spy));
    let revoke = KeyPatch::default().revoked_at(Timestamp::default());
    assert!(!shared.end("absent00", None, &revoke).await.unwrap());
    assert!(!shared.delete_ended("absent00", None, Timestamp::default()).await.unwrap());
    let begun = [Operation::End, Operation::DeleteEnded].map(|operation| spy.begun(operation));
    assert_eq!(begun, [1, 1]);
}
