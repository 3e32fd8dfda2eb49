//! What a server refuses.

use apikey_core::{HashedKey, KeyStore, StoreError};
use apikey_diesel::DieselStore;

use crate::database::on_each_server;
use crate::opening::full_text;
use crate::parallel::new_key;

#[test]
fn tells_a_taken_prefix_from_another_violated_constraint() {
    on_each_server("tells_a_taken_prefix", async |_, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        databases.run(&url, "CREATE UNIQUE INDEX one_hash ON api_keys (hashed_key)").await;
        store.insert(&new_key("abcdefgh"), None).await.unwrap();

        let mut same_prefix = new_key("abcdefgh");
        same_prefix.hashed_key = HashedKey::new("sha256$$other");
        let taken = store.insert(&same_prefix, None).await;
        assert!(matches!(taken, Err(StoreError::Duplicate)), "{taken:?}");

        let mut same_hash = new_key("ABCDEFGH");
        same_hash.hashed_key = HashedKey::new("sha256$$abcdefgh");
        let rejected = store.insert(&same_hash, None).await.unwrap_err();
        assert!(matches!(rejected, StoreError::Rejected(_)), "{rejected:?}");
        assert!(!full_text(&rejected).contains("sha256$$"), "{}", full_text(&rejected));
    });
}

#[test]
fn refuses_what_is_too_long_for_a_column() {
    on_each_server("refuses_what_is_too_long", async |_, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let sql = match url.starts_with("mysql") {
            true => "ALTER TABLE api_keys MODIFY name VARCHAR(3) NOT NULL",
            false => "ALTER TABLE api_keys ALTER COLUMN name TYPE varchar(3)",
        };
        databases.run(&url, sql).await;
        let rejected = store.insert(&new_key("abcdefgh"), None).await;
        assert!(matches!(rejected, Err(StoreError::Rejected(_))), "{rejected:?}");
    });
}
