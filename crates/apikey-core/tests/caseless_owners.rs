//! What the core catches when a column takes the owners "acme" and "Acme" for one, as MySQL's default collation does.

use apikey_core::{
    ApiKeys, Found, KeyModel, KeyPatch, KeyQuery, KeyRecord, KeyStore, ManageError, MemoryStore,
    NewKey, NewRecord, Page, Rotation, StoreError, Timestamp, async_trait,
};
use futures::executor::block_on;

#[derive(Debug, Clone)]
struct TenantKey {
    record: KeyRecord,
    tenant: String,
}

impl KeyModel for TenantKey {
    type Id = i64;
    type Extra = String;
    type Owner = String;

    fn record(&self) -> &KeyRecord {
        &self.record
    }

    fn from_parts(record: KeyRecord, tenant: String) -> Self {
        Self { record, tenant }
    }

    fn extra(&self) -> String {
        self.tenant.clone()
    }

    fn owner(&self) -> Option<&String> {
        Some(&self.tenant)
    }

    fn owner_of(tenant: &String) -> Option<&String> {
        Some(tenant)
    }
}

/// A table with one tenant, in whose column any name is equal to that one's.
struct Caseless(MemoryStore<TenantKey>);

#[async_trait]
impl KeyStore<TenantKey> for Caseless {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<TenantKey>>, StoreError> {
        self.0.find_by_prefix(prefix).await
    }

    async fn get(&self, prefix: &str, _: Option<&String>) -> Result<Option<TenantKey>, StoreError> {
        self.0.get(prefix, None).await
    }

    async fn insert(
        &self,
        new: &NewRecord<String>,
        limit: Option<u32>,
    ) -> Result<TenantKey, StoreError> {
        self.0.insert(new, limit).await
    }

    async fn update(
        &self,
        id: &i64,
        _: Option<&String>,
        patch: &KeyPatch,
    ) -> Result<Option<TenantKey>, StoreError> {
        self.0.update(id, None, patch).await
    }

    async fn rotate(
        &self,
        id: &i64,
        _: Option<&String>,
        rotation: &Rotation<String>,
    ) -> Result<TenantKey, StoreError> {
        self.0.rotate(id, None, rotation).await
    }

    async fn end(
        &self,
        prefix: &str,
        _: Option<&String>,
        patch: &KeyPatch,
    ) -> Result<bool, StoreError> {
        self.0.end(prefix, None, patch).await
    }

    async fn delete_ended(
        &self,
        prefix: &str,
        _: Option<&String>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.delete_ended(prefix, None, now).await
    }

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
        self.0.touch(ids, at).await
    }

    async fn list(
        &self,
        query: &KeyQuery<TenantKey>,
        now: Timestamp,
    ) -> Result<Page<TenantKey>, StoreError> {
        let mut query = query.clone();
        query.owner = None;
        self.0.list(&query, now).await
    }

    async fn count(&self, query: &KeyQuery<TenantKey>, now: Timestamp) -> Result<u64, StoreError> {
        self.0.count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.0.delete_expired(before, limit).await
    }
}

#[test]
fn shows_and_changes_no_key_of_an_owner_that_a_column_takes_for_equal() {
    let keys = ApiKeys::new(Caseless(MemoryStore::new()));
    let theirs = NewKey::new("theirs").with("Acme".to_owned());
    let prefix = block_on(keys.create(theirs)).unwrap().key.record.prefix;
    let ours = keys.owned_by("acme".to_owned());
    assert!(block_on(ours.get(&prefix)).unwrap().is_none());
    assert!(block_on(ours.list(&KeyQuery::new())).unwrap().keys.is_empty());
    assert!(matches!(block_on(ours.revoke(&prefix)), Err(ManageError::NotFound { .. })));
    let owners = keys.owned_by("Acme".to_owned());
    assert!(block_on(owners.get(&prefix)).unwrap().unwrap().record.revoked_at.is_none());
    assert_eq!(block_on(owners.list(&KeyQuery::new())).unwrap().keys.len(), 1);
}

#[test]
fn deletes_no_key_of_an_owner_that_a_column_takes_for_equal() {
    let keys = ApiKeys::new(Caseless(MemoryStore::new()));
    let theirs = NewKey::new("theirs").with("Acme".to_owned());
    let prefix = block_on(keys.create(theirs)).unwrap().key.record.prefix;
    let (ours, owners) = (keys.owned_by("acme".to_owned()), keys.owned_by("Acme".to_owned()));
    let absent = block_on(ours.purge_key(&prefix));
    assert!(matches!(absent, Err(ManageError::NotFound { .. })), "{absent:?}");
    block_on(owners.revoke(&prefix)).unwrap();
    let absent = block_on(ours.purge_key(&prefix));
    assert!(matches!(absent, Err(ManageError::NotFound { .. })), "{absent:?}");
    assert!(block_on(owners.get(&prefix)).unwrap().is_some());
    block_on(owners.purge_key(&prefix)).unwrap();
    assert!(block_on(owners.get(&prefix)).unwrap().is_none());
}
