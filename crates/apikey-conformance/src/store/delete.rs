//! Deleting what has ended: old enough, and not too much at once.

use apikey_core::chrono::TimeDelta;
use apikey_core::{KeyPatch, KeyQuery, Timestamp};

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

/// At most `limit` keys are deleted by one call, and by enough calls all that have ended.
pub async fn deletes_at_most_the_limit<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    for number in 0..5 {
        table.insert(&table.new_key(&numbered(number)).with_expires_at(Some(at(-50)))).await;
    }
    table.add("active00").await;
    assert_eq!(table.delete_expired(at(0), 0).await, 0, "a limit of 0 deletes nothing");
    expect_deleted_by_twos(&table, &[(0, 6), (2, 4), (2, 2), (1, 1), (0, 1)]).await;
}

/// The limit is one for keys that were revoked and keys that expired, and a key that did both is deleted once.
pub async fn deletes_the_revoked_and_the_expired_within_one_limit<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    for (prefix, expires_at, is_revoked) in [
        ("revoked0", None, true),
        ("both0000", Some(at(-60)), true),
        ("both0001", Some(at(-40)), true),
        ("expired0", Some(at(-50)), false),
        ("expired1", Some(at(-50)), false),
    ] {
        let key = table.insert(&table.new_key(prefix).with_expires_at(expires_at)).await;
        if is_revoked {
            table.revoke(&key, at(-50)).await;
        }
    }
    table.add("active00").await;
    expect_deleted_by_twos(&table, &[(0, 6), (2, 4), (2, 2), (1, 1), (0, 1)]).await;
}

/// Deletes two at a time; these are the numbers that each call returns and leaves.
async fn expect_deleted_by_twos<F: StoreFixture>(table: &Table<'_, F>, numbers: &[(u64, usize)]) {
    for (round, &(deleted, left)) in numbers.iter().enumerate() {
        if round > 0 {
            assert_eq!(table.delete_expired(at(0), 2).await, deleted, "at most two are deleted");
        }
        assert_eq!(table.all().await.len(), left, "as many are gone as are said to be");
    }
    assert_eq!(prefixes(&table.all().await), ["active00"], "what has not ended stays");
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

/// Before the year 0, where the calendar of databases begins, nothing has ended: that is no error.
pub async fn deletes_nothing_before_the_calendar_begins<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    table.insert(&table.new_key("expired0").with_expires_at(Some(at(-50)))).await;
    // 1 January of the year 0.
    let first = Timestamp::from_timestamp(-62_167_219_200, 0).expect("it is a moment");
    let last_before = first - TimeDelta::microseconds(1);
    for before in [first, last_before, first - TimeDelta::days(400), Timestamp::MIN_UTC] {
        let deleted = table.store.delete_expired(before, 100).await;
        assert!(matches!(deleted, Ok(0)), "nothing has ended before {before}: got {deleted:?}");
    }
    assert_eq!(prefixes(&table.all().await), ["expired0"], "what ended later stays");
}
