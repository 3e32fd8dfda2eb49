//! Times that people write by hand, in the forms of SQLite's own functions.

use apikey_core::chrono::{TimeDelta, Utc};
use apikey_core::{
    ApiKeys, DenyReason, KeyQuery, KeyStatus, KeyStore, KeyUpdate, Rotation, Timestamp,
};
use apikey_diesel::DieselStore;

use crate::fixture::{Folder, SqliteStore, at, new_key};

/// The forms, with the modifiers of a time in their place.
const FORMS: [&str; 8] = [
    "datetime('now'{})",
    "strftime('%Y-%m-%dT%H:%M:%S', 'now'{})",
    "strftime('%Y-%m-%dT%H:%M:%SZ', 'now'{})",
    "strftime('%Y-%m-%dT%H:%M:%fZ', 'now'{})",
    "strftime('%Y-%m-%d %H:%M:%f', 'now'{})",
    "strftime('%Y-%m-%d %H:%M', 'now'{})",
    "strftime('%Y-%m-%d %H:%M:%S+00:00', 'now'{})",
    "date('now'{})",
];

async fn open() -> (Folder, SqliteStore, ApiKeys) {
    let folder = Folder::new();
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    let keys = ApiKeys::new(store.clone());
    (folder, store, keys)
}

#[tokio::test]
async fn an_emergency_update_revokes_at_once() {
    for time in FORMS.map(|form| form.replace("{}", "")).iter().chain(&["CURRENT_TIMESTAMP".into()])
    {
        let (folder, _, keys) = open().await;
        let created = keys.create("leaked").await.unwrap();
        let prefix = &created.key.prefix;
        folder.run(
            "app.db",
            &format!("UPDATE api_keys SET revoked_at = {time} WHERE prefix = '{prefix}'"),
        );
        let refusal = keys.verify(created.plaintext.expose()).await.unwrap_err();
        assert_eq!(refusal.reason(), DenyReason::Revoked, "{time}");
        let revoked = keys.revoke(prefix).await.unwrap();
        let age = Utc::now() - revoked.revoked_at.unwrap();
        assert!(age < TimeDelta::days(2) && age > TimeDelta::minutes(-1), "{time}: {age}");
        let page = keys.list(&KeyQuery::new().status(KeyStatus::Revoked)).await.unwrap();
        assert_eq!((page.keys.len(), page.unreadable.len()), (1, 0), "{time}");
    }
}

/// Says what SQL and Rust make of an expiry: whether it has come.
async fn has_expired(folder: &Folder, store: &SqliteStore, text: &str, now: Timestamp) -> bool {
    folder.run("app.db", &format!("UPDATE api_keys SET expires_at = '{text}'"));
    let key = store.get("abcdefgh", None).await.unwrap().unwrap();
    let count = async |status| store.count(&KeyQuery::new().status(status), now).await.unwrap();
    let counts = (count(KeyStatus::Expired).await, count(KeyStatus::Active).await);
    let expected = if key.status(now) == KeyStatus::Expired { (1, 0) } else { (0, 1) };
    assert_eq!(counts, expected, "{text} at {now}");
    key.status(now) == KeyStatus::Expired
}

#[tokio::test]
async fn sql_compares_every_form_as_it_is_read() {
    let (folder, store, _) = open().await;
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
    // All of them the same second, or its day; `now` is around it.
    let base = at(0); // 2027-01-15T08:00:00.123456Z
    let text = |format: &str| base.format(format).to_string();
    for (written, ends) in [
        (text("%Y-%m-%d %H:%M:%S"), text("%Y-%m-%dT%H:%M:%S.000000Z")),
        (text("%Y-%m-%dT%H:%M:%SZ"), text("%Y-%m-%dT%H:%M:%S.000000Z")),
        (text("%Y-%m-%dT%H:%M:%S"), text("%Y-%m-%dT%H:%M:%S.000000Z")),
        (text("%Y-%m-%d %H:%M:%S.5"), text("%Y-%m-%dT%H:%M:%S.500000Z")),
        (text("%Y-%m-%d %H:%M:%S.1234569Z"), text("%Y-%m-%dT%H:%M:%S.123456Z")),
        (text("%Y-%m-%d %H:%M:%S.123456+00:00"), text("%Y-%m-%dT%H:%M:%S.123456Z")),
        (text("%Y-%m-%d %H:%M"), text("%Y-%m-%dT%H:%M:00.000000Z")),
        (text("%Y-%m-%dT%H:%MZ"), text("%Y-%m-%dT%H:%M:00.000000Z")),
        (text("%Y-%m-%d"), text("%Y-%m-%dT00:00:00.000000Z")),
        (text("%Y-%m-%dT%H:%M:%S.%6fZ"), text("%Y-%m-%dT%H:%M:%S.%6fZ")),
    ] {
        let end: Timestamp = ends.parse().unwrap();
        let micro = TimeDelta::microseconds(1);
        for (now, expected) in [
            (end - TimeDelta::days(2), false),
            (end - TimeDelta::hours(9), false),
            (end - micro, false),
            (end, true),
            (end + micro, true),
            (end + TimeDelta::hours(9), true),
        ] {
            let expired = has_expired(&folder, &store, &written, now).await;
            assert_eq!(expired, expected, "{written} at {now}");
        }
        // Purging, counting for a limit, rotating and touching compare, too.
        assert_eq!(store.delete_expired(end, 10).await.unwrap(), 0, "{written}");
        let key = store.get("abcdefgh", None).await.unwrap().unwrap();
        let mut rotation = Rotation::new(key.expires_at, end - micro, new_key("ijklmnop"));
        rotation.seen_name.clone_from(&key.name);
        store.rotate(&key.id, None, &rotation).await.unwrap();
        folder.run(
            "app.db",
            &format!(
                "DELETE FROM api_keys WHERE prefix = 'ijklmnop'; \
                 UPDATE api_keys SET expires_at = '{written}', last_used_at = '{written}'"
            ),
        );
        for (at, expected) in [(end - micro, end), (end + micro, end + micro)] {
            store.touch(&[key.id], at).await.unwrap();
            let key = store.get("abcdefgh", None).await.unwrap().unwrap();
            assert_eq!(key.last_used_at, Some(expected), "{written} touched at {at}");
        }
        assert_eq!(store.delete_expired(end + micro, 10).await.unwrap(), 1, "{written}");
        store.insert(&new_key("abcdefgh"), None).await.unwrap();
    }
}

#[tokio::test]
async fn a_limit_of_keys_reads_what_was_written_by_hand() {
    let (folder, store, _) = open().await;
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
    let mut new = new_key("ijklmnop");
    // An hour before the new key, and an hour after it, on the same day.
    for (hours, is_room) in [(-1, true), (1, false)] {
        let end = (new.created_at + TimeDelta::hours(hours)).format("%Y-%m-%d %H:%M:%S");
        folder.run("app.db", &format!("UPDATE api_keys SET expires_at = '{end}'"));
        assert_eq!(store.insert(&new, Some(1)).await.is_ok(), is_room, "{end}");
        folder.run("app.db", "DELETE FROM api_keys WHERE prefix = 'ijklmnop'");
    }
    new.expires_at = Some(at(1));
}

#[tokio::test]
async fn a_key_created_by_hand_is_listed_and_can_be_managed() {
    let (folder, _, keys) = open().await;
    let mut created = Vec::new();
    for number in 0..5 {
        created.push(keys.create(format!("key {number}")).await.unwrap());
    }
    for (number, form) in [(1, FORMS[0]), (3, FORMS[7]), (4, FORMS[4])] {
        let (time, prefix) = (form.replace("{}", ", '-1 hours'"), &created[number].key.prefix);
        folder.run(
            "app.db",
            &format!("UPDATE api_keys SET created_at = {time} WHERE prefix = '{prefix}'"),
        );
    }
    for limit in [1, 2, 3, 5, 100] {
        let mut names = Vec::new();
        let mut query = KeyQuery::new().limit(limit);
        loop {
            let page = keys.list(&query).await.unwrap();
            names.extend(page.keys.into_iter().map(|key| key.name));
            assert!(names.len() <= 5, "pages of {limit} go round in circles");
            query = query.after(page.next);
            if query.after.is_none() {
                break;
            }
        }
        // Those whose time sorts otherwise come last.
        assert_eq!(names, ["key 2", "key 0", "key 4", "key 3", "key 1"], "pages of {limit}");
    }
    for created in created {
        keys.verify(created.plaintext.expose()).await.unwrap();
        keys.update(&created.key.prefix, KeyUpdate::new().name("new")).await.unwrap();
    }
    assert_eq!(keys.check().await.unwrap(), []);
}
