//! The limit of keys per owner.

use apikey_core::{KeyModel, KeyPatch, StoreError};

use crate::fixture::{StoreFixture, Table, assert_same, at, just_after, numbered};

/// An insert beyond the limit is `LimitReached` and stores nothing.
pub async fn refuses_an_insert_beyond_the_limit<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    for (number, limit) in [(0, 1), (1, 2), (2, 3)] {
        let inserted = table.store.insert(&table.new_key(&numbered(number)), Some(limit)).await;
        inserted.expect("up to the limit, keys are stored");
    }
    for limit in [0, 2, 3] {
        let refused = table.store.insert(&table.new_key("onetoo00"), Some(limit)).await;
        let refuses = matches!(refused, Err(StoreError::LimitReached { limit: l }) if l == limit);
        assert!(refuses, "three keys reach a limit of {limit}: got {refused:?}");
    }
    assert_eq!(table.all().await.len(), 3, "an insert beyond the limit stores nothing");
    table.add("nolimit0").await;
}

/// Revoked keys, and keys that have expired by the new key's `created_at`, do not count; disabled ones do.
pub async fn counts_neither_revoked_nor_expired_keys<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let revoked = table.add("revoked0").await;
    table.revoke(&revoked, at(5)).await;
    let expired = table.new_key("expired0").with_expires_at(Some(at(0)));
    table.insert(&expired).await;
    let disabled = table.add("disabled").await;
    table.change(&disabled, KeyPatch::default().disabled_at(Some(at(-5)))).await;
    let inserted = table.store.insert(&table.new_key("second00"), Some(2)).await;
    inserted.expect("keys that are revoked, or expired at this very moment, do not count");
    let last = table.new_key("expiring").with_expires_at(Some(just_after(at(0))));
    table.insert(&last).await;
    let refused = table.store.insert(&table.new_key("fourth00"), Some(3)).await;
    assert!(
        matches!(refused, Err(StoreError::LimitReached { limit: 3 })),
        "disabled keys, and those that expire a microsecond later, count: got {refused:?}"
    );
}

/// Keys of other owners do not count.
pub async fn counts_no_keys_of_other_owners<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    if table.owners().is_none() {
        return;
    }
    table.insert(&table.new_key_of(2, "others00")).await;
    table.insert(&table.new_key_of(2, "others01")).await;
    let inserted = table.store.insert(&table.new_key_of(1, "first000"), Some(1)).await;
    inserted.expect("keys of other owners do not count towards the limit");
    let refused = table.store.insert(&table.new_key_of(1, "second00"), Some(1)).await;
    assert!(
        matches!(refused, Err(StoreError::LimitReached { limit: 1 })),
        "the owner's own keys count: got {refused:?}"
    );
}

/// The limit holds under parallel inserts: with a limit of 5, exactly 5 of 32 succeed.
pub async fn holds_the_limit_under_parallel_inserts<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    let new = table.new_key("");
    let results = table
        .in_parallel(32, |store, number| {
            let mut new = new.clone();
            new.prefix = numbered(number);
            async move { store.insert(&new, Some(5)).await }
        })
        .await;
    for refused in results.iter().filter(|result| result.is_err()) {
        assert!(
            matches!(refused, Err(StoreError::LimitReached { limit: 5 })),
            "an insert beyond the limit is told so: got {refused:?}"
        );
    }
    let succeeded = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(succeeded, 5, "with a limit of 5, exactly 5 of 32 parallel inserts succeed");
    assert_eq!(table.all().await.len(), 5, "and exactly those are stored");
}

/// A rotation that would leave the owner with more keys than the limit is `LimitReached` and changes nothing.
/// The predecessor counts until its new expiry: one that ends at once makes room for its successor.
pub async fn refuses_a_rotation_at_the_limit<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    table.add("beside00").await;
    let key = table.add("rotated0").await;
    let id = &key.record().id;
    for limit in [0, 1, 2] {
        let rotation = table.rotation(&key, "success0").with_limit(Some(limit));
        let refused = table.store.rotate(id, None, &rotation).await;
        let refuses = matches!(refused, Err(StoreError::LimitReached { limit: l }) if l == limit);
        assert!(
            refuses,
            "a predecessor that goes on counts towards a limit of {limit}: got {refused:?}"
        );
        let promise = "a rotation at the limit leaves the predecessor as it was";
        assert_same(&table.read("rotated0").await, &key, promise);
        assert!(table.find("success0").await.is_none(), "it leaves no successor");
    }
    let mut at_once = table.rotation(&key, "success0").with_limit(Some(2));
    at_once.expires_at = at_once.successor.created_at;
    let rotated = table.store.rotate(id, None, &at_once).await;
    let rotated = rotated.expect("a predecessor that ends at once does not count");
    let rotation = table.rotation(&rotated, "success1").with_limit(Some(3));
    let rotated = table.store.rotate(&rotated.record().id, None, &rotation).await;
    rotated.expect("up to the limit, keys are rotated");
    if table.owners().is_some() {
        let other = table.insert(&table.new_key_of(2, "others00")).await;
        let rotation = table.rotation(&other, "others01").with_limit(Some(2));
        let rotated = table.store.rotate(&other.record().id, None, &rotation).await;
        rotated.expect("keys of other owners do not count towards the limit");
    }
}

/// The limit holds under parallel rotations of different keys, and inserts beside them: where there is room for
/// 5, exactly 5 of 32 succeed.
pub async fn holds_the_limit_under_parallel_rotations<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    let mut keys = Vec::new();
    for number in 0..24 {
        keys.push(table.add(&numbered(number)).await);
    }
    let results = table
        .in_parallel(32, |store, number| {
            let key = keys.get(number).map(|key| key.record().id.clone());
            let successor = format!("new{number:05}");
            let rotation = table.rotation(&keys[number % 24], &successor).with_limit(Some(29));
            async move {
                match key {
                    Some(id) => store.rotate(&id, None, &rotation).await,
                    None => store.insert(&rotation.successor, Some(29)).await,
                }
            }
        })
        .await;
    for refused in results.iter().filter(|result| result.is_err()) {
        assert!(
            matches!(refused, Err(StoreError::LimitReached { limit: 29 })),
            "a rotation or an insert beyond the limit is told so: got {refused:?}"
        );
    }
    let succeeded = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(succeeded, 5, "with room for 5, exactly 5 of 32 parallel operations succeed");
    let all = table.all().await;
    assert_eq!(all.len(), 29, "and exactly those are stored");
    let ended = all.iter().filter(|key| key.record().expires_at.is_some()).count();
    let rotated = results[..24].iter().filter(|result| result.is_ok()).count();
    assert_eq!(ended, rotated, "the predecessors of those, and no others, end");
}
