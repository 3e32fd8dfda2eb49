//! Touching: `last_used_at` moves forward, and nothing else moves.

use std::slice;

use apikey_core::{KeyModel, KeyPatch, StoreError};

use crate::fixture::{StoreFixture, Table, assert_same, at, just_after, numbered};

/// `last_used_at` moves forward, never back, and no other column moves.
pub async fn moves_the_last_use_forward_alone<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let new = table.new_key("touched0").with_expires_at(Some(at(50)));
    let key = table.insert(&new).await;
    let other = table.add("standsby").await;
    let later = just_after(at(10));
    for (time, expected) in [(at(5), at(5)), (at(10), at(10)), (later, later), (at(7), later)] {
        table.touch(slice::from_ref(&key.record().id), time).await;
        let mut record = key.record().clone();
        record.last_used_at = Some(expected);
        let expected = F::Model::from_parts(record, key.extra());
        let promise = "`touch` moves `last_used_at` forward, never back, and nothing else";
        assert_same(&table.read("touched0").await, &expected, promise);
    }
    assert_same(&table.read("standsby").await, &other, "keys that are not named stay as they are");
}

/// Keys that are revoked or gone are passed over; the others of the same call are not.
pub async fn passes_over_keys_that_are_revoked_or_gone<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let absent = table.absent_id().await;
    let revoked = table.add("revoked0").await;
    let revoked = table.revoke(&revoked, at(1)).await;
    let disabled = table.add("disabled").await;
    let disabled = table.change(&disabled, KeyPatch::default().disabled_at(Some(at(1)))).await;
    let good = table.add("good0000").await;
    let count = table.all().await.len();
    let ids = [absent, revoked.record().id.clone(), disabled.record().id.clone()];
    let ids = [ids.as_slice(), slice::from_ref(&good.record().id)].concat();
    table.touch(&ids, at(9)).await;
    assert_same(&table.read("revoked0").await, &revoked, "`touch` passes over revoked keys");
    for prefix in ["good0000", "disabled"] {
        let used = table.read(prefix).await.record().last_used_at;
        assert_eq!(used, Some(at(9)), "{prefix}: keys beside one that is gone are touched");
    }
    assert_eq!(table.all().await.len(), count, "`touch` adds no key");
}

/// A touch of a key that was loaded before its revocation leaves it revoked.
pub async fn stays_revoked_when_touched_late<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let loaded = table.add("loaded00").await;
    let revoked = table.revoke(&loaded, at(1)).await;
    table.touch(slice::from_ref(&loaded.record().id), at(2)).await;
    let now = table.read("loaded00").await;
    assert_same(&now, &revoked, "load, revoke, touch: the key stays revoked");
}

/// A touch beside updates undoes none of them: no operation saves a whole row.
pub async fn undoes_no_change_beside_it<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    for round in 0..16 {
        let key = table.add(&numbered(round)).await;
        let results = table
            .in_parallel(4, |store, number| {
                let id = key.record().id.clone();
                async move {
                    if number == 0 {
                        let disable = KeyPatch::default().disabled_at(Some(at(1)));
                        return store.update(&id, None, &disable).await.map(drop);
                    }
                    store.touch(slice::from_ref(&id), at(2)).await
                }
            })
            .await;
        for result in results {
            result.expect("touches and updates wait for each other");
        }
        let record = table.read(&key.record().prefix).await.record().clone();
        assert_eq!(record.disabled_at, Some(at(1)), "a touch undoes no change beside it");
        assert_eq!(record.last_used_at, Some(at(2)), "a change undoes no touch beside it");
    }
}

/// One call takes any number of keys: none, one twice, or 1200.
pub async fn touches_1200_keys_in_one_call<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    table.touch(&[], at(1)).await;
    let mut ids = Vec::new();
    for number in 0..1200 {
        ids.push(table.add(&numbered(number)).await.record().id.clone());
    }
    ids.push(ids[0].clone());
    table.touch(&ids, at(1)).await;
    for number in [0, 1, 498, 499, 500, 998, 999, 1000, 1198, 1199] {
        let used = table.read(&numbered(number)).await.record().last_used_at;
        assert_eq!(used, Some(at(1)), "key {number} of 1200 is touched");
    }
}

/// Each key of one call is moved to its own time, forward and never back; keys that are revoked or gone are passed
/// over.
pub async fn moves_each_last_use_to_its_own_time<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let revoked = table.add("revoked0").await;
    let revoked = table.revoke(&revoked, at(1)).await;
    let standing = table.add("standing").await;
    table.touch(slice::from_ref(&standing.record().id), at(5000)).await;
    let mut uses = vec![(table.absent_id().await, at(1)), (revoked.record().id.clone(), at(2))];
    uses.push((standing.record().id.clone(), at(4000)));
    let mut expected = Vec::new();
    for number in 0..30 {
        let key = table.add(&numbered(number)).await;
        let time = just_after(at(100 - i64::try_from(number).expect("it is small")));
        uses.push((key.record().id.clone(), time));
        expected.push((key, time));
    }
    let touched = table.store.touch_each(&uses).await;
    touched.expect("keys can be touched, each at its own time");
    for (key, time) in expected {
        let now = table.read(&key.record().prefix).await;
        let record = key.record().clone().with_last_used_at(Some(time));
        let expected = F::Model::from_parts(record, key.extra());
        assert_same(&now, &expected, "each key has its own time, and nothing else is changed");
    }
    assert_same(&table.read("revoked0").await, &revoked, "revoked keys are passed over");
    let stands = table.read("standing").await.record().last_used_at;
    assert_eq!(stands, Some(at(5000)), "the last use is never moved back");
    let nothing = table.store.touch_each(&[]).await;
    assert!(matches!(nothing, Ok(()) | Err(StoreError::Unsupported { .. })), "got {nothing:?}");
}

/// One call takes as many times as there are keys: none is dated later than it was, nor much earlier.
pub async fn moves_600_last_uses_to_their_own_times<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let mut uses = Vec::new();
    for number in 0..600 {
        let key = table.add(&numbered(number)).await;
        let time = at(i64::try_from(number % 300).expect("it is small"));
        uses.push((key.record().id.clone(), time));
    }
    table.store.touch_each(&uses).await.expect("keys can be touched");
    let second = apikey_core::chrono::TimeDelta::seconds(1);
    for number in [0, 1, 98, 99, 100, 101, 299, 300, 499, 500, 599] {
        let used = table.read(&numbered(number)).await.record().last_used_at;
        let time = uses[number].1;
        let is_near = used.is_some_and(|used| used <= time && time - used < second);
        assert!(is_near, "key {number} was used at {time}: got {used:?}");
    }
}
