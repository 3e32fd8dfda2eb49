//! A database that cannot be written.

use apikey_core::{
    ApiKeys, CreatedKey, Hashers, KeyRecord, KeyStore, ManageError, Sha256, Sha512, StoreError,
};
use apikey_diesel::DieselStore;

use crate::database::{Database, GRACE};

#[tokio::test]
async fn keys_are_verified_and_everything_else_says_why_it_is_not_done() {
    let database = Database::new();
    let created = database.keys().await.create("reader").await.unwrap();
    let url = format!("{}?mode=ro", database.url());
    let store = DieselStore::sqlite(&url).await.unwrap();
    reads_and_says_why_it_does_not_write(store, &created, "readonly").await;
    let after = &database.whole_keys().await;
    assert_eq!(after.len(), 1);
    assert_eq!(after[&created.key.prefix], created.key);
}

/// A store that can only read verifies this key, and answers everything else by what the database `says`.
pub(crate) async fn reads_and_says_why_it_does_not_write(
    store: impl KeyStore<KeyRecord>,
    created: &CreatedKey<KeyRecord>,
    says: &str,
) {
    let prefix = created.key.prefix.as_str();
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
        assert!(source.to_string().contains(says), "{source}");
    }
    // That uses cannot be noted does not concern the client either.
    keys.flush().await.unwrap_err();
    keys.verify(created.plaintext.expose()).await.unwrap();
}
