//! Futures that are dropped: a timeout, a client that hangs up.

use std::future::Future;
use std::pin::pin;

use apikey_core::{KeyPatch, KeyQuery, KeyStore, Rotation};
use apikey_diesel::DieselStore;
use futures::poll;
use tokio::task::yield_now;

use crate::fixture::{Folder, at, new_key};

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

/// Drops operations after every number of polls, and looks at what is left of them.
async fn leaves_whole_changes(store: DieselStore) {
    let old = store.insert(&new_key("predcssr"), None).await.unwrap();
    for round in 0..60 {
        let polls = round % 12;
        let prefix = format!("insert{round:02}");
        drop_after(polls, store.insert(&new_key(&prefix), Some(1000))).await;
        let successor = new_key(&format!("succes{round:02}")).with_expires_at(Some(at(5)));
        let seen = store.get("predcssr", None).await.unwrap().unwrap().expires_at;
        let rotation = Rotation::new(seen, at(100 + round as i64), successor);
        drop_after(polls, store.rotate(&old.id, None, &rotation)).await;
        drop_after(polls, store.update(&old.id, None, &KeyPatch::default().name("new"))).await;
        drop_after(polls, store.touch(&[old.id], at(1))).await;
        drop_after(polls, store.list(&KeyQuery::new(), at(0))).await;
    }
    // As many as there are connections, so that each has finished what it was at.
    for number in 0..8 {
        store.insert(&new_key(&format!("after-{number:02}")), None).await.unwrap();
    }
    let keys = store.list(&KeyQuery::new().limit(1000), at(0)).await.unwrap().keys;
    let successors = keys.iter().filter(|key| key.prefix.starts_with("succes"));
    let last = successors.map(|key| key.prefix[6..].parse::<i64>().unwrap()).max();
    let old = store.get("predcssr", None).await.unwrap().unwrap();
    assert_eq!(old.expires_at, last.map(|round| at(100 + round)));
}

#[tokio::test]
async fn on_a_current_thread_runtime_in_memory() {
    leaves_whole_changes(DieselStore::sqlite("sqlite::memory:").await.unwrap()).await;
}

#[tokio::test]
async fn on_a_current_thread_runtime_on_a_file() {
    let folder = Folder::new();
    leaves_whole_changes(DieselStore::sqlite(&folder.url("app.db")).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_multi_thread_runtime_in_memory() {
    leaves_whole_changes(DieselStore::sqlite("sqlite::memory:").await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_multi_thread_runtime_on_a_file() {
    let folder = Folder::new();
    leaves_whole_changes(DieselStore::sqlite(&folder.url("app.db")).await.unwrap()).await;
}
