//! Several stores on one file, and more callers than connections.

use std::time::{Duration, Instant};

use apikey_core::{KeyPatch, KeyQuery, KeyStore, Rotation, StoreError};
use apikey_diesel::diesel::SqliteConnection;
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::diesel::r2d2::{ConnectionManager, Pool};
use apikey_diesel::{ConnectionOptions, DieselStore, SqlitePool};
use futures::future::join_all;
use futures::poll;
use tokio::task::JoinSet;

use crate::fixture::{Folder, SqliteStore, assert_unavailable, at, new_key};

/// Two stores, each with connections of its own.
async fn two_stores(folder: &Folder) -> [SqliteStore; 2] {
    let one = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    [one, DieselStore::sqlite(&folder.url("app.db")).await.unwrap()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_writers_on_two_stores_all_succeed() {
    let folder = Folder::new();
    let stores = two_stores(&folder).await;
    let mut tasks = JoinSet::new();
    for writer in 0..16 {
        let store = stores[writer % 2].clone();
        tasks.spawn(async move {
            for number in 0..10 {
                let prefix = format!("key{writer:02}{number:03}");
                let key = store.insert(&new_key(&prefix), Some(1000)).await.unwrap();
                let renamed = KeyPatch::default().name("renamed");
                store.update(&key.id, None, &renamed).await.unwrap().unwrap();
                store.touch(&[key.id], at(1)).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let keys = stores[0].list(&KeyQuery::new().limit(1000), at(0)).await.unwrap().keys;
    assert_eq!(keys.len(), 160);
    assert!(keys.iter().all(|key| key.name == "renamed" && key.last_used_at == Some(at(1))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_sixteen_rotations_on_two_stores_wins() {
    let folder = Folder::new();
    let stores = two_stores(&folder).await;
    let old = stores[0].insert(&new_key("predcssr"), None).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let store = stores[number % 2].clone();
        let rotation = Rotation::new(None, at(60), new_key(&format!("succes{number:02}")));
        tasks.spawn(async move { store.rotate(&old.id, None, &rotation).await });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let lost = |outcome: &&Result<_, _>| matches!(outcome, Err(StoreError::Conflict));
    assert_eq!(outcomes.iter().filter(lost).count(), 15, "{outcomes:?}");
    assert_eq!(stores[0].count(&KeyQuery::new(), at(0)).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_hold_one_limit() {
    let folder = Folder::new();
    let stores = two_stores(&folder).await;
    let inserts = (0..24).map(|number| {
        let store = stores[number % 2].clone();
        tokio::spawn(
            async move { store.insert(&new_key(&format!("prefix{number:02}")), Some(5)).await },
        )
    });
    let outcomes: Vec<_> = join_all(inserts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5, "{outcomes:?}");
    let full =
        |outcome: &&Result<_, _>| matches!(outcome, Err(StoreError::LimitReached { limit: 5 }));
    assert_eq!(outcomes.iter().filter(full).count(), 19, "{outcomes:?}");
}

fn own_pool(folder: &Folder, patience: Duration) -> SqlitePool {
    Pool::builder()
        .max_size(1)
        .test_on_check_out(false)
        .connection_timeout(patience)
        .connection_customizer(Box::new(ConnectionOptions::new()))
        .build(ConnectionManager::<SqliteConnection>::new(
            folder.path("app.db").display().to_string(),
        ))
        .unwrap()
}

/// Another process may write for as long as it likes: those who wait for it leave connections to those who read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_to_write_holds_up_nobody_who_reads() {
    let folder = Folder::new();
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
    let mut foreign = folder.connect("app.db");
    foreign.batch_execute("BEGIN IMMEDIATE").unwrap();
    let mut inserts = JoinSet::new();
    for number in 0..8 {
        let (store, new) = (store.clone(), new_key(&format!("prefix{number:02}")));
        let mut insert = Box::pin(async move { store.insert(&new, None).await });
        assert!(poll!(&mut insert).is_pending());
        inserts.spawn(insert);
    }
    let since = Instant::now();
    store.find_by_prefix("abcdefgh").await.unwrap().unwrap();
    // The busy timeout, which they wait for.
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    foreign.batch_execute("ROLLBACK").unwrap();
    assert!(inserts.join_all().await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn works_on_a_pool_of_the_applications_own() {
    let folder = Folder::new();
    let pool = own_pool(&folder, Duration::from_secs(5));
    let store: SqliteStore = DieselStore::new(pool);
    assert_eq!(store.migrate().await.unwrap().len(), 1);
    let inserts = (0..40).map(|number| {
        let store = store.clone();
        async move { store.insert(&new_key(&format!("prefix{number:02}")), None).await }
    });
    assert!(join_all(inserts).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn gives_up_on_a_pool_that_has_no_connection_to_give() {
    let folder = Folder::new();
    // A busy machine has to open the connection in this time.
    let pool = own_pool(&folder, Duration::from_secs(2));
    let store: SqliteStore = DieselStore::new(pool.clone());
    store.migrate().await.unwrap();

    let taken = pool.get().unwrap();
    let both = join_all([store.get("abcdefgh", None), store.get("abcdefgh", None)]).await;
    for outcome in both {
        assert_unavailable(outcome, "");
    }
    drop(taken);
    store.get("abcdefgh", None).await.unwrap();
}
