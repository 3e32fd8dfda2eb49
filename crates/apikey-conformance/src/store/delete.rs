//! Deleting what has ended: old enough, oldest first, not too much at once.

use apikey_core::{KeyPatch, KeyQuery};

use crate::fixture::{StoreFixture, Table, at, just_after, numbered, prefixes};

/// Keys that expired or were revoked strictly before the time are deleted, and no other.
pub async fn deletes_only_what_ended_before<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    table.add("active00").await;
    let disabled = table.add("disabled").await;
    table.change(&disabled, KeyPatch::default().disabled_at(Some(at(-100)))).await;
    for (prefix, end) in
        [("expired0", at(9)), ("expires0", at(10)), ("expires1", just_after(at(10)))]
    {
        table.insert(&table.new_key(prefix).with_expires_at(Some(end))).await;
    }
    for (prefix, end) in [("revoked0", at(9)), ("revoked1", at(10)), ("revoked2", at(11))] {
        let key = table.insert(&table.new_key(prefix).with_expires_at(Some(at(1000)))).await;
        table.revoke(&key, end).await;
    }
    let both = table.insert(&table.new_key("both0000").with_expires_at(Some(at(1)))).await;
    table.revoke(&both, at(500)).await;
    assert_eq!(table.delete_expired(at(10), 100).await, 3, "it returns how many were deleted");
    let left = table.all().await;
    let mut left = prefixes(&left);
    left.sort_unstable();
    assert_eq!(
        left,
        ["active00", "disabled", "expires0", "expires1", "revoked1", "revoked2"],
        "keys that expired or were revoked strictly before the time are deleted, and no other"
    );
    assert_eq!(table.count(&KeyQuery::new(), at(0)).await, 6, "deleted keys are not counted");
    assert_eq!(table.delete_expired(at(10), 100).await, 0, "nothing is deleted twice");
}

/// At most `limit` keys are deleted by one call, the oldest first.
pub async fn deletes_at_most_the_limit_and_the_oldest_first<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    for number in [3, 0, 4, 1, 2] {
        let moment = i64::try_from(number).unwrap_or(0) - 1000;
        let mut new = table.new_key(&numbered(number)).with_expires_at(Some(at(moment + 100)));
        new.created_at = at(moment);
        table.insert(&new).await;
    }
    assert_eq!(table.delete_expired(at(0), 0).await, 0, "a limit of 0 deletes nothing");
    assert_eq!(table.delete_expired(at(0), 2).await, 2, "at most `limit` keys are deleted");
    let left = table.all().await;
    let expected = ["key00004", "key00003", "key00002"];
    assert_eq!(prefixes(&left), expected, "the oldest are deleted first");
    assert_eq!(table.delete_expired(at(0), 100).await, 3, "the next call deletes the rest");
}

/// Parallel calls delete each key once: their numbers add up.
pub async fn deletes_each_key_once_in_parallel<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    for number in 0..20 {
        table.insert(&table.new_key(&numbered(number)).with_expires_at(Some(at(-50)))).await;
    }
    table.add("active00").await;
    let deleted =
        table.in_parallel(8, |store, _| async move { store.delete_expired(at(0), 5).await }).await;
    let mut sum = 0;
    for result in deleted {
        let deleted = result.expect("parallel deletions wait for each other");
        assert!(deleted <= 5, "at most `limit` keys are deleted, also beside others: {deleted}");
        sum += deleted;
    }
    sum += table.delete_expired(at(0), 100).await;
    assert_eq!(sum, 20, "the numbers of all calls add up to the keys that were deleted");
    assert_eq!(prefixes(&table.all().await), ["active00"], "what has not ended stays");
}
