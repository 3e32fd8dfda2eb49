//! Ending one key by its prefix, without reading it: revoking, disabling, deleting what has ended.

use apikey_core::{KeyModel, KeyPatch, StoreError};

use crate::fixture::{StoreFixture, Table, assert_same, at, just_after};

/// A key is revoked by exactly its prefix, and no other key is changed.
pub async fn ends_the_key_with_exactly_this_prefix<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let bystander = table.add("EndedKey").await;
    table.add("endedkey").await;
    let revoke = KeyPatch::default().revoked_at(at(7));
    for absent in ["absent00", "ENDEDKEY", "endedke", "endedkey ", "", "%"] {
        assert!(!table.end(absent, &revoke).await, "no key has the prefix {absent:?}");
    }
    assert!(table.end("endedkey", &revoke).await, "a key is ended by its prefix");
    let ended = table.read("endedkey").await;
    assert!(ended.record().revoked_at.is_some(), "a key is revoked by its prefix");
    assert_same(&table.read("EndedKey").await, &bystander, "other keys stay as they are");
}

/// Ending a key again moves no revocation; it is there all the same. Where keys can be disabled, they are by their
/// prefix.
pub async fn moves_no_revocation_by_ending_again<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    table.add("revoked0").await;
    let revoke = KeyPatch::default().revoked_at(at(10));
    assert!(table.end("revoked0", &revoke).await, "a key is ended by its prefix");
    let ended = table.read("revoked0").await;
    for time in [at(10), at(20), at(5)] {
        let again = KeyPatch::default().revoked_at(time);
        assert!(table.end("revoked0", &again).await, "a key that has ended is there");
        assert_same(&table.read("revoked0").await, &ended, "no revocation is moved");
    }
    let key = table.add("disabled").await;
    match table.store.end("disabled", None, &KeyPatch::default().disabled_at(Some(at(3)))).await {
        // The table has no place for it.
        Err(StoreError::Unsupported { .. }) => {}
        outcome => {
            assert!(outcome.expect("a key can be disabled"), "a key is disabled by its prefix");
            let mut record = key.record().clone();
            record.disabled_at = Some(at(3));
            let expected = F::Model::from_parts(record, key.extra());
            assert_same(&table.read("disabled").await, &expected, "nothing else is changed");
        }
    }
}

/// With an owner, keys of others are not ended.
pub async fn ends_no_key_of_another_owner<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let Some((one, two)) = table.owners() else { return };
    let key = table.add("of-one00").await;
    let revoke = KeyPatch::default().revoked_at(at(7));
    let foreign = table.store.end("of-one00", Some(&two), &revoke).await;
    assert!(!foreign.expect("a key can be ended"), "a key of another owner is as absent");
    assert_same(&table.read("of-one00").await, &key, "a key of another owner stays as it is");
    let own = table.store.end("of-one00", Some(&one), &revoke).await;
    assert!(own.expect("a key can be ended"), "the owner's key is ended");
}

/// A rotation at the same time undoes no end, and is whole or refused.
pub async fn never_loses_an_end_to_a_rotation<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    for round in 0..16 {
        let key = table.add(&format!("old{round:05}")).await;
        let rotation = table.rotation(&key, &format!("new{round:05}"));
        let results = table
            .in_parallel(2, |store, number| {
                let (record, rotation) = (key.record().clone(), rotation.clone());
                async move {
                    if number == 0 {
                        return store.rotate(&record.id, None, &rotation).await.map(|_| true);
                    }
                    let revoke = KeyPatch::default().revoked_at(at(1));
                    store.end(&record.prefix, None, &revoke).await.map(|_| false)
                }
            })
            .await;
        let rotated = results.into_iter().any(|result| result.is_ok_and(|rotated| rotated));
        let old = table.read(&key.record().prefix).await;
        assert!(old.record().revoked_at.is_some(), "a rotation undoes no end");
        let ended = old.record().expires_at == Some(at(60));
        assert_eq!(ended, rotated, "the predecessor ends if and only if the rotation succeeded");
        let successor = table.find(&rotation.successor.prefix).await;
        assert_eq!(successor.is_some(), rotated, "and only then there is a successor");
    }
}

/// One key is deleted by its prefix if it is revoked or has expired by then, and no other. A store that cannot do
/// it says so.
pub async fn deletes_one_key_that_has_ended<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    table.add("active00").await;
    table.insert(&table.new_key("expires0").with_expires_at(Some(just_after(at(10))))).await;
    table.insert(&table.new_key("expired0").with_expires_at(Some(at(10)))).await;
    table.insert(&table.new_key("Expired0").with_expires_at(Some(at(10)))).await;
    let revoked = table.insert(&table.new_key("revoked0").with_expires_at(Some(at(99)))).await;
    table.revoke(&revoked, at(50)).await;
    let delete = async |prefix: &str| table.store.delete_ended(prefix, None, at(10)).await;
    match delete("absent00").await {
        Err(StoreError::Unsupported { .. }) => return,
        outcome => assert!(!outcome.expect("keys can be deleted"), "there is no such key"),
    }
    for (prefix, is_deleted) in [
        ("active00", false),
        ("expires0", false),
        ("EXPIRED0", false),
        ("expired0", true),
        ("expired0", false),
        ("revoked0", true),
    ] {
        let deleted = delete(prefix).await.expect("a key that has ended can be deleted");
        assert_eq!(deleted, is_deleted, "only what has ended is deleted: {prefix}");
    }
    let mut left: Vec<_> =
        table.all().await.iter().map(|key| key.record().prefix.clone()).collect();
    left.sort_unstable();
    assert_eq!(left, ["Expired0", "active00", "expires0"], "no other key is deleted");
}

/// With an owner, keys of others are not deleted.
pub async fn deletes_no_key_of_another_owner<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let Some((one, two)) = table.owners() else { return };
    table.insert(&table.new_key("expired0").with_expires_at(Some(at(1)))).await;
    match table.store.delete_ended("expired0", Some(&two), at(10)).await {
        Err(StoreError::Unsupported { .. }) => return,
        outcome => assert!(!outcome.expect("keys can be deleted"), "it is as absent"),
    }
    assert!(table.find("expired0").await.is_some(), "a key of another owner stays");
    let own = table.store.delete_ended("expired0", Some(&one), at(10)).await;
    assert!(own.expect("keys can be deleted"), "the owner's key is deleted");
}
