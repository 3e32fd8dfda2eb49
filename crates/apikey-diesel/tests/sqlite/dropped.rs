//! Futures that are dropped: a timeout, a client that hangs up.

use std::future::Future;
use std::pin::pin;

use apikey_core::{KeyPatch, KeyQuery, KeyStore, Rotation};
use apikey_diesel::DieselStore;
use futures::poll;
use tokio::runtime::Builder;
use tokio::task::yield_now;

use crate::fixture::{Folder, SqliteStore, at, new_key};

/// Polls a future so many times, letting others run in between, and drops it.
async fn drop_after<T>(polls: usize, future: impl Future<Output = T>) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if poll!(future.as_mut()).is_ready() {
            return;
        }
        yield_now().await;
    }
}

/// Drops operations after every number of polls; a few go on to their end.
async fn drop_many(store: SqliteStore) {
    let old = store.insert(&new_key("predcssr"), None).await.unwrap();
    for round in 0..60 {
        let polls =
            if round % 12 == 11 { usize::MAX } else { usize::try_from(round).unwrap() % 12 };
        drop_after(polls, store.insert(&new_key(&format!("insert{round:02}")), Some(1000))).await;
        let seen = store.get("predcssr", None).await.unwrap().unwrap().expires_at;
        let successor = new_key(&format!("succes{round:02}"));
        let rotation = Rotation::new(seen, at(100 + round), successor);
        drop_after(polls, store.rotate(&old.id, None, &rotation)).await;
        drop_after(polls, store.update(&old.id, None, &KeyPatch::default().name("new"))).await;
        drop_after(polls, store.touch(&[old.id], at(1))).await;
        drop_after(polls, store.list(&KeyQuery::new(), at(0))).await;
    }
}

/// Looks at what is left: the predecessor has the expiry of the last rotation that has a successor.
async fn assert_whole(store: SqliteStore) {
    store.insert(&new_key("afterall"), Some(1000)).await.unwrap();
    let keys = store.list(&KeyQuery::new().limit(1000), at(0)).await.unwrap().keys;
    let rotations = keys.iter().filter_map(|key| key.prefix.strip_prefix("succes"));
    let last = rotations.map(|round| round.parse::<i64>().unwrap()).max();
    let old = store.get("predcssr", None).await.unwrap().unwrap();
    assert_eq!(old.expires_at, last.map(|round| at(100 + round)));
    assert!(last.is_some() && old.name == "new" && old.last_used_at == Some(at(1)));
}

fn leaves_whole_changes(url: &str, mut runtime: Builder) {
    let first = runtime.build().unwrap();
    let store = first.block_on(DieselStore::sqlite(url)).unwrap();
    first.block_on(drop_many(store.clone()));
    // Waits for the threads that finish what was dropped.
    drop(first);
    runtime.build().unwrap().block_on(assert_whole(store));
}

#[test]
fn on_a_current_thread_runtime_in_memory() {
    leaves_whole_changes("sqlite::memory:", Builder::new_current_thread());
}

#[test]
fn on_a_current_thread_runtime_on_a_file() {
    let folder = Folder::new();
    leaves_whole_changes(&folder.url("app.db"), Builder::new_current_thread());
}

#[test]
fn on_a_multi_thread_runtime_in_memory() {
    leaves_whole_changes("sqlite::memory:", Builder::new_multi_thread());
}

#[test]
fn on_a_multi_thread_runtime_on_a_file() {
    let folder = Folder::new();
    leaves_whole_changes(&folder.url("app.db"), Builder::new_multi_thread());
}
