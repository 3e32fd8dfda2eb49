//! Migrating, alone and at the same time as others.

use std::sync::Barrier;
use std::thread;

use apikey_core::KeyStore;
use apikey_diesel::{ConnectionOptions, DieselStore};
use tokio::runtime::Builder;

use crate::fixture::{Folder, new_key};

#[tokio::test]
async fn says_what_it_applies_and_applies_it_once() {
    let options = ConnectionOptions::new();
    let store = DieselStore::connect_sqlite("sqlite::memory:", options).await.unwrap();
    let pending = store.pending_migrations().await.unwrap();
    assert!(pending[0].ends_with("_create_api_keys"), "{pending:?}");
    assert_eq!(store.migrate().await.unwrap(), pending);
    assert!(store.migrate().await.unwrap().is_empty());
    assert!(store.pending_migrations().await.unwrap().is_empty());
}

#[tokio::test]
async fn keeps_the_keys_of_a_database_opened_again() {
    let folder = Folder::new();
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    let key = store.insert(&new_key("abcdefgh"), None).await.unwrap();
    drop(store);
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    assert_eq!(store.get("abcdefgh", None).await.unwrap().unwrap(), key);
}

#[tokio::test]
async fn leaves_the_applications_own_migrations_alone() {
    let folder = Folder::new();
    folder.run(
        "app.db",
        "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL,
             run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
         INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000');",
    );
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
}

#[test]
fn sixteen_open_one_new_file_at_once() {
    for _ in 0..4 {
        let folder = Folder::new();
        let start = Barrier::new(16);
        thread::scope(|scope| {
            for number in 0..16 {
                let (folder, start) = (&folder, &start);
                scope.spawn(move || {
                    let runtime = Builder::new_current_thread().build().unwrap();
                    start.wait();
                    runtime.block_on(async {
                        let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
                        let prefix = format!("prefix{number:02}");
                        store.insert(&new_key(&prefix), None).await.unwrap();
                    });
                });
            }
        });
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
            assert_eq!(store.count(&Default::default(), crate::fixture::at(0)).await.unwrap(), 16);
        });
    }
}
