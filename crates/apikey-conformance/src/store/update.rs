//! Updating: a patch of named columns, guarded, final where revoked.

use std::slice;

use apikey_core::{KeyModel, KeyPatch, Scopes};

use crate::fixture::{StoreFixture, Table, assert_same, at, hash_of};

/// A patch changes the columns it names and no other, and the key is returned as it is then.
pub async fn changes_the_named_columns_alone<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let scopes = Scopes::parse("a b").expect("these are scopes");
    let new = table.new_key("patched0").with_scopes(scopes).with_expires_at(Some(at(50)));
    let mut key = table.insert(&new).await;
    let bystander = table.add("standsby").await;
    table.touch(slice::from_ref(&key.record().id), at(3)).await;
    key = table.read("patched0").await;
    let changes = [
        KeyPatch::default().name("new – name"),
        KeyPatch::default().scopes(Scopes::parse("c").expect("it is a scope")),
        KeyPatch::default().scopes(Scopes::default()),
        KeyPatch::default().expires_at(Some(at(99))),
        KeyPatch::default().expires_at(None),
        KeyPatch::default().disabled_at(Some(at(4))),
        KeyPatch::default().disabled_at(None),
        KeyPatch::default().rehash(hash_of("patched0"), hash_of("rehashed")),
        KeyPatch::default().name("two").expires_at(Some(at(8))),
        KeyPatch::default().revoked_at(at(9)),
    ];
    for patch in changes {
        let expected = patched(&key, &patch);
        let promise = format!("an update changes what it names and nothing else: {patch:?}");
        key = table.change(&key, patch).await;
        assert_same(&key, &expected, &promise);
        assert_same(&table.read("patched0").await, &expected, &promise);
    }
    assert_same(&table.read("standsby").await, &bystander, "other keys stay as they are");
}

fn patched<M: KeyModel>(key: &M, patch: &KeyPatch) -> M {
    let mut record = key.record().clone();
    record.name = patch.name.clone().unwrap_or(record.name);
    record.scopes = patch.scopes.clone().unwrap_or(record.scopes);
    record.expires_at = patch.expires_at.unwrap_or(record.expires_at);
    record.disabled_at = patch.disabled_at.unwrap_or(record.disabled_at);
    record.revoked_at = record.revoked_at.or(patch.revoked_at);
    record.hashed_key = patch.hashed_key.clone().unwrap_or(record.hashed_key);
    M::from_parts(record, key.extra())
}

/// A patch that names no column changes nothing, and returns the key.
pub async fn returns_the_key_for_an_empty_patch<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let key = table.add("same0000").await;
    let same = table.change(&key, KeyPatch::default()).await;
    assert_same(&same, &key, "an empty patch changes nothing");
}

/// A `revoked_at` that is set stays as it is; the other columns of the patch are changed.
pub async fn never_moves_a_revocation<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let key = table.add("revoked0").await;
    table.revoke(&key, at(10)).await;
    for patch in [
        KeyPatch::default().revoked_at(at(20)),
        KeyPatch::default().revoked_at(at(5)),
        KeyPatch::default().name("renamed"),
        KeyPatch::default().disabled_at(None).expires_at(None),
    ] {
        let promise = format!("no update moves or clears a revocation: {patch:?}");
        let changed = table.change(&key, patch).await;
        assert_eq!(changed.record().revoked_at, Some(at(10)), "{promise}");
    }
    let last = KeyPatch::default().name("last").revoked_at(at(30));
    table.change(&key, last).await;
    let record = table.read("revoked0").await.record().clone();
    assert_eq!(record.revoked_at, Some(at(10)), "no update moves a revocation");
    assert_eq!(record.name, "last", "the other columns of a patch are changed all the same");
}

/// An update of a key that is not there is `None`.
pub async fn updates_no_absent_key<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let id = table.absent_id().await;
    let before = table.all().await.len();
    let patch = KeyPatch::default().name("ghost").revoked_at(at(1));
    let updated = table.store.update(&id, None, &patch).await.expect("an update can be tried");
    assert!(updated.is_none(), "an update of an absent key is `None`");
    assert_eq!(table.all().await.len(), before, "an update adds no key");
}

/// Where an owner is given, keys of others are as absent.
pub async fn updates_no_key_of_another_owner<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let Some((own, other)) = table.owners() else { return };
    let key = table.add("owned000").await;
    let id = &key.record().id;
    let patch = KeyPatch::default().name("taken over").revoked_at(at(1));
    let updated = table.store.update(id, Some(&other), &patch).await.expect("it can be tried");
    assert!(updated.is_none(), "an update of another owner's key is `None`");
    assert_same(&table.read("owned000").await, &key, "another owner's update changes nothing");
    let updated = table.store.update(id, Some(&own), &patch).await.expect("it can be updated");
    assert!(updated.is_some(), "an owner updates his own key");
}

/// A guarded patch changes nothing, in any column, unless the guard's hash is the stored one.
pub async fn keeps_to_the_guard_of_a_patch<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let key = table.add("guarded0").await;
    let id = &key.record().id;
    let stale = KeyPatch::default()
        .rehash(hash_of("not it"), hash_of("new"))
        .name("new name")
        .disabled_at(Some(at(1)));
    let updated = table.store.update(id, None, &stale).await.expect("it can be tried");
    assert!(updated.is_none(), "an update whose guard does not hold is `None`");
    assert_same(&table.read("guarded0").await, &key, "a guard that fails guards every column");
    let fresh = KeyPatch::default().rehash(hash_of("guarded0"), hash_of("new"));
    let updated = table.change(&key, fresh.clone()).await;
    assert_eq!(updated.record().hashed_key.as_str(), hash_of("new").as_str());
    let again = table.store.update(id, None, &fresh).await.expect("it can be tried");
    assert!(again.is_none(), "the guard is compared with what is stored now");
}

/// A rehash that was begun before a revocation does not undo it.
pub async fn stays_revoked_when_rehashed_late<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let loaded = table.add("loaded00").await;
    table.revoke(&loaded, at(1)).await;
    let rehash =
        KeyPatch::default().rehash(loaded.record().hashed_key.clone(), hash_of("rehashed"));
    let result = table.store.update(&loaded.record().id, None, &rehash).await;
    result.expect("a rehash of a revoked key is no error");
    let now = table.read("loaded00").await;
    assert_eq!(now.record().revoked_at, Some(at(1)), "load, revoke, rehash: it stays revoked");
}

/// Of any number of parallel rehashes of one hash exactly one succeeds.
pub async fn lets_one_of_32_parallel_rehashes_win<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    let key = table.add("contest0").await;
    let results = table
        .in_parallel(32, |store, number| {
            let id = key.record().id.clone();
            let new = hash_of(&format!("rehash {number}"));
            let patch = KeyPatch::default().rehash(hash_of("contest0"), new.clone());
            async move { store.update(&id, None, &patch).await.map(|key| key.map(|_| new)) }
        })
        .await;
    let won: Vec<_> = results
        .into_iter()
        .filter_map(|result| result.expect("a lost compare-and-swap is `None`, not an error"))
        .collect();
    assert_eq!(won.len(), 1, "exactly one of 32 parallel compare-and-swaps succeeds");
    let stored = table.read("contest0").await;
    assert_eq!(stored.record().hashed_key.as_str(), won[0].as_str(), "its hash is the stored one");
}

/// Parallel updates of different columns do not undo each other: no operation saves a whole row.
pub async fn merges_parallel_updates_of_different_columns<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    for round in 0..8 {
        let key = table.add(&crate::fixture::numbered(round)).await;
        let patches = [
            KeyPatch::default().name("new name"),
            KeyPatch::default().scopes(Scopes::parse("new").expect("it is a scope")),
            KeyPatch::default().expires_at(Some(at(7))),
            KeyPatch::default().disabled_at(Some(at(8))),
            KeyPatch::default().revoked_at(at(9)),
        ];
        let results = table
            .in_parallel(patches.len(), |store, number| {
                let (id, patch) = (key.record().id.clone(), patches[number].clone());
                async move { store.update(&id, None, &patch).await }
            })
            .await;
        for result in results {
            let changed = result.expect("parallel updates wait for each other");
            assert!(changed.is_some(), "parallel updates find the key");
        }
        let expected = patches.iter().fold(key, |key, patch| patched(&key, patch));
        let now = table.read(&expected.record().prefix).await;
        assert_same(&now, &expected, "updates of different columns all last");
    }
}
