//! One row that cannot be read: it refuses its own key and nothing else.

use std::time::Duration;

use apikey_core::{
    ApiKeys, DenyReason, Finding, KeyQuery, KeyRecord, KeyStatus, KeyStore, ManageError, StoreError,
};
use apikey_diesel::{ConnectionOptions, DieselStore};

use crate::fixture::{Folder, SqliteStore, full_text};

/// The built-in table without what keeps damage from it.
const LAX: &str = "CREATE TABLE api_keys (id INTEGER PRIMARY KEY, prefix TEXT UNIQUE, \
     hashed_key TEXT, name TEXT, scopes TEXT, created_at TEXT, expires_at TEXT, disabled_at TEXT, \
     revoked_at TEXT, last_used_at TEXT, rotated_from TEXT);";

/// Every kind of damage: what is set, and the column that is named.
const KINDS: [(&str, &str); 13] = [
    ("scopes = 'a\"b'", "scopes"),
    ("scopes = char(9)", "scopes"),
    ("scopes = CAST(x'ff' AS TEXT)", "scopes"),
    ("scopes = NULL", "scopes"),
    ("name = NULL", "name"),
    ("hashed_key = NULL", "hashed_key"),
    ("created_at = NULL", "created_at"),
    ("created_at = 'yesterday'", "created_at"),
    ("created_at = x'00ff'", "created_at"),
    ("expires_at = '2026-13-01T00:00:00.000000Z'", "expires_at"),
    ("expires_at = ''", "expires_at"),
    ("last_used_at = '1763792377'", "last_used_at"),
    ("disabled_at = 'x'", "disabled_at"),
];

struct Damaged {
    folder: Folder,
    store: SqliteStore,
    keys: ApiKeys,
    /// The keys' texts, the damaged one in the middle.
    texts: Vec<String>,
    prefixes: Vec<String>,
}

impl Damaged {
    async fn by(set: &str) -> Self {
        let folder = Folder::new();
        folder.run("app.db", LAX);
        let url = folder.url("app.db");
        let store = DieselStore::connect_sqlite(&url, ConnectionOptions::new()).await.unwrap();
        let keys: ApiKeys = ApiKeys::new(store.clone());
        let (mut texts, mut prefixes) = (Vec::new(), Vec::new());
        for name in ["one", "bad", "two"] {
            let created = keys.create(name).await.unwrap();
            texts.push(created.plaintext.expose().to_owned());
            prefixes.push(created.key.prefix);
        }
        let damaged = Self { folder, store, keys, texts, prefixes };
        damaged.set(set);
        damaged
    }

    fn set(&self, set: &str) {
        let sql = format!("UPDATE api_keys SET {set} WHERE prefix = '{}'", self.bad());
        self.folder.run("app.db", &sql);
    }

    fn bad(&self) -> &str {
        &self.prefixes[1]
    }

    /// What `check` says, but for the nulls that the table takes.
    async fn findings(&self) -> Vec<Finding> {
        let mut findings = self.keys.check().await.unwrap();
        findings.retain(|finding| !finding.problem.contains("may be null"));
        findings
    }

    /// Goes through all pages; returns the prefixes of the keys, sorted, and those of the other rows.
    async fn list(&self, limit: u32) -> (Vec<String>, Vec<String>) {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        let mut query = KeyQuery::new().limit(limit);
        loop {
            let page = self.keys.list(&query).await.unwrap();
            good.extend(page.keys.iter().map(|key: &KeyRecord| key.prefix.clone()));
            bad.extend(page.unreadable.into_iter().filter_map(|row| row.prefix));
            query = query.after(page.next);
            assert!(good.len() + bad.len() <= 3, "pages of {limit} go round in circles: {bad:?}");
            if query.after.is_none() {
                good.sort();
                return (good, bad);
            }
        }
    }
}

#[tokio::test]
async fn refuses_its_own_key_and_no_other() {
    for (set, column) in KINDS {
        let damaged = Damaged::by(set).await;
        for (text, is_bad) in damaged.texts.iter().zip([false, true, false]) {
            let verdict = damaged.keys.verify(text).await;
            if is_bad {
                let refusal = verdict.unwrap_err();
                let told = (refusal.reason(), refusal.status());
                assert_eq!(told, (DenyReason::UnreadableRow, 401), "{set}");
                assert!(full_text(&refusal).contains(column), "{set}: {}", full_text(&refusal));
                assert!(!full_text(&refusal).contains("sha256$$"), "{set}");
            } else {
                verdict.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn lists_show_the_others_and_name_it() {
    for (set, _) in KINDS {
        let damaged = Damaged::by(set).await;
        let mut others = vec![damaged.prefixes[0].clone(), damaged.prefixes[2].clone()];
        others.sort();
        for limit in [1, 2, 3, 100] {
            let (good, bad) = damaged.list(limit).await;
            assert_eq!(good, others, "{set}: pages of {limit}");
            assert_eq!(bad, [damaged.bad()], "{set}: pages of {limit}");
        }
        let count = damaged.keys.count(&KeyQuery::new()).await.unwrap();
        assert_eq!(count, 3, "{set}: as many as are listed and named");
    }
}

#[tokio::test]
async fn a_key_alone_is_an_error_that_says_what_to_do() {
    for (set, column) in KINDS {
        let damaged = Damaged::by(set).await;
        let error = damaged.keys.get(damaged.bad()).await.unwrap_err();
        assert!(matches!(&error, ManageError::Unreadable(_)), "{set}: {error:?}");
        let text = full_text(&error);
        assert!(text.contains(column) && text.contains("revoke"), "{set}: {text}");
        let rename = apikey_core::KeyUpdate::new().name("new");
        let error = damaged.keys.update(damaged.bad(), rename).await.unwrap_err();
        assert!(matches!(&error, ManageError::Unreadable(_)), "{set}: {error:?}");
        let error = damaged.keys.rotate(damaged.bad(), Duration::ZERO).await.unwrap_err();
        assert!(matches!(&error, ManageError::Unreadable(_)), "{set}: {error:?}");
        let error = damaged.store.find_by_prefix(damaged.bad()).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unreadable(_)), "{set}: {error:?}");
    }
}

#[tokio::test]
async fn is_revoked_and_disabled_without_being_read() {
    for (set, column) in KINDS {
        let damaged = Damaged::by(set).await;
        let error = damaged.keys.disable(damaged.bad()).await.unwrap_err();
        assert!(matches!(&error, ManageError::EndedUnread(_)), "{set}: {error:?}");
        let revoked = damaged.keys.revoke(damaged.bad()).await;
        // Where that was what could not be read, it can by now.
        let is_unread = matches!(&revoked, Err(ManageError::EndedUnread(_)));
        assert_eq!(is_unread, column != "disabled_at", "{set}: {revoked:?}");
        // Once it is repaired it is seen.
        damaged.set("scopes = '', name = 'bad', created_at = '2026-01-01T00:00:00.000000Z'");
        damaged
            .set("expires_at = NULL, last_used_at = NULL, hashed_key = coalesce(hashed_key, '')");
        let key = damaged.keys.get(damaged.bad()).await.unwrap().unwrap();
        assert!(key.revoked_at.is_some() && key.disabled_at.is_some(), "{set} of {column}");
        let absent = damaged.keys.revoke("absent00").await.unwrap_err();
        assert!(matches!(absent, ManageError::NotFound { .. }), "{absent:?}");
    }
}

#[tokio::test]
async fn what_check_prints_repairs_it() {
    for (set, column) in KINDS {
        let damaged = Damaged::by(set).await;
        let findings = damaged.keys.check().await.unwrap();
        let named = findings.iter().find(|finding| finding.problem.contains(damaged.bad()));
        let named = named.unwrap_or_else(|| panic!("{set}: {findings:?}"));
        assert!(named.problem.contains(column), "{set}: {named:?}");
        if column == "hashed_key" {
            assert!(named.fix.contains("DELETE FROM"), "{named:?}");
            continue;
        }
        damaged.folder.run("app.db", &named.fix);
        assert!(damaged.keys.get(damaged.bad()).await.unwrap().is_some(), "{set}: {}", named.fix);
        // What is left is said of the table, and of no row.
        let left = damaged.keys.check().await.unwrap();
        assert!(left.iter().all(|finding| finding.problem.contains("may be null")), "{left:?}");
        assert_eq!(left.len(), 5, "{set}: {left:?}");
    }
}

#[tokio::test]
async fn purge_passes_over_it_unless_it_has_ended() {
    for (set, _) in KINDS {
        let damaged = Damaged::by(set).await;
        damaged.keys.revoke(&damaged.prefixes[0]).await.unwrap();
        assert_eq!(damaged.keys.purge(Duration::ZERO, 100).await.unwrap(), 1, "{set}");
        assert_eq!(damaged.keys.count(&KeyQuery::new()).await.unwrap(), 2, "{set}");
        damaged.keys.revoke(damaged.bad()).await.unwrap_err();
        assert_eq!(damaged.keys.purge(Duration::ZERO, 100).await.unwrap(), 1, "{set}");
        assert_eq!(damaged.list(10).await.1, Vec::<String>::new(), "{set}");
    }
}

#[tokio::test]
async fn is_deleted_by_its_prefix_once_it_has_ended() {
    for (set, _) in KINDS {
        let damaged = Damaged::by(set).await;
        let error = damaged.keys.purge_key(damaged.bad()).await.unwrap_err();
        assert!(matches!(&error, ManageError::NotEnded { .. }), "{set}: {error:?}");
        damaged.keys.revoke(damaged.bad()).await.unwrap_err();
        damaged.keys.purge_key(damaged.bad()).await.unwrap();
        let error = damaged.keys.purge_key(damaged.bad()).await.unwrap_err();
        assert!(matches!(&error, ManageError::NotFound { .. }), "{set}: {error:?}");
        assert_eq!(damaged.keys.count(&KeyQuery::new()).await.unwrap(), 2, "{set}");
    }
}

#[tokio::test]
async fn hashers_are_counted_past_it() {
    for (set, column) in KINDS {
        let damaged = Damaged::by(set).await;
        let report = damaged.keys.hashers().await.unwrap();
        let readable = if column == "hashed_key" { 2 } else { 3 };
        assert_eq!(report.encodings[0].encoding, "sha256$$", "{set}");
        assert_eq!(report.encodings[0].keys, readable, "{set}");
    }
    // Nothing but damaged rows: the report ends, and names them.
    let damaged = Damaged::by("name = NULL").await;
    damaged.folder.run("app.db", "UPDATE api_keys SET name = NULL");
    let report = damaged.keys.hashers().await.unwrap();
    assert_eq!((report.encodings.len(), report.unreadable.len()), (0, 3));
}

#[tokio::test]
async fn a_successor_that_cannot_be_read_is_one_all_the_same() {
    let damaged = Damaged::by("scopes = ''").await;
    damaged.set(&format!("rotated_from = '{}', scopes = '\"'", damaged.prefixes[0]));
    let error = damaged.keys.rotate(&damaged.prefixes[0], Duration::ZERO).await.unwrap_err();
    assert!(
        matches!(&error, ManageError::AlreadyRotated { successor } if successor == damaged.bad()),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_page_of_damaged_rows_alone_has_a_next_one() {
    let damaged = Damaged::by("name = NULL").await;
    for set in ["name = NULL", "created_at = 'x'", "created_at = NULL"] {
        damaged.folder.run("app.db", &format!("UPDATE api_keys SET {set}"));
        for limit in [1, 2, 3] {
            let (good, bad) = damaged.list(limit).await;
            assert_eq!((good.len(), bad.len()), (0, 3), "{set}, pages of {limit}");
        }
    }
    let active = KeyQuery::new().status(KeyStatus::Active);
    assert_eq!(damaged.keys.list(&active).await.unwrap().unreadable.len(), 3);
}

#[tokio::test]
async fn no_advice_repeats_what_somebody_wrote_as_a_prefix() {
    for prefix in ["\\''; DROP TABLE other; -- ", "'' OR 1=1 -- ", "a b", "ab\\"] {
        let damaged = Damaged::by("name = NULL").await;
        damaged.set(&format!("prefix = '{prefix}'"));
        let findings = damaged.findings().await;
        let fixes: Vec<_> = findings.iter().map(|finding| finding.fix.as_str()).collect();
        assert_eq!(fixes, ["UPDATE api_keys SET name = 'repaired' WHERE id = 2"], "{prefix}");
    }
}

#[tokio::test]
async fn a_column_that_no_row_has_as_it_must_be_is_one_mistake() {
    let damaged = Damaged::by("name = NULL").await;
    damaged.folder.run("app.db", "UPDATE api_keys SET created_at = 1763792377, name = 'name'");
    let findings = damaged.findings().await;
    let [table, rows @ ..] = &findings[..] else { panic!("{findings:?}") };
    assert!(table.problem.contains("none of the first 3 rows can be read"), "{table:?}");
    assert!(table.problem.contains("column created_at"), "{table:?}");
    assert!(rows.is_empty(), "{rows:?}");
    // One that can be read is enough to say that it is the others.
    damaged.set("created_at = '2026-01-01T00:00:00.000000Z'");
    let findings = damaged.findings().await;
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings.iter().all(|finding| finding.fix.starts_with("UPDATE")), "{findings:?}");
}
