//! What is in the rows: what was written, or an error that says which row is damaged.

use apikey_core::chrono::DateTime;
use apikey_core::{
    HashedKey, KeyPatch, KeyQuery, KeyRecord, KeyStore, Rotation, Scopes, StoreError,
};
use apikey_diesel::DieselStore;

use crate::fixture::{Folder, HASH, assert_unavailable, at, full_text, new_key};

#[tokio::test]
async fn every_column_comes_back_as_it_was_written() {
    let store = DieselStore::sqlite("sqlite::memory:").await.unwrap();
    let new = new_key("AbCdEfGh")
        .with_scopes(Scopes::parse("reports:write reports:read").unwrap())
        .with_expires_at(DateTime::from_timestamp(1_900_000_000, 1_000))
        .with_rotated_from(Some("IjKlMnOp".to_owned()));
    let key = store.insert(&new, None).await.unwrap();
    assert_eq!((key.prefix.as_str(), key.name.as_str()), ("AbCdEfGh", "name"));
    assert_eq!(key.hashed_key.as_str(), HASH);
    assert_eq!(key.scopes.as_str(), "reports:read reports:write");
    assert_eq!((key.created_at, key.expires_at), (at(0), new.expires_at));
    assert_eq!(key.rotated_from, new.rotated_from);
    assert_eq!((key.disabled_at, key.revoked_at, key.last_used_at), (None, None, None));
    assert_eq!(store.get("AbCdEfGh", None).await.unwrap(), Some(key));
}

#[tokio::test]
async fn a_search_minds_the_case_and_knows_no_wildcards() {
    let store = DieselStore::sqlite("sqlite::memory:").await.unwrap();
    for (prefix, name) in
        [("AbCdEfGh", "Report"), ("abcdefgh", "report"), ("100%_off", "50%_*?[a]")]
    {
        let mut new = new_key(prefix);
        name.clone_into(&mut new.name);
        store.insert(&new, None).await.unwrap();
    }
    for (text, found) in [
        ("AbCdEfGh", vec!["AbCdEfGh"]),
        ("abcdefgh", vec!["abcdefgh"]),
        ("abcd", vec![]),
        ("Rep", vec!["AbCdEfGh"]),
        ("rep", vec!["abcdefgh"]),
        ("REP", vec![]),
        ("eport", vec![]),
        ("reports", vec![]),
        ("50%_*?[a]", vec!["100%_off"]),
        ("5%", vec![]),
        ("%", vec![]),
        ("_", vec![]),
        ("*", vec![]),
        ("?", vec![]),
        ("", vec!["100%_off", "abcdefgh", "AbCdEfGh"]),
    ] {
        let keys = store.list(&KeyQuery::new().search(text), at(0)).await.unwrap().keys;
        let prefixes: Vec<_> = keys.iter().map(|key| key.prefix.as_str()).collect();
        assert_eq!(prefixes, found, "{text:?}");
    }
}

#[tokio::test]
async fn tells_a_taken_prefix_from_another_violated_constraint() {
    let folder = Folder::new();
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    folder.run("app.db", "CREATE UNIQUE INDEX one_name ON api_keys (name)");
    let old = store.insert(&new_key("abcdefgh"), None).await.unwrap();

    let mut same_prefix = new_key("abcdefgh");
    same_prefix.name = "another".to_owned();
    let taken = store.insert(&same_prefix, None).await;
    assert!(matches!(taken, Err(StoreError::Duplicate)), "{taken:?}");
    let rejected = store.insert(&new_key("ABCDEFGH"), None).await.unwrap_err();
    assert!(matches!(rejected, StoreError::Rejected(_)), "{rejected:?}");
    assert!(!full_text(&rejected).contains(HASH));

    // A rotation that is rejected leaves the predecessor as it was.
    let rotation = Rotation::new(None, at(60), new_key("IJKLMNOP"));
    let rejected = store.rotate(&old.id, None, &rotation).await;
    assert!(matches!(rejected, Err(StoreError::Rejected(_))), "{rejected:?}");
    assert_eq!(store.get("abcdefgh", None).await.unwrap(), Some(old));
}

#[tokio::test]
async fn a_rule_of_the_applications_own_is_rejected_in_its_words() {
    for action in ["ABORT", "FAIL", "ROLLBACK"] {
        let folder = Folder::new();
        let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
        folder.run(
            "app.db",
            &format!(
                "CREATE TRIGGER names BEFORE INSERT ON api_keys WHEN NEW.name = 'bad' \
                 BEGIN SELECT RAISE({action}, 'it''s a bad name'); END; \
                 CREATE TRIGGER renaming BEFORE UPDATE OF name ON api_keys \
                 BEGIN SELECT RAISE({action}, 'names stay'); END;"
            ),
        );
        let old = store.insert(&new_key("abcdefgh"), None).await.unwrap();
        let mut bad = new_key("ijklmnop");
        bad.name = "bad".to_owned();
        let mut rotation = Rotation::new(None, at(60), bad.clone());
        rotation.seen_name.clone_from(&old.name);
        let rename = KeyPatch::default().name("new");
        for (outcome, text) in [
            (store.insert(&bad, Some(10)).await.map(|_| ()), "it's a bad name"),
            (store.rotate(&old.id, None, &rotation).await.map(|_| ()), "it's a bad name"),
            (store.update(&old.id, None, &rename).await.map(|_| ()), "names stay"),
        ] {
            let rejected = outcome.unwrap_err();
            let says_so =
                matches!(&rejected, StoreError::Rejected(source) if source.to_string() == text);
            assert!(says_so, "{rejected:?}");
        }
        let keys = store.list(&KeyQuery::new(), at(0)).await.unwrap().keys;
        assert_eq!(keys, [old], "RAISE({action}) leaves the table as it was");
    }
}

#[tokio::test]
async fn what_no_trigger_says_is_not_rejected() {
    let folder = Folder::new();
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    folder.run("app.db", "ALTER TABLE api_keys RENAME COLUMN name TO label");
    assert_unavailable(store.insert(&new_key("abcdefgh"), None).await, "name");
}

#[tokio::test]
async fn a_value_of_another_type_is_rejected_by_a_strict_table() {
    let folder = Folder::new();
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    folder.run(
        "app.db",
        "ALTER TABLE api_keys DROP COLUMN name; ALTER TABLE api_keys ADD COLUMN name INTEGER;",
    );
    let rejected = store.insert(&new_key("abcdefgh"), None).await.unwrap_err();
    assert!(matches!(rejected, StoreError::Rejected(_)), "{rejected:?}");
    assert!(full_text(&rejected).contains("INTEGER column api_keys.name"), "{rejected:?}");
}

#[tokio::test]
async fn refuses_a_time_that_would_sort_wrongly() {
    let store = DieselStore::sqlite("sqlite::memory:").await.unwrap();
    let far = DateTime::from_timestamp(253_402_300_800, 0);
    let outcome = store.insert(&new_key("abcdefgh").with_expires_at(far), None).await;
    assert!(matches!(outcome, Err(StoreError::Rejected(_))), "{outcome:?}");
    assert_eq!(store.count(&KeyQuery::new(), at(0)).await.unwrap(), 0);
}

#[tokio::test]
async fn an_encoding_is_matched_byte_by_byte() {
    let store = DieselStore::sqlite("sqlite::memory:").await.unwrap();
    for (prefix, hash) in [("one", "sha256$$00"), ("two", "SHA256$$00"), ("three", "sha2560$00")] {
        let mut new = new_key(prefix);
        new.hashed_key = HashedKey::new(hash);
        store.insert(&new, None).await.unwrap();
    }
    let count = async |encoding| {
        let query = KeyQuery::<KeyRecord>::new().encoding(encoding);
        store.count(&query, at(0)).await.unwrap()
    };
    assert_eq!(count("sha256$$").await, 1);
    assert_eq!(count("sha256_$").await, 0);
    assert_eq!(count("%").await, 0);
    assert_eq!(count("256").await, 0);
}

/// What somebody attached to the table may repeat what is in a row.
#[tokio::test]
async fn no_error_repeats_a_hash() {
    for trigger in [
        "SELECT json_extract('{}', new.hashed_key);",
        "SELECT RAISE(ABORT, 'refused: ' || new.hashed_key);",
    ] {
        for when in ["INSERT", "UPDATE"] {
            let folder = Folder::new();
            let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
            let mut new = new_key("abcdefgh");
            new.hashed_key = HashedKey::new(format!("sha256$${}", "0123456789abcdef".repeat(4)));
            let old = store.insert(&new, None).await.unwrap();
            folder.run(
                "app.db",
                &format!("CREATE TRIGGER t AFTER {when} ON api_keys BEGIN {trigger} END;"),
            );
            new.prefix = "ijklmnop".to_owned();
            let error = match when {
                "INSERT" => store.insert(&new, None).await.unwrap_err(),
                _ => {
                    let rename = KeyPatch::default().name("new");
                    store.update(&old.id, None, &rename).await.unwrap_err()
                }
            };
            let text = full_text(&error);
            assert!(!text.contains("0123456789abcdef"), "{trigger}: {text}");
            assert!(text.contains('…'), "{trigger}: {text}");
        }
    }
}
