//! Rotations beside other changes of the same key.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use apikey_core::{
    ApiKeys, Found, KeyModel, KeyPatch, KeyQuery, KeyRecord, KeyStatus, KeyStore, ManageError,
    MemoryStore, NewKey, NewRecord, Page, Rotation, Scopes, StoreError, Timestamp, async_trait,
};
use futures::executor::block_on;

const GRACE: Duration = Duration::from_secs(3600);

/// A key that belongs to a team.
#[derive(Debug, Clone)]
struct TeamKey {
    record: KeyRecord,
    team: u8,
}

impl KeyModel for TeamKey {
    type Id = i64;
    type Extra = u8;
    type Owner = u8;

    fn record(&self) -> &KeyRecord {
        &self.record
    }

    fn from_parts(record: KeyRecord, team: u8) -> Self {
        Self { record, team }
    }

    fn extra(&self) -> u8 {
        self.team
    }

    fn owner(&self) -> Option<&u8> {
        Some(&self.team)
    }

    fn owner_of(team: &u8) -> Option<&u8> {
        Some(team)
    }
}

/// Another process changes a key each time between the reading of it and its rotation, as long as there are
/// changes left, and notes for whom it was to be rotated.
#[derive(Debug, Default)]
struct Meanwhile {
    inner: MemoryStore<TeamKey>,
    changes: Mutex<Vec<KeyPatch>>,
    owners: Mutex<Vec<Option<u8>>>,
}

#[async_trait]
impl KeyStore<TeamKey> for Meanwhile {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<TeamKey>>, StoreError> {
        self.inner.find_by_prefix(prefix).await
    }

    async fn get(&self, prefix: &str, owner: Option<&u8>) -> Result<Option<TeamKey>, StoreError> {
        self.inner.get(prefix, owner).await
    }

    async fn insert(&self, new: &NewRecord<u8>, limit: Option<u32>) -> Result<TeamKey, StoreError> {
        self.inner.insert(new, limit).await
    }

    async fn update(
        &self,
        id: &i64,
        owner: Option<&u8>,
        patch: &KeyPatch,
    ) -> Result<Option<TeamKey>, StoreError> {
        self.inner.update(id, owner, patch).await
    }

    async fn rotate(
        &self,
        id: &i64,
        owner: Option<&u8>,
        rotation: &Rotation<u8>,
    ) -> Result<TeamKey, StoreError> {
        self.owners.lock().unwrap().push(owner.copied());
        let change = self.changes.lock().unwrap().pop();
        if let Some(patch) = change {
            self.inner.update(id, None, &patch).await?;
        }
        self.inner.rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
        self.inner.touch(ids, at).await
    }

    async fn list(
        &self,
        query: &KeyQuery<TeamKey>,
        now: Timestamp,
    ) -> Result<Page<TeamKey>, StoreError> {
        self.inner.list(query, now).await
    }

    async fn count(&self, query: &KeyQuery<TeamKey>, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.inner.delete_expired(before, limit).await
    }
}

/// A key with the scope `admin`, which is changed while it is rotated.
fn changed_meanwhile(changes: Vec<KeyPatch>) -> (Arc<Meanwhile>, ApiKeys<TeamKey>, TeamKey) {
    let store = Arc::new(Meanwhile { changes: Mutex::new(changes), ..Meanwhile::default() });
    let keys = ApiKeys::new(Arc::clone(&store));
    let new = NewKey::new("reports").scopes(["admin"]).with(7_u8);
    let key = block_on(keys.create(new)).unwrap().key;
    (store, keys, key)
}

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

#[test]
fn a_successor_has_no_scope_that_was_taken_away_meanwhile() {
    let strip = KeyPatch::default().scopes(scopes("reports:read"));
    let (_, keys, key) = changed_meanwhile(vec![strip]);
    let successor = block_on(keys.rotate(&key.record.prefix, GRACE)).unwrap().key;
    assert_eq!(successor.record.scopes, scopes("reports:read"));
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 2);
}

#[test]
fn a_successor_has_the_name_that_was_given_meanwhile() {
    let (_, keys, key) = changed_meanwhile(vec![KeyPatch::default().name("audits")]);
    let seen = key.record.expires_at;
    let rotated = block_on(keys.rotate_seen(&key.record.prefix, seen, GRACE)).unwrap();
    assert_eq!(rotated.key.record.name, "audits");
}

#[test]
fn a_key_that_changes_all_the_time_is_a_conflict_at_last() {
    let changes = (0..100).map(|n| KeyPatch::default().name(format!("name {n}"))).collect();
    let (store, keys, key) = changed_meanwhile(changes);
    let outcome = block_on(keys.rotate(&key.record.prefix, GRACE));
    assert!(matches!(outcome, Err(ManageError::Conflict)), "{outcome:?}");
    assert!(store.owners.lock().unwrap().len() < 10, "it is not tried for ever");
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 1);
}

#[test]
fn another_expiry_is_a_conflict_at_once() {
    let end = Timestamp::MAX_UTC;
    let change = KeyPatch::default().expires_at(Some(end)).scopes(scopes("reports:read"));
    let (store, keys, key) = changed_meanwhile(vec![change]);
    let outcome = block_on(keys.rotate(&key.record.prefix, GRACE));
    assert!(matches!(outcome, Err(ManageError::Conflict)), "{outcome:?}");
    assert_eq!(store.owners.lock().unwrap().len(), 1);
}

#[test]
fn a_key_that_is_revoked_or_disabled_meanwhile_is_not_active() {
    let now = Timestamp::default();
    for (patch, expected) in [
        (KeyPatch::default().revoked_at(now), KeyStatus::Revoked),
        (KeyPatch::default().disabled_at(Some(now)), KeyStatus::Disabled),
    ] {
        let (_, keys, key) = changed_meanwhile(vec![patch]);
        let outcome = block_on(keys.rotate(&key.record.prefix, GRACE));
        assert!(
            matches!(outcome, Err(ManageError::NotActive { status }) if status == expected),
            "{outcome:?}"
        );
        assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 1);
    }
}

/// The owner stands in the query, so that a key which changes hands meanwhile is a conflict.
#[test]
fn a_key_is_rotated_for_the_owner_that_was_seen() {
    let (store, keys, key) = changed_meanwhile(Vec::new());
    block_on(keys.rotate(&key.record.prefix, GRACE)).unwrap();
    assert_eq!(*store.owners.lock().unwrap(), [Some(7)]);
}
