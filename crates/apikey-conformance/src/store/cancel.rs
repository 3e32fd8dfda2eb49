//! Cancelling: a future that is dropped at any point leaves a whole store.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::slice;
use std::sync::Arc;
use std::task::Poll;

use apikey_core::{KeyModel, KeyPatch, KeyQuery, KeyStore};

use crate::fixture::{StoreFixture, Table, assert_same, at};

/// More polls than any operation needs; a future that is never ready would be polled for ever.
const MOST_POLLS: usize = 500;

/// Polls a future up to `polls` times, and then drops it.
async fn poll_at_most<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Runs `operation` on a new table again and again, dropped after no poll, one, two, until it completes.
/// Each time, `check` sees what is left, and the store has to be of use.
async fn cancel_at_every_await<F, T>(
    fixture: &F,
    operation: impl AsyncFn(Arc<dyn KeyStore<F::Model>>, F::Model) -> T,
    check: impl Fn(&F::Model, &[F::Model]),
) where
    F: StoreFixture,
{
    for polls in 0..MOST_POLLS {
        let table = Table::empty(fixture).await;
        let key = table.insert(&table.new_key("before00").with_expires_at(Some(at(40)))).await;
        let done = poll_at_most(operation(Arc::clone(&table.store), key.clone()), polls).await;
        check(&key, &table.all().await);
        expect_use(&table, &key).await;
        check_again(&table, &key, &check).await;
        if done.is_some() {
            return;
        }
    }
    panic!("the operation does not complete within {MOST_POLLS} polls");
}

/// Nothing is left locked: each kind of operation still works.
async fn expect_use<F: StoreFixture>(table: &Table<'_, F>, key: &F::Model) {
    let new = table.add("after000").await;
    table.touch(slice::from_ref(&new.record().id), at(1)).await;
    table.revoke(&new, at(2)).await;
    table.delete_expired(at(3), 10).await;
    let found = table.store.find_by_prefix(&key.record().prefix).await;
    found.expect("after a cancelled operation, a key can be found");
}

/// A write that went on after its future was dropped is done by now, or whole.
async fn check_again<F: StoreFixture>(
    table: &Table<'_, F>,
    key: &F::Model,
    check: &impl Fn(&F::Model, &[F::Model]),
) {
    let mut keys = table.all().await;
    keys.retain(|key| key.record().prefix != "after000");
    check(key, &keys);
}

/// A dropped insert has stored the whole key or none.
pub async fn an_insert_is_whole_or_absent<F: StoreFixture>(fixture: &F) {
    let new = Table::empty(fixture).await.new_key("inserted").with_expires_at(Some(at(70)));
    for limit in [None, Some(10)] {
        cancel_at_every_await(
            fixture,
            async |store, _| store.insert(&new, limit).await.expect("the key can be inserted"),
            |before, keys| {
                for key in keys {
                    let record = key.record();
                    if record.prefix == "inserted" {
                        assert_eq!(record.expires_at, Some(at(70)), "a cut insert is whole");
                    } else {
                        assert_same(key, before, "a cut insert changes no other key");
                    }
                }
            },
        )
        .await;
    }
}

/// A dropped update has changed all the columns that it names, or none.
pub async fn an_update_is_whole_or_absent<F: StoreFixture>(fixture: &F) {
    let patch = KeyPatch::default().name("renamed").disabled_at(Some(at(4)));
    cancel_at_every_await(
        fixture,
        async |store, key| {
            let updated = store.update(&key.record().id, None, &patch).await;
            updated.expect("the key can be updated").expect("the key is there")
        },
        |_, keys| {
            assert_eq!(keys.len(), 1, "a cut update adds and deletes nothing");
            let record = keys[0].record();
            let is_renamed = record.name == "renamed";
            assert_eq!(is_renamed, record.disabled_at.is_some(), "a cut update is whole or absent");
        },
    )
    .await;
}

/// A dropped rotation has ended the predecessor and inserted the successor, or neither.
pub async fn a_rotation_is_whole_or_absent<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let model = table.insert(&table.new_key("before00").with_expires_at(Some(at(40)))).await;
    let rotation = table.rotation(&model, "success0");
    cancel_at_every_await(
        fixture,
        async |store, key| {
            let rotated = store.rotate(&key.record().id, None, &rotation).await;
            rotated.expect("the key can be rotated")
        },
        |_, keys| {
            let has_ended = keys.iter().any(|key| key.record().expires_at == Some(at(60)));
            let has_successor = keys.iter().any(|key| key.record().prefix == "success0");
            assert_eq!(has_ended, has_successor, "a cut rotation is whole or absent");
            assert!(has_ended || keys.len() == 1, "a cut rotation leaves the predecessor");
        },
    )
    .await;
}

/// A dropped touch or deletion leaves the other columns and keys as they are.
pub async fn a_touch_and_a_deletion_leave_the_rest<F: StoreFixture>(fixture: &F) {
    let check = |before: &F::Model, keys: &[F::Model]| {
        assert_eq!(keys.len(), 1, "a cut touch or deletion leaves the key that has not ended");
        let record = keys[0].record().clone().with_last_used_at(None);
        assert_eq!(record, *before.record(), "a cut touch leaves the other columns");
    };
    cancel_at_every_await(
        fixture,
        async |store, key| {
            let touched = store.touch(slice::from_ref(&key.record().id), at(3)).await;
            touched.expect("the key can be touched");
        },
        check,
    )
    .await;
    let delete = async |store: Arc<dyn KeyStore<F::Model>>, _| {
        store.delete_expired(at(3), 5).await.expect("ended keys can be deleted");
    };
    cancel_at_every_await(fixture, delete, check).await;
}

/// A dropped read leaves nothing locked.
pub async fn a_read_leaves_nothing_locked<F: StoreFixture>(fixture: &F) {
    let check = |before: &F::Model, keys: &[F::Model]| {
        assert_same(&keys[0], before, "a cut read changes nothing");
    };
    let find = async |store: Arc<dyn KeyStore<F::Model>>, key: F::Model| {
        store.find_by_prefix(&key.record().prefix).await.expect("the key can be found");
    };
    cancel_at_every_await(fixture, find, check).await;
    let list = async |store: Arc<dyn KeyStore<F::Model>>, _| {
        store.list(&KeyQuery::new(), at(0)).await.expect("keys can be listed");
    };
    cancel_at_every_await(fixture, list, check).await;
}
