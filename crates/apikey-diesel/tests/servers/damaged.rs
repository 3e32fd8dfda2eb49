//! One row that cannot be read, on a server: it refuses its own key and nothing else. And times that are none.

use std::time::Duration;

use apikey_core::chrono::Datelike;
use apikey_core::{
    ApiKeys, CreatedKey, DenyReason, KeyQuery, KeyRecord, KeyStatus, KeyStore, ManageError,
    Rotation, StoreError,
};
use apikey_diesel::{AnyPool, DieselStore};

use crate::database::on_each_server;
use crate::opening::full_text;
use crate::parallel::{at, new_key};
use crate::server::{Databases, Server};

/// What lets damage into the table, and the kinds of it: what is set, and the column that is named.
fn damage(server: Server) -> (&'static str, &'static [(&'static str, &'static str)]) {
    match server {
        Server::Postgres => (
            "ALTER TABLE api_keys ALTER name DROP NOT NULL, ALTER scopes DROP NOT NULL, \
             ALTER created_at DROP NOT NULL, ALTER hashed_key DROP NOT NULL",
            &[
                ("scopes = 'a\"b'", "scopes"),
                ("scopes = NULL", "scopes"),
                ("name = NULL", "name"),
                ("hashed_key = NULL", "hashed_key"),
                ("created_at = NULL", "created_at"),
                ("created_at = '290000-01-01 00:00:00+00'", "created_at"),
                ("expires_at = '290000-01-01 00:00:00+00'", "expires_at"),
            ],
        ),
        Server::Mysql => (
            "ALTER TABLE api_keys MODIFY name VARCHAR(255) NULL, MODIFY scopes TEXT NULL, \
             MODIFY created_at DATETIME(6) NULL, MODIFY hashed_key VARCHAR(512) NULL",
            &[
                ("scopes = 'a\"b'", "scopes"),
                ("scopes = NULL", "scopes"),
                ("name = NULL", "name"),
                ("hashed_key = NULL", "hashed_key"),
                ("created_at = NULL", "created_at"),
                ("created_at = '0000-00-00'", "created_at"),
                ("created_at = '2026-00-10'", "created_at"),
                ("expires_at = '0000-00-00'", "expires_at"),
                ("last_used_at = '2026-01-00'", "last_used_at"),
            ],
        ),
    }
}

/// Three keys, of which the second is damaged.
struct Damaged {
    keys: ApiKeys<KeyRecord>,
    created: Vec<CreatedKey<KeyRecord>>,
}

impl Damaged {
    async fn by(server: Server, databases: &Databases, url: &str, set: &str) -> Self {
        databases.run(url, "DELETE FROM api_keys").await;
        let store = DieselStore::connect(url).await.unwrap();
        let keys = ApiKeys::new(store);
        let mut created = Vec::new();
        for name in ["one", "bad", "two"] {
            created.push(keys.create(name).await.unwrap());
        }
        let damaged = Self { keys, created };
        let lax = if server == Server::Mysql { "SET sql_mode = ''; " } else { "" };
        let sql = format!("{lax}UPDATE api_keys SET {set} WHERE prefix = '{}'", damaged.bad());
        databases.run(url, &sql).await;
        damaged
    }

    fn bad(&self) -> &str {
        &self.created[1].key.prefix
    }
}

async fn lists_the_others(damaged: &Damaged, set: &str) {
    for limit in [1, 2, 3, 100] {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        let mut query = KeyQuery::new().limit(limit);
        loop {
            let page = damaged.keys.list(&query).await.unwrap();
            good.extend(page.keys.into_iter().map(|key| key.name));
            bad.extend(page.unreadable.into_iter().filter_map(|row| row.prefix));
            assert!(good.len() + bad.len() <= 3, "{set}: pages of {limit} go round in circles");
            query = query.after(page.next);
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(good, ["two", "one"], "{set}: pages of {limit}");
        assert_eq!(bad, [damaged.bad()], "{set}: pages of {limit}");
    }
    assert_eq!(damaged.keys.count(&KeyQuery::new()).await.unwrap(), 3, "{set}");
}

#[test]
fn a_damaged_row_refuses_its_own_key_and_nothing_else() {
    on_each_server("a_damaged_row_refuses", async |server, databases| {
        let url = databases.create().await;
        DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
        let (lax, kinds) = damage(server);
        databases.run(&url, lax).await;
        for (set, column) in kinds {
            let damaged = Damaged::by(server, databases, &url, set).await;
            for created in &damaged.created {
                let verdict = damaged.keys.verify(created.plaintext.expose()).await;
                let is_bad = created.key.name == "bad";
                let reason = verdict.err().map(|error| (error.reason(), error.status()));
                assert_eq!(reason, is_bad.then_some((DenyReason::UnreadableRow, 401)), "{set}");
            }
            lists_the_others(&damaged, set).await;
            let findings = damaged.keys.check().await.unwrap();
            let named = findings.iter().find(|finding| finding.problem.contains(damaged.bad()));
            let named = named.unwrap_or_else(|| panic!("{set}: {findings:?}"));
            assert!(named.problem.contains(column), "{set}: {named:?}");

            let ended = damaged.keys.revoke(damaged.bad()).await.unwrap_err();
            assert!(matches!(ended, ManageError::EndedUnread(_)), "{set}: {ended:?}");
            // A repeated end changes nothing, and finds the key.
            let ended = damaged.keys.revoke(damaged.bad()).await.unwrap_err();
            assert!(matches!(ended, ManageError::EndedUnread(_)), "{set}: {ended:?}");
            if *column == "hashed_key" {
                damaged.keys.purge_key(damaged.bad()).await.unwrap();
                continue;
            }
            databases.run(&url, &named.fix).await;
            let key = damaged.keys.get(damaged.bad()).await.unwrap().unwrap();
            assert!(key.revoked_at.is_some(), "{set}");
            damaged.keys.purge_key(damaged.bad()).await.unwrap();
            assert_eq!(damaged.keys.count(&KeyQuery::new()).await.unwrap(), 2, "{set}");
        }
    });
}

#[test]
fn purge_passes_over_a_time_that_is_none() {
    on_each_server("purge_passes_over", async |server, databases| {
        if server != Server::Mysql {
            return;
        }
        let url = databases.create().await;
        DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
        let set = "expires_at = '0000-00-00'";
        let damaged = Damaged::by(server, databases, &url, set).await;
        assert_eq!(damaged.keys.purge(Duration::ZERO, 10).await.unwrap(), 0);
        let count =
            async |status| damaged.keys.count(&KeyQuery::new().status(status)).await.unwrap();
        assert_eq!((count(KeyStatus::Expired).await, count(KeyStatus::Active).await), (0, 3));
    });
}

#[test]
fn what_ends_at_infinity_does_not_end() {
    on_each_server("what_ends_at_infinity", async |server, databases| {
        if server != Server::Postgres {
            return;
        }
        let url = databases.create().await;
        let store: DieselStore<KeyRecord, AnyPool> = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let id = store.insert(&new_key("abcdefgh"), None).await.unwrap().id;
        for (time, year, expired) in [("infinity", 9999, 0), ("-infinity", 1, 1)] {
            let sql = format!("UPDATE api_keys SET expires_at = '{time}', last_used_at = '{time}'");
            databases.run(&url, &sql).await;
            let key = store.get("abcdefgh", None).await.unwrap().unwrap();
            assert_eq!(key.expires_at.unwrap().year(), year, "{time}");
            let query = KeyQuery::new().status(KeyStatus::Expired);
            assert_eq!(store.count(&query, at(0)).await.unwrap(), expired, "{time}");
            let mut rotation = Rotation::new(key.expires_at, at(9), new_key("ijklmnop"));
            rotation.seen_name.clone_from(&key.name);
            store.rotate(&id, None, &rotation).await.unwrap();
            databases.run(&url, "DELETE FROM api_keys WHERE prefix = 'ijklmnop'").await;
        }
        // Those created then come last, and once.
        store.insert(&new_key("ijklmnop"), None).await.unwrap();
        databases.run(&url, "UPDATE api_keys SET created_at = 'infinity', expires_at = NULL").await;
        store.insert(&new_key("qrstuvwx"), None).await.unwrap();
        let (mut prefixes, mut query) = (Vec::new(), KeyQuery::new().limit(1));
        loop {
            let page = store.list(&query, at(0)).await.unwrap();
            prefixes.extend(page.keys.into_iter().map(|key| key.prefix));
            assert!(prefixes.len() <= 3, "{prefixes:?}");
            query = query.after(page.next);
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(prefixes, ["qrstuvwx", "ijklmnop", "abcdefgh"]);
    });
}

/// Mistakes of the table, and the column that is named.
fn mistakes(server: Server) -> &'static [(&'static str, &'static str)] {
    match server {
        Server::Postgres => &[
            ("ALTER TABLE api_keys ALTER created_at TYPE date", "created_at"),
            (
                "ALTER TABLE api_keys ALTER created_at TYPE bigint USING extract(epoch FROM created_at)",
                "created_at",
            ),
            ("ALTER TABLE api_keys ALTER expires_at TYPE text", "expires_at"),
            ("ALTER TABLE api_keys ALTER id DROP IDENTITY IF EXISTS, ALTER id TYPE int", "id"),
        ],
        Server::Mysql => &[
            ("ALTER TABLE api_keys MODIFY created_at VARCHAR(40) NOT NULL", "created_at"),
            (
                "ALTER TABLE api_keys DROP COLUMN created_at, ADD created_at BIGINT NOT NULL DEFAULT 7",
                "created_at",
            ),
            ("ALTER TABLE api_keys MODIFY expires_at VARCHAR(40) NULL", "expires_at"),
        ],
    }
}

#[test]
fn a_column_of_the_wrong_type_is_no_fault_of_the_keys() {
    on_each_server("a_column_of_the_wrong_type", async |server, databases| {
        for (change, column) in mistakes(server) {
            let url = databases.create().await;
            DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
            let damaged = Damaged::by(server, databases, &url, "expires_at = NULL").await;
            let ends = "UPDATE api_keys SET expires_at = '2999-01-01 00:00:00'";
            databases.run(&url, ends).await;
            databases.run(&url, change).await;
            // Statements that a connection has prepared are of the old type.
            let store = DieselStore::connect(&url).await.unwrap();
            let keys: ApiKeys = ApiKeys::new(store.clone());
            let refusal = keys.verify(damaged.created[0].plaintext.expose()).await.unwrap_err();
            let told = (refusal.reason(), refusal.status());
            assert_eq!(told, (DenyReason::StoreUnavailable, 503), "{change}: {refusal:?}");
            let error = store.list(&KeyQuery::new(), at(0)).await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable(_)), "{change}: {error:?}");
            let error = store.get(damaged.bad(), None).await.unwrap_err();
            let text = full_text(&error);
            assert!(text.contains(&format!("api_keys.{column}")), "{change}: {text}");
            assert!(!text.contains("sha256$$"), "{change}: {text}");
            if *column != "id" {
                let found = store.check().await.unwrap();
                let named = found.iter().any(|found| {
                    found.problem.contains(&format!("the column api_keys.{column} is of the type"))
                });
                assert!(named, "{change}: {found:?}");
            }
        }
    });
}

#[test]
fn no_advice_repeats_what_somebody_wrote_as_a_prefix() {
    on_each_server("no_advice_repeats", async |server, databases| {
        let url = databases.create().await;
        DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
        let damaged = Damaged::by(server, databases, &url, "scopes = 'a\"b'").await;
        let bad = damaged.keys.get(damaged.bad()).await.unwrap_err();
        let ManageError::Unreadable(row) = bad else { panic!("{bad:?}") };
        assert!(row.fix.contains(&format!("WHERE prefix = '{}'", damaged.bad())), "{row:?}");
        let evil = match server {
            Server::Postgres => "\\''; DROP TABLE other; -- ",
            Server::Mysql => "\\\\''; DROP TABLE other; -- ",
        };
        let sql =
            format!("UPDATE api_keys SET prefix = '{evil}' WHERE prefix = '{}'", damaged.bad());
        databases.run(&url, &sql).await;
        let page = damaged.keys.list(&KeyQuery::new()).await.unwrap();
        let [row] = &page.unreadable[..] else { panic!("{page:?}") };
        assert!(!row.fix.contains("other"), "{row:?}");
        databases.run(&url, &row.fix).await;
        assert_eq!(damaged.keys.list(&KeyQuery::new()).await.unwrap().keys.len(), 3);
    });
}
