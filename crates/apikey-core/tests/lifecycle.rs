//! Disabling, rotating and purging keys.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::time::Duration;

use apikey_core::{
    ApiKeys, Clock, CreatedKey, DEFAULT_GRACE, KeyQuery, KeyRecord, KeyStatus, KeyStore, KeyUpdate,
    ManageError, ManualClock, MemoryStore, NewKey, Timestamp,
};
use futures::executor::block_on;
use futures::future::join_all;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_timestamp_micros(1_700_000_000_123_456).unwrap())
}

fn keys(clock: &ManualClock) -> ApiKeys {
    ApiKeys::builder(MemoryStore::new()).clock(clock.clone()).build().unwrap()
}

fn opens(keys: &ApiKeys, created: &CreatedKey<KeyRecord>) -> bool {
    block_on(keys.verify(created.plaintext.expose())).is_ok()
}

fn expiry(keys: &ApiKeys, created: &CreatedKey<KeyRecord>) -> Option<Timestamp> {
    block_on(keys.get(&created.key.prefix)).unwrap().unwrap().expires_at
}

#[test]
fn disables_until_enabled() {
    let clock = clock();
    let keys = keys(&clock);
    let created = block_on(keys.create("k")).unwrap();
    let prefix = created.key.prefix.as_str();
    assert_eq!(block_on(keys.disable(prefix)).unwrap().status(clock.now()), KeyStatus::Disabled);
    assert!(!opens(&keys, &created));
    assert_eq!(block_on(keys.enable(prefix)).unwrap().status(clock.now()), KeyStatus::Active);
    assert!(opens(&keys, &created));
    block_on(keys.revoke(prefix)).unwrap();
    assert_eq!(block_on(keys.enable(prefix)).unwrap().status(clock.now()), KeyStatus::Revoked);
    assert!(!opens(&keys, &created));
}

#[test]
fn a_successor_inherits_and_the_predecessor_has_its_grace() {
    let clock = clock();
    let keys = keys(&clock);
    let new = NewKey::new("reports").scopes(["a", "b"]).expires_in(90 * DAY);
    let old = block_on(keys.create(new)).unwrap();
    clock.advance(30 * DAY);
    let new = block_on(keys.rotate(&old.key.prefix, DEFAULT_GRACE)).unwrap();
    assert_eq!((&new.key.name, &new.key.scopes), (&old.key.name, &old.key.scopes));
    assert_eq!(new.key.rotated_from.as_ref(), Some(&old.key.prefix));
    assert_eq!(new.key.expires_at, Some(clock.now() + 90 * DAY));
    assert_ne!(new.key.prefix, old.key.prefix);
    assert!(opens(&keys, &old) && opens(&keys, &new));
    clock.advance(DAY);
    assert!(!opens(&keys, &old) && opens(&keys, &new));
}

#[test]
fn no_grace_ends_the_predecessor_at_once() {
    let keys = keys(&clock());
    let old = block_on(keys.create("k")).unwrap();
    let new = block_on(keys.rotate(&old.key.prefix, Duration::ZERO)).unwrap();
    assert!(!opens(&keys, &old) && opens(&keys, &new));
}

#[test]
fn a_grace_never_prolongs_a_life() {
    let clock = clock();
    let keys = keys(&clock);
    let old = block_on(keys.create(NewKey::new("k").expires_in(DAY))).unwrap();
    block_on(keys.rotate(&old.key.prefix, 2 * DAY)).unwrap();
    assert!(expiry(&keys, &old) < old.key.expires_at);
}

#[test]
fn a_key_is_rotated_once_and_its_successor_has_the_life_that_it_had() {
    let clock = clock();
    let keys = keys(&clock);
    let old = block_on(keys.create(NewKey::new("k").expires_in(90 * DAY))).unwrap();
    clock.advance(80 * DAY);
    let lost = block_on(keys.rotate(&old.key.prefix, 7 * DAY)).unwrap();
    let again = block_on(keys.rotate(&old.key.prefix, 7 * DAY));
    let prefix = lost.key.prefix;
    assert!(matches!(again, Err(ManageError::AlreadyRotated { successor }) if successor == prefix));
    let new = block_on(keys.rotate(&prefix, Duration::ZERO)).unwrap();
    assert_eq!(new.key.expires_at, Some(clock.now() + 90 * DAY));
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 3);
}

#[test]
fn a_key_that_ends_with_the_calendar_is_rotated() {
    let (clock, last) = (clock(), "9999-12-31T23:59:59.999999Z".parse().unwrap());
    let keys = keys(&clock);
    let old = block_on(keys.create(NewKey::new("k").expires_at(last))).unwrap();
    clock.advance(DAY);
    let new = block_on(keys.rotate(&old.key.prefix, Duration::ZERO)).unwrap();
    assert_eq!(new.key.expires_at, Some(last));
    assert!(!opens(&keys, &old) && opens(&keys, &new));
}

#[test]
fn a_key_that_was_rotated_since_it_was_seen_is_not_rotated_again() {
    let keys = ApiKeys::in_memory();
    let seen = block_on(keys.create("ci")).unwrap().key;
    let rotate = || block_on(keys.rotate_seen(&seen.prefix, seen.expires_at, DAY));
    assert_eq!(rotate().unwrap().key.rotated_from.as_ref(), Some(&seen.prefix));
    assert!(matches!(rotate(), Err(ManageError::Conflict)));
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 2);
}

#[test]
fn only_an_active_key_is_rotated() {
    let clock = clock();
    let keys = keys(&clock);
    let rotate = |key: &CreatedKey<KeyRecord>| block_on(keys.rotate(&key.key.prefix, DAY));
    let disabled = block_on(keys.create("k")).unwrap();
    block_on(keys.disable(&disabled.key.prefix)).unwrap();
    let revoked = block_on(keys.create("k")).unwrap();
    block_on(keys.revoke(&revoked.key.prefix)).unwrap();
    let expired = block_on(keys.create(NewKey::new("k").expires_in(DAY))).unwrap();
    clock.advance(DAY);
    for (key, expected) in [
        (disabled, KeyStatus::Disabled),
        (revoked, KeyStatus::Revoked),
        (expired, KeyStatus::Expired),
    ] {
        let refused = rotate(&key);
        assert!(matches!(refused, Err(ManageError::NotActive { status }) if status == expected));
    }
    assert!(matches!(block_on(keys.rotate("unknown0", DAY)), Err(ManageError::NotFound { .. })));
    let endless = block_on(keys.create("k")).unwrap();
    for grace in [Duration::MAX, 10_000 * 366 * DAY] {
        let refused = block_on(keys.rotate(&endless.key.prefix, grace));
        assert!(matches!(refused, Err(ManageError::Expiry)));
    }
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 4);
}

/// A store in which a hundred rotations all read before the first one writes.
#[test]
fn of_a_hundred_rotations_that_saw_the_same_key_one_succeeds() {
    let store = Arc::new(MemoryStore::<KeyRecord>::new());
    let keys = ApiKeys::builder(Arc::clone(&store)).clock(clock()).build().unwrap();
    let old = block_on(keys.create("k")).unwrap().key;
    let rotations = (0..100).map(|n| {
        let successor = apikey_core::NewRecord::new(
            format!("next{n:04}"),
            old.hashed_key.clone(),
            "k",
            old.created_at,
            (),
        );
        let rotation = apikey_core::Rotation::new(None, old.created_at + DAY, successor);
        let store = Arc::clone(&store);
        async move { store.rotate(&1, None, &rotation).await }
    });
    let results = block_on(join_all(rotations));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 2);
}

#[test]
fn purges_what_ended_long_ago_and_nothing_else() {
    let clock = clock();
    let keys = keys(&clock);
    let create = |new: NewKey| block_on(keys.create(new)).unwrap().key.prefix;
    let active = create(NewKey::new("active"));
    let ended = create(NewKey::new("expired").expires_in(DAY));
    let revoked = create(NewKey::new("revoked"));
    block_on(keys.revoke(&revoked)).unwrap();
    clock.advance(3 * DAY);
    let recent = create(NewKey::new("recent"));
    block_on(keys.revoke(&recent)).unwrap();
    assert_eq!(block_on(keys.purge(30 * DAY, 10)).unwrap(), 0);
    assert_eq!(block_on(keys.purge(Duration::MAX, 10)).unwrap(), 0);
    assert_eq!(block_on(keys.purge(DAY, 1)).unwrap(), 1);
    assert_eq!(block_on(keys.purge(DAY, 10)).unwrap(), 1);
    let left = |prefix: &str| block_on(keys.get(prefix)).unwrap().is_some();
    assert!(left(&active) && left(&recent));
    assert!(!left(&ended) && !left(&revoked));
}

#[test]
fn every_operation_can_be_awaited_on_any_thread() {
    fn is_send<T: Send>(_: T) {}
    let keys = ApiKeys::in_memory();
    is_send(keys.create("k"));
    is_send(keys.rotate("p", DAY));
    is_send(keys.update("p", KeyUpdate::new()));
    is_send(keys.revoke("p"));
    is_send(keys.purge(DAY, 1));
    is_send(keys.check());
    is_send(keys.verify("k"));
}
