//! Rotations beside other changes of the same key.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use apikey_core::{
    ApiKeys, DenyReason, Found, KeyModel, KeyPatch, KeyQuery, KeyRecord, KeyStatus, KeyStore,
    ManageError, ManualClock, MemoryStore, NewKey, NewRecord, Page, Rotation, Scopes, StoreError,
    Timestamp, async_trait,
};
use futures::executor::block_on;

const GRACE: Duration = Duration::from_secs(3600);

/// A key that belongs to a team.
#[derive(Debug, Clone)]
struct TeamKey {
    record: KeyRecord,
    team: Option<u8>,
}

impl KeyModel for TeamKey {
    type Id = i64;
    type Extra = Option<u8>;
    type Owner = u8;

    fn record(&self) -> &KeyRecord {
        &self.record
    }

    fn from_parts(record: KeyRecord, team: Option<u8>) -> Self {
        Self { record, team }
    }

    fn extra(&self) -> Option<u8> {
        self.team
    }

    fn owner(&self) -> Option<&u8> {
        self.team.as_ref()
    }

    fn owner_of(team: &Option<u8>) -> Option<&u8> {
        team.as_ref()
    }
}

/// Another process changes a key each time between the reading of it and its rotation, as long as there are
/// changes left, and notes for whom it was to be rotated.
#[derive(Debug, Default)]
struct Meanwhile {
    inner: Mutex<Arc<MemoryStore<TeamKey>>>,
    changes: Mutex<Vec<Change>>,
    owners: Mutex<Vec<Option<u8>>>,
}

#[derive(Debug)]
enum Change {
    Patch(KeyPatch),
    Team(Option<u8>),
}

impl From<KeyPatch> for Change {
    fn from(patch: KeyPatch) -> Self {
        Self::Patch(patch)
    }
}

impl Meanwhile {
    fn inner(&self) -> Arc<MemoryStore<TeamKey>> {
        Arc::clone(&self.inner.lock().unwrap())
    }

    /// Writes the one key anew, with the same id, for another team.
    async fn hand_over(&self, team: Option<u8>) -> Result<(), StoreError> {
        let page = self.inner().list(&KeyQuery::new(), Timestamp::default()).await?;
        let TeamKey { record, .. } = page.keys.first().unwrap();
        let (prefix, hash) = (record.prefix.clone(), record.hashed_key.clone());
        let new = NewRecord::new(prefix, hash, record.name.clone(), record.created_at, team)
            .with_scopes(record.scopes.clone())
            .with_expires_at(record.expires_at);
        let handed_over = MemoryStore::new();
        handed_over.insert(&new, None).await?;
        *self.inner.lock().unwrap() = Arc::new(handed_over);
        Ok(())
    }
}

#[async_trait]
impl KeyStore<TeamKey> for Meanwhile {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<TeamKey>>, StoreError> {
        self.inner().find_by_prefix(prefix).await
    }

    async fn get(&self, prefix: &str, owner: Option<&u8>) -> Result<Option<TeamKey>, StoreError> {
        self.inner().get(prefix, owner).await
    }

    async fn insert(
        &self,
        new: &NewRecord<Option<u8>>,
        limit: Option<u32>,
    ) -> Result<TeamKey, StoreError> {
        self.inner().insert(new, limit).await
    }

    async fn update(
        &self,
        id: &i64,
        owner: Option<&u8>,
        patch: &KeyPatch,
    ) -> Result<Option<TeamKey>, StoreError> {
        self.inner().update(id, owner, patch).await
    }

    async fn rotate(
        &self,
        id: &i64,
        owner: Option<&u8>,
        rotation: &Rotation<Option<u8>>,
    ) -> Result<TeamKey, StoreError> {
        self.owners.lock().unwrap().push(owner.copied());
        let change = self.changes.lock().unwrap().pop();
        match change {
            Some(Change::Patch(patch)) => drop(self.inner().update(id, None, &patch).await?),
            Some(Change::Team(team)) => self.hand_over(team).await?,
            None => {}
        }
        self.inner().rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
        self.inner().touch(ids, at).await
    }

    async fn list(
        &self,
        query: &KeyQuery<TeamKey>,
        now: Timestamp,
    ) -> Result<Page<TeamKey>, StoreError> {
        self.inner().list(query, now).await
    }

    async fn count(&self, query: &KeyQuery<TeamKey>, now: Timestamp) -> Result<u64, StoreError> {
        self.inner().count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.inner().delete_expired(before, limit).await
    }
}

/// A key of team 7 with the scope `admin`, which is changed while it is rotated.
fn changed_meanwhile<C: Into<Change>>(
    changes: Vec<C>,
) -> (Arc<Meanwhile>, ApiKeys<TeamKey>, TeamKey) {
    owned_and_changed(Some(7), changes)
}

fn owned_and_changed<C: Into<Change>>(
    team: Option<u8>,
    changes: Vec<C>,
) -> (Arc<Meanwhile>, ApiKeys<TeamKey>, TeamKey) {
    let changes = changes.into_iter().map(Into::into).collect();
    let store = Arc::new(Meanwhile { changes: Mutex::new(changes), ..Meanwhile::default() });
    let keys = ApiKeys::new(Arc::clone(&store));
    let new = NewKey::new("reports").scopes(["admin"]).with(team);
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
    let (store, keys, key) = changed_meanwhile(Vec::<KeyPatch>::new());
    block_on(keys.rotate(&key.record.prefix, GRACE)).unwrap();
    assert_eq!(*store.owners.lock().unwrap(), [Some(7)]);
}

#[test]
fn a_successor_belongs_to_whom_the_key_was_given_or_taken_from_meanwhile() {
    for (before, after) in [(None, Some(9)), (Some(7), Some(9)), (Some(7), None)] {
        let (store, keys, key) = owned_and_changed(before, vec![Change::Team(after)]);
        let successor = block_on(keys.rotate(&key.record.prefix, GRACE)).unwrap().key;
        assert_eq!(successor.team, after, "from {before:?}");
        assert_eq!(*store.owners.lock().unwrap(), [before, after]);
        assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 2);
    }
}

/// What ends now ends on a node whose clock is behind when its clock has come so far. A revocation ends everywhere.
#[test]
fn a_rotation_without_grace_ends_by_the_clock_of_each_node_and_a_revocation_at_once() {
    let (store, now) = (Arc::new(MemoryStore::<KeyRecord>::new()), Timestamp::default());
    let behind = Duration::from_secs(30);
    let clocks = [ManualClock::at(now + behind), ManualClock::at(now)];
    let [one, other] = clocks
        .clone()
        .map(|clock| ApiKeys::builder(Arc::clone(&store)).clock(clock).build().unwrap());
    let old = block_on(one.create("k")).unwrap();
    let new = block_on(one.rotate(&old.key.prefix, Duration::ZERO)).unwrap();
    let text = old.plaintext.expose();
    let reason = |keys: &ApiKeys| block_on(keys.verify(text)).err().map(|error| error.reason());
    assert_eq!(reason(&one), Some(DenyReason::Expired));
    assert_eq!(reason(&other), None, "by its clock it has not ended yet");
    let again = block_on(other.rotate(&old.key.prefix, Duration::ZERO));
    assert!(matches!(again, Err(ManageError::AlreadyRotated { .. })), "{again:?}");
    assert!(block_on(other.verify(new.plaintext.expose())).is_ok(), "its successor works");
    clocks[1].advance(behind);
    assert_eq!(reason(&other), Some(DenyReason::Expired));

    let old = block_on(one.create("k")).unwrap();
    let text = old.plaintext.expose();
    block_on(one.rotate(&old.key.prefix, Duration::ZERO)).unwrap();
    block_on(one.revoke(&old.key.prefix)).unwrap();
    for keys in [&one, &other] {
        assert_eq!(block_on(keys.verify(text)).unwrap_err().reason(), DenyReason::Revoked);
    }
}
