//! The limit of keys per owner.

use apikey_core::{KeyModel, KeyPatch, KeyStore, StoreError, Timestamp};

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

/// Another expiry within a limit; `None` if the store counts nothing then, which it need not.
async fn expire_within<M: KeyModel>(
    store: &dyn KeyStore<M>,
    key: &M,
    expires_at: Option<Timestamp>,
    limit: u32,
    now: Timestamp,
) -> Option<Result<Option<M>, StoreError>> {
    let patch = KeyPatch::default().expires_at(expires_at);
    match store.update_within(&key.record().id, None, &patch, limit, now).await {
        Err(StoreError::Unsupported { .. }) => {
            crate::run::not_applicable("the store does not count when a key is to live longer");
            None
        }
        outcome => Some(outcome),
    }
}

/// A key lives longer within the limit: only while its owner has no more keys than that afterwards that are neither
/// revoked nor expired, or else it is `LimitReached` and nothing is changed. A key that is to end sooner, or is
/// revoked, is not counted.
pub async fn refuses_another_expiry_beyond_the_limit<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let store = &*table.store;
    let ending = table.new_key("ending00").with_expires_at(Some(at(10)));
    let key = table.insert(&ending).await;
    table.add("beside00").await;
    let last = table.new_key("expired0").with_expires_at(Some(at(8)));
    table.insert(&last).await;
    if table.owners().is_some() {
        table.insert(&table.new_key_of(2, "others00")).await;
    }
    for (later, now) in [(None, at(9)), (Some(at(20)), at(9)), (Some(just_after(at(10))), at(8))] {
        for limit in [0, 1] {
            let Some(refused) = expire_within(store, &key, later, limit, now).await else { return };
            let refuses =
                matches!(refused, Err(StoreError::LimitReached { limit: l }) if l == limit);
            assert!(refuses, "two keys are more than {limit}: got {refused:?}");
            let promise = "a change beyond the limit changes nothing";
            assert_same(&table.read("ending00").await, &key, promise);
        }
    }
    let refused = expire_within(store, &key, None, 2, at(7)).await;
    assert!(
        matches!(refused, Some(Err(StoreError::LimitReached { limit: 2 }))),
        "keys that expire later than the change count: got {refused:?}"
    );
    for (end, limit, now, why) in [
        (Some(at(9)), 0, at(5), "a key that ends sooner is not counted"),
        (Some(at(9)), 0, at(5), "nor is one that ends as before"),
        (Some(at(12)), 2, at(8), "two keys are no more than two"),
        (Some(at(14)), 2, at(13), "an expired key counts when it is to live again"),
        (Some(at(15)), 0, at(15), "one that has expired all the same does not"),
        (None, 2, at(10), "a key may be kept within the limit"),
    ] {
        let changed = expire_within(store, &key, end, limit, now).await;
        let changed = changed.and_then(Result::ok).flatten();
        let end_of = |key: &F::Model| key.record().expires_at;
        assert_eq!(changed.as_ref().map(end_of), Some(end), "{why}");
        assert_eq!(end_of(&table.read("ending00").await), end, "{why}");
    }
    let name = KeyPatch::default().name("renamed");
    let id = &key.record().id;
    let renamed = store.update_within(id, None, &name, 0, at(10)).await;
    assert!(matches!(renamed, Ok(Some(_))), "other changes are not counted: got {renamed:?}");
    table.change(&key, KeyPatch::default().expires_at(Some(at(20)))).await;
    table.revoke(&key, at(11)).await;
    let revoked = expire_within(store, &key, None, 0, at(12)).await;
    assert!(matches!(revoked, Some(Ok(Some(_)))), "a revoked key does not count: got {revoked:?}");
}

/// As an update, one within a limit finds no absent key, none of another owner, and none whose guard fails.
pub async fn prolongs_no_absent_key_and_none_of_another_owner<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let key = table.insert(&table.new_key("owned000").with_expires_at(Some(at(10)))).await;
    let keep = KeyPatch::default().expires_at(None);
    let guarded =
        keep.clone().rehash(crate::fixture::hash_of("not it"), crate::fixture::hash_of("x"));
    let id = &key.record().id;
    let absent = table.absent_id().await;
    let mut changes = vec![(&absent, None, &keep), (id, None, &guarded)];
    let owners = table.owners();
    if let Some((_, other)) = &owners {
        changes.push((id, Some(other), &keep));
    }
    for (id, owner, patch) in changes {
        match table.store.update_within(id, owner, patch, 9, at(1)).await {
            Err(StoreError::Unsupported { .. }) => return,
            outcome => assert!(matches!(outcome, Ok(None)), "it is `None`: got {outcome:?}"),
        }
    }
    assert_same(&table.read("owned000").await, &key, "nothing is changed");
    if let Some((own, _)) = &owners {
        let kept = table.store.update_within(id, Some(own), &keep, 9, at(1)).await;
        assert!(matches!(kept, Ok(Some(_))), "an owner keeps his own key: got {kept:?}");
    }
}

/// The limit holds when keys are to live longer while others are inserted: five expire, each of them is kept or
/// somebody has taken its place, and never both.
pub async fn holds_the_limit_when_keys_are_kept_beside_inserts<F: StoreFixture>(fixture: &F) {
    for round in 0..4 {
        let table = Table::shared(fixture).await;
        let mut keys = Vec::new();
        for number in 0..5 {
            let ending = table.new_key(&numbered(number)).with_expires_at(Some(at(10)));
            keys.push(table.insert(&ending).await);
        }
        let results = table
            .in_parallel(32, |store, number| {
                // By turns, and the others first in every second round.
                let number = if round % 2 == 0 { number } else { 31 - number };
                let key = (number % 6 == 0).then(|| keys.get(number / 6).cloned()).flatten();
                let mut new = table.new_key(&format!("new{number:05}"));
                new.created_at = at(11);
                async move {
                    match key {
                        Some(key) => expire_within(&*store, &key, None, 5, at(9)).await,
                        None => Some(store.insert(&new, Some(5)).await.map(Some)),
                    }
                }
            })
            .await;
        for result in &results {
            let Some(result) = result else { return };
            assert!(
                matches!(result, Ok(Some(_)) | Err(StoreError::LimitReached { limit: 5 })),
                "a key that is kept or inserted beyond the limit is told so: got {result:?}"
            );
        }
        let all = table.all().await;
        let live = all.iter().filter(|key| key.record().counts_at(at(11))).count();
        assert_eq!(live, 5, "as many as there may be are alive, and no more");
    }
}
