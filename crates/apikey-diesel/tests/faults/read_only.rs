//! A database that cannot be written.

use apikey_core::{ApiKeys, Hashers, ManageError, Sha256, Sha512, StoreError};
use apikey_diesel::DieselStore;

use crate::database::{Database, GRACE};

#[tokio::test]
async fn keys_are_verified_and_everything_else_says_why_it_is_not_done() {
    let database = Database::new();
    let created = database.keys().await.create("reader").await.unwrap();
    let prefix = created.key.prefix.as_str();
    let url = format!("{}?mode=ro", database.url());
    let store = DieselStore::sqlite(&url).await.unwrap();
    // The hash would be replaced if it could: that it cannot does not concern the client.
    let hashers = Hashers::new(Sha512).accept(Sha256);
    let keys: ApiKeys = ApiKeys::builder(store).hashers(hashers).build().unwrap();
    for _ in 0..3 {
        let key = keys.verify(created.plaintext.expose()).await.unwrap();
        assert_eq!(key.prefix, prefix);
    }
    let refused = [
        keys.create("new").await.map(|created| created.key),
        keys.rotate(prefix, GRACE).await.map(|created| created.key),
        keys.revoke(prefix).await,
        keys.disable(prefix).await,
    ];
    for result in refused {
        let error = result.unwrap_err();
        let ManageError::Store(StoreError::Unavailable(source)) = &error else {
            panic!("{error:?}")
        };
        assert!(source.to_string().contains("readonly"), "{source}");
    }
    let after = &database.whole_keys().await;
    assert_eq!(after.len(), 1);
    assert_eq!(after[prefix], created.key);
}
