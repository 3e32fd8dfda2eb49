//! A row whose times are none, which SQLite lets anybody write.

use std::time::Duration;

use apikey_core::chrono::{DateTime, Utc};
use apikey_core::{
    ApiKeys, DenyReason, Django, HashedKey, Hashers, KeyHasher, KeyPatch, KeyQuery, KeyStatus,
    KeyStore, NewRecord, Timestamp,
};
use apikey_diesel::{DieselStore, DjangoApiKey};

use crate::database::{Kind, Place};

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn text(prefix: &str) -> String {
    format!("{prefix}.0123456789abcdefghijABCDEFGHIJ01")
}

/// What `created` and `expiry_date` of the bad rows are. None is a time as Django writes it.
const BAD: [(&str, &str); 10] = [
    ("key00001", "created = 4102444800"),
    ("key00002", "created = x'00'"),
    ("key00003", "created = 'soon'"),
    ("key00005", "created = ''"),
    ("key00007", "created = '2023-11-14T22:13:25'"),
    ("key00009", "created = '2023-11-14 22:13:29.5'"),
    ("key00011", "expiry_date = 'late'"),
    ("key00013", "expiry_date = '2999-12-31'"),
    ("key00015", "expiry_date = 4102444800"),
    ("key00017", "expiry_date = ''"),
];

/// Twenty keys, of which some are spoiled.
async fn spoiled() -> (Place, DieselStore<DjangoApiKey>) {
    let place = Kind::Sqlite.place();
    let url = place.create().await;
    place.run(&url, Kind::Sqlite.schema()).await;
    let store = DieselStore::django(&url).await.unwrap();
    for number in 0..20 {
        let prefix = format!("key{number:05}");
        let hash = Django::default().hash(text(&prefix).as_bytes()).unwrap();
        let new = NewRecord::new(prefix, hash, "name", at(number), ());
        store.insert(&new, None).await.unwrap();
    }
    for (prefix, set) in BAD {
        let update = "UPDATE rest_framework_api_key_apikey SET";
        place.run(&url, &format!("{update} {set} WHERE prefix = '{prefix}'")).await;
    }
    (place, store)
}

fn is_bad(prefix: &str) -> bool {
    BAD.iter().any(|(bad, _)| *bad == prefix)
}

#[tokio::test]
async fn refuses_the_key_of_a_bad_row_and_no_other() {
    let (_place, store) = spoiled().await;
    let hashers = Hashers::new(Django::default());
    let keys = ApiKeys::builder(store.clone()).hashers(hashers).build().unwrap();
    for number in 0..20 {
        let prefix = format!("key{number:05}");
        let verdict = keys.verify(text(&prefix)).await;
        if is_bad(&prefix) {
            assert_eq!(verdict.unwrap_err().reason(), DenyReason::Expired, "{prefix}");
        } else {
            verdict.unwrap();
        }
    }
    // What is to be done with such a key can be done.
    keys.revoke("key00011").await.unwrap();
    let denied = keys.verify(text("key00011")).await.unwrap_err();
    assert_eq!(denied.reason(), DenyReason::Revoked);
    keys.rotate("key00013", Duration::ZERO).await.unwrap_err();
    let end = KeyPatch::default().expires_at(None);
    store.update(&"key00013".to_owned(), None, &end).await.unwrap().unwrap();
    keys.verify(text("key00013")).await.unwrap();
}

#[tokio::test]
async fn a_bad_row_keeps_no_page_from_its_next() {
    let (_place, store) = spoiled().await;
    for limit in [1, 2, 3, 7, 20, 100] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = store.list(&KeyQuery::new().limit(limit).after(after), at(99)).await;
            let page = page.unwrap();
            seen.extend(page.keys.iter().map(|key| key.prefix.clone()));
            assert!(seen.len() <= 20, "pages of {limit} go round in circles: {seen:?}");
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        seen.sort();
        // Pages go by `created`, and what has nothing like a time there is on none.
        let is_listed = |prefix: &String| {
            !BAD.iter().any(|(bad, set)| bad == prefix && set.starts_with("created"))
        };
        let (listed, bad): (Vec<_>, Vec<_>) = seen.into_iter().partition(is_listed);
        let good = (0..20).map(|number| format!("key{number:05}")).filter(is_listed);
        assert_eq!(listed, good.collect::<Vec<_>>(), "on pages of {limit}");
        assert_eq!(bad, ["key00007", "key00009"], "on pages of {limit}");
    }
    let count = store.count(&KeyQuery::new(), at(99)).await.unwrap();
    assert_eq!(count, 16, "as many as are listed");
}

/// Nobody knows when such a key ends, so it is not deleted as one that has.
#[tokio::test]
async fn a_row_without_a_time_is_not_deleted() {
    let (_place, store) = spoiled().await;
    let end = KeyPatch::default().expires_at(Some(at(25)));
    store.update(&"key00000".to_owned(), None, &end).await.unwrap().unwrap();
    assert_eq!(store.delete_expired(Utc::now(), 100).await.unwrap(), 1);
    assert!(store.get("key00000", None).await.unwrap().is_none());
    for number in 1..20 {
        let prefix = format!("key{number:05}");
        assert!(store.get(&prefix, None).await.unwrap().is_some(), "{prefix}");
    }
}

#[tokio::test]
async fn the_check_names_each_bad_row_and_no_hash() {
    let (place, store) = spoiled().await;
    let found = store.check().await.unwrap();
    assert_eq!(found.len(), BAD.len(), "{found:?}");
    for (prefix, set) in BAD {
        let column = set.split(' ').next().unwrap();
        let problem =
            format!("the key {prefix} has no time in rest_framework_api_key_apikey.{column}");
        let finding = found.iter().find(|finding| finding.problem.starts_with(&problem));
        let finding = finding.unwrap_or_else(|| panic!("no {problem:?} in {found:?}"));
        assert!(finding.fix.contains("2025-11-22 06:19:37"), "{finding:?}");
    }
    assert!(!format!("{found:?}").contains("sha512"), "{found:?}");
    drop((store, place));
}

/// A fraction of zero, a day that is none: the check and the store judge alike.
#[tokio::test]
async fn the_check_finds_what_the_store_refuses() {
    let place = Kind::Sqlite.place();
    let url = place.create().await;
    place.run(&url, Kind::Sqlite.schema()).await;
    let store = DieselStore::django(&url).await.unwrap();
    let hash = HashedKey::new("sha512$$00");
    let new = NewRecord::new("abcdefgh", hash, "name", at(0), ());
    store.insert(&new, None).await.unwrap();
    for (expiry_date, is_good) in [
        ("2999-11-22 06:19:37", true),
        ("2999-11-22 06:19:37.000001", true),
        ("9999-12-31 23:59:59.999999", true),
        ("2999-11-22 06:19:37.000000", false),
        ("2999-11-22 06:19:37.5", false),
        ("2999-11-22 06:19:37.1234567", false),
        ("2999-11-22 06:19:37.12345x", false),
        ("2999-11-22 06:19:37+00:00", false),
        ("2999-11-22 06:19:60", false),
        ("2999-11-22 24:00:00", false),
        ("2999-02-30 06:19:37", false),
        ("2999-11-22 6:19:37", false),
        ("0000-11-22 06:19:37", false),
        (" 2999-11-22 06:19:37", false),
        ("now", false),
    ] {
        let update = "UPDATE rest_framework_api_key_apikey SET expiry_date";
        place.run(&url, &format!("{update} = '{expiry_date}'")).await;
        let found = store.check().await.unwrap();
        assert_eq!(found.is_empty(), is_good, "{expiry_date}: {found:?}");
        let key = store.get("abcdefgh", None).await.unwrap().unwrap();
        let is_live = key.expires_at.is_some_and(|time| time > Utc::now());
        assert_eq!(is_live, is_good, "{expiry_date}: {:?}", key.expires_at);
    }
}

/// What SQLite keeps in a column of truths beside the two that Django writes.
const NO_BOOL: [&str; 9] =
    ["'true'", "'t'", "'True'", "'yes'", "0.5", "x'01'", "x'00'", "2", "'false'"];

#[tokio::test]
async fn what_is_neither_revoked_nor_not_lets_nobody_in_and_is_seen() {
    let place = Kind::Sqlite.place();
    let url = place.create().await;
    place.run(&url, Kind::Sqlite.schema()).await;
    let store = DieselStore::django(&url).await.unwrap();
    let hashers = Hashers::new(Django::default());
    let keys = ApiKeys::builder(store).hashers(hashers).build().unwrap();
    let key = keys.create("key").await.unwrap();
    let prefix = &key.key.record.prefix;
    let set = async |value: &str| {
        let update = "UPDATE rest_framework_api_key_apikey SET revoked";
        place.run(&url, &format!("{update} = {value}")).await;
    };
    for value in NO_BOOL {
        set(value).await;
        let verdict = keys.verify(key.plaintext.expose()).await;
        let reason = verdict.err().map(|refusal| refusal.reason());
        assert_eq!(reason, Some(DenyReason::UnreadableRow), "{value}");
        let page = keys.list(&KeyQuery::new().status(KeyStatus::Revoked)).await.unwrap();
        assert_eq!((page.keys.len(), page.unreadable.len()), (0, 1), "{value}");
        let count = async |status| keys.count(&KeyQuery::new().status(status)).await.unwrap();
        assert_eq!((count(KeyStatus::Revoked).await, count(KeyStatus::Active).await), (1, 0));
        let found = keys.check().await.unwrap();
        let named = found.iter().find(|found| found.problem.contains("revoked")).unwrap();
        place.run(&url, &named.fix).await;
        let key = keys.get(prefix).await.unwrap().unwrap();
        assert!(key.record.revoked_at.is_some(), "{value}");
    }
    for (value, is_revoked) in [("1", true), ("0", false)] {
        set(value).await;
        let key = keys.get(prefix).await.unwrap().unwrap();
        assert_eq!(key.record.revoked_at.is_some(), is_revoked, "{value}");
    }
    keys.verify(key.plaintext.expose()).await.unwrap();
}
