//! Touching: `last_used_at` moves forward, and nothing else moves.

use std::slice;

use apikey_core::{KeyModel, KeyPatch};

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
