//! A table that lacks what it can, and has a column that the database fills.

use apikey_core::chrono::DateTime;
use apikey_core::{
    HashedKey, KeyPatch, KeyQuery, KeyRecord, KeyStatus, KeyStore, NewRecord, Rotation, Scopes,
    StoreError, Timestamp,
};
use apikey_diesel::{KeyModel, SqlitePool, diesel};

use crate::tables;

diesel::table! {
    bare_keys (id) {
        id -> BigInt,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        created_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
        region -> Text,
    }
}

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = bare_keys, backends(sqlite))]
#[apikey(lacks(scopes, expires_at, disabled_at, last_used_at, rotated_from))]
struct BareKey {
    record: KeyRecord,
    #[apikey(read_only)]
    region: String,
}

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn new_key(prefix: &str) -> NewRecord<()> {
    NewRecord::new(prefix, HashedKey::new("sha256$$00"), "name", at(0), ())
}

fn store() -> apikey_diesel::DieselStore<BareKey, SqlitePool> {
    tables::sqlite(
        "CREATE TABLE bare_keys (id INTEGER PRIMARY KEY, prefix TEXT NOT NULL UNIQUE, \
         hashed_key TEXT NOT NULL, name TEXT NOT NULL, created_at TIMESTAMP NOT NULL, \
         revoked_at TIMESTAMP, region TEXT NOT NULL DEFAULT 'north')",
    )
}

#[track_caller]
fn assert_unsupported<T: std::fmt::Debug>(outcome: &Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Unsupported { .. })), "{outcome:?}");
}

#[tokio::test]
async fn keys_are_created_found_and_revoked() {
    let store = store();
    assert!(store.check().await.unwrap().is_empty());
    let key = store.insert(&new_key("abcdefgh"), Some(1)).await.unwrap();
    assert_eq!(key.region, "north");
    let patch = KeyPatch::default().name("new").revoked_at(at(1));
    let revoked = store.update(&key.record.id, None, &patch).await.unwrap().unwrap();
    assert_eq!((revoked.name.as_str(), revoked.revoked_at), ("new", Some(at(1))));
    for (status, number) in [
        (KeyStatus::Revoked, 1),
        (KeyStatus::Active, 0),
        (KeyStatus::Expired, 0),
        (KeyStatus::Disabled, 0),
    ] {
        let query = KeyQuery::new().status(status);
        assert_eq!(store.count(&query, at(0)).await.unwrap(), number, "{status}");
    }
    assert_eq!(store.delete_expired(at(2), 10).await.unwrap(), 1);
}

#[tokio::test]
async fn what_needs_a_missing_column_is_unsupported() {
    let store = store();
    let key = store.insert(&new_key("abcdefgh"), None).await.unwrap();
    let id = key.record.id;
    let scopes = Scopes::parse("reports:read").unwrap();
    assert_unsupported(&store.insert(&new_key("one").with_scopes(scopes.clone()), None).await);
    assert_unsupported(&store.insert(&new_key("two").with_expires_at(Some(at(1))), None).await);
    for patch in [
        KeyPatch::default().scopes(scopes),
        KeyPatch::default().expires_at(None),
        KeyPatch::default().disabled_at(Some(at(1))),
    ] {
        assert_unsupported(&store.update(&id, None, &patch).await);
    }
    assert_unsupported(
        &store.rotate(&id, None, &Rotation::new(None, at(1), new_key("next"))).await,
    );
    assert_unsupported(&store.touch(&[id], at(1)).await);
    let successors = KeyQuery::new().rotated_from("abcdefgh");
    assert_unsupported(&store.list(&successors, at(0)).await);
    assert_unsupported(&store.count(&successors, at(0)).await);
    assert_eq!(store.count(&KeyQuery::new(), at(0)).await.unwrap(), 1);
}
