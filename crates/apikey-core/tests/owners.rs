//! Keys that belong to somebody: handles that see one owner's keys, and limits for each owner.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use apikey_conformance::{Operation, SpyStore};
use apikey_core::{
    ApiKeys, Cache, DenyReason, KeyModel, KeyQuery, KeyRecord, KeyStatus, KeyUpdate, LocalBus,
    ManageError, ManualClock, MemoryStore, NewKey, OwnedKeys,
};
use futures::FutureExt;
use futures::executor::{LocalPool, block_on};
use futures::task::LocalSpawnExt;

#[derive(Debug, Clone)]
struct TeamKey {
    record: KeyRecord,
    team: i32,
}

impl KeyModel for TeamKey {
    type Id = i64;
    type Extra = i32;
    type Owner = i32;

    fn record(&self) -> &KeyRecord {
        &self.record
    }

    fn from_parts(record: KeyRecord, team: i32) -> Self {
        Self { record, team }
    }

    fn extra(&self) -> i32 {
        self.team
    }

    fn owner(&self) -> Option<&i32> {
        Some(&self.team)
    }

    fn owner_of(team: &i32) -> Option<&i32> {
        Some(team)
    }
}

fn keys() -> ApiKeys<TeamKey> {
    ApiKeys::new(MemoryStore::new())
}

fn create(keys: &OwnedKeys<TeamKey>, name: &str) -> TeamKey {
    block_on(keys.create(NewKey::new(name).with(*keys.owner()))).unwrap().key
}

#[test]
fn sees_and_changes_the_keys_of_one_owner_even_by_prefix() {
    let keys = keys();
    let (ours, theirs) = (keys.owned_by(1), keys.owned_by(2));
    let own = create(&ours, "own").record;
    let foreign = create(&theirs, "foreign").record;
    let prefix = foreign.prefix.as_str();
    assert!(block_on(ours.get(prefix)).unwrap().is_none());
    let not_found = |result: Result<TeamKey, ManageError>| {
        assert!(matches!(result, Err(ManageError::NotFound { .. })));
    };
    not_found(block_on(ours.update(prefix, KeyUpdate::new().name("taken"))));
    not_found(block_on(ours.revoke(prefix)));
    not_found(block_on(ours.disable(prefix)));
    not_found(block_on(ours.enable(prefix)));
    not_found(block_on(ours.rotate(prefix, Duration::ZERO)).map(|created| created.key));
    let all_theirs = KeyQuery::new().owner(2);
    let listed = block_on(ours.list(&all_theirs)).unwrap().keys;
    assert_eq!(listed.iter().map(|key| &key.record).collect::<Vec<_>>(), [&own]);
    assert_eq!(block_on(ours.count(&all_theirs)).unwrap(), 1);
    assert_eq!(block_on(theirs.get(prefix)).unwrap().unwrap().record, foreign);
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 2);
}

#[test]
fn creates_no_key_for_another_owner() {
    let keys = keys();
    let refused = block_on(keys.owned_by(1).create(NewKey::new("k").with(2)));
    assert!(matches!(refused, Err(ManageError::ForeignOwner)));
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 0);
}

#[test]
fn a_successor_belongs_to_the_same_owner() {
    let ours = keys().owned_by(7);
    let old = create(&ours, "k");
    let new = block_on(ours.rotate(&old.record.prefix, Duration::ZERO)).unwrap().key;
    assert_eq!((new.team, new.owner()), (7, Some(&7)));
}

#[test]
fn a_limit_counts_for_each_owner_alone() {
    let keys = ApiKeys::builder(MemoryStore::new()).max_keys_per_owner(1).build().unwrap();
    create(&keys.owned_by(1), "k");
    create(&keys.owned_by(2), "k");
    let refused = block_on(keys.owned_by(1).create(NewKey::new("k").with(1)));
    assert!(matches!(refused, Err(ManageError::LimitReached { limit: 1 })));
}

#[test]
fn a_verified_key_knows_its_owner() {
    let keys = keys();
    let created = block_on(keys.owned_by(7).create(NewKey::new("k").with(7))).unwrap();
    let verified = block_on(keys.verify(created.plaintext.expose())).unwrap();
    assert_eq!(verified.owner(), Some(&7));
    assert_eq!(verified.into_inner().team, 7);
}

#[test]
fn every_handle_on_the_bus_forgets_the_keys_of_an_owner() {
    let is_active = Arc::new(AtomicBool::new(true));
    let filter = Arc::clone(&is_active);
    let store = MemoryStore::new().usable_if(move |_: &TeamKey| filter.load(Ordering::SeqCst));
    let (store, bus, mut pool) = (Arc::new(store), LocalBus::new(), LocalPool::new());
    let handle = || {
        let builder = ApiKeys::builder(Arc::clone(&store)).invalidation_bus(bus.clone());
        let keys = builder.cache(Cache::new()).build().unwrap();
        pool.spawner().spawn_local(keys.maintain()).unwrap();
        keys
    };
    let (here, there) = (handle(), handle());
    pool.run_until_stalled();
    let created = block_on(here.create(NewKey::new("k").with(7))).unwrap();
    let text = created.plaintext.expose();
    block_on(there.verify(text)).unwrap();
    is_active.store(false, Ordering::SeqCst);
    here.invalidate_owner(&8);
    pool.run_until_stalled();
    block_on(there.verify(text)).unwrap();
    here.invalidate_owner(&7);
    pool.run_until_stalled();
    let refused = block_on(there.verify(text)).unwrap_err();
    assert_eq!(refused.reason(), DenyReason::OwnerNotUsable);
}

const MINUTE: Duration = Duration::from_secs(60);

/// Creates keys that end in a minute until the limit is reached, and returns their prefixes.
fn fill(keys: &ApiKeys) -> Vec<String> {
    let create = || block_on(keys.create(NewKey::new("k").expires_in(MINUTE))).ok();
    std::iter::from_fn(create).map(|created| created.key.prefix).collect()
}

/// Another expiry is asked for while the keys are alive, and reaches the store when others have taken their places.
#[test]
fn another_expiry_that_comes_late_brings_nobody_beyond_the_limit() {
    let (store, clock) = (Arc::<SpyStore>::default(), ManualClock::default());
    let builder = ApiKeys::builder(Arc::clone(&store)).max_keys_per_owner(2);
    let keys = builder.clock(clock.clone()).build().unwrap();
    let (mut live, mut ending) = (Vec::new(), fill(&keys));
    for _ in 0..5 {
        let held = store.hold(Operation::Update, ending.len());
        let keep = |prefix| Box::pin(keys.update(prefix, KeyUpdate::new().never_expires()));
        let mut updates: Vec<_> = ending.iter().map(|prefix| keep(prefix)).collect();
        assert!(updates.iter_mut().all(|update| update.as_mut().now_or_never().is_none()));
        clock.advance(MINUTE);
        let others = fill(&keys);
        drop(held);
        for update in updates {
            let refused = block_on(update);
            assert!(matches!(refused, Err(ManageError::LimitReached { limit: 2 })), "{refused:?}");
        }
        let active = KeyQuery::new().status(KeyStatus::Active);
        live.push(block_on(keys.count(&active)).unwrap());
        ending = others;
    }
    assert_eq!(live, [2; 5]);
}
