//! Django's own id, read into a field of a model.

use apikey_core::chrono::DateTime;
use apikey_core::{HashedKey, KeyPatch, KeyRecord, KeyStore, NewRecord};
use apikey_diesel::diesel::SqliteConnection;
use apikey_diesel::diesel::r2d2::{ConnectionManager, Pool};
use apikey_diesel::{ConnectionOptions, DieselStore, KeyModel, diesel};

use crate::database::Kind;

diesel::table! {
    rest_framework_api_key_apikey (id) {
        id -> Text,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        created -> Timestamp,
        revoked -> Bool,
        expiry_date -> Nullable<Timestamp>,
    }
}

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = rest_framework_api_key_apikey, layout = django, backends(sqlite))]
struct WithOwnId {
    record: KeyRecord<String>,
    #[apikey(column = id, read_only)]
    own_id: String,
}

#[tokio::test]
async fn a_field_reads_the_id_which_outlives_a_new_hash() {
    let place = Kind::Sqlite.place();
    let url = place.create().await;
    place.run(&url, Kind::Sqlite.schema()).await;
    let pool = Pool::builder()
        .connection_customizer(Box::new(ConnectionOptions::new().keep_journal_mode()))
        .build(ConnectionManager::<SqliteConnection>::new(url.strip_prefix("sqlite://").unwrap()))
        .unwrap();
    let store = DieselStore::<WithOwnId, _>::new(pool);

    let old = HashedKey::new(format!("sha512$${}", "0".repeat(128)));
    let created_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let new = NewRecord::new("abcdefgh", old.clone(), "name", created_at, ());
    let key = store.insert(&new, None).await.unwrap();
    assert_eq!(key.own_id, format!("abcdefgh.{}", old.as_str()));

    let rehash = KeyPatch::default().rehash(old, HashedKey::new("sha512$$1"));
    let rehashed = store.update(&key.id, None, &rehash).await.unwrap().unwrap();
    assert_eq!(rehashed.own_id, key.own_id);
    assert_eq!(rehashed.hashed_key.as_str(), "sha512$$1");
}
