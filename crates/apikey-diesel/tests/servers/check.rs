//! Mistakes of set-up that `check` finds, and whether its advice helps.

use apikey_core::KeyStore;
use apikey_diesel::DieselStore;

use crate::database::on_each_server;
use crate::parallel::{at, new_key};
use crate::server::Server;

#[test]
fn finds_nothing_in_a_migrated_database() {
    on_each_server("finds_nothing_in_a_migrated_database", async |_, databases| {
        let store = databases.store().await;
        assert!(store.check().await.unwrap().is_empty());
    });
}

#[test]
fn finds_a_missing_table() {
    on_each_server("finds_a_missing_table", async |_, databases| {
        let store = DieselStore::connect(&databases.create().await).await.unwrap();
        let found = store.check().await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].problem, "the table api_keys does not exist");
    });
}

#[test]
fn finds_missing_columns() {
    on_each_server("finds_missing_columns", async |_, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        databases.run(&url, "ALTER TABLE api_keys DROP COLUMN scopes").await;
        let found = store.check().await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].problem, "the table api_keys has no column scopes");
    });
}

#[test]
fn finds_columns_that_cannot_do_and_names_the_statements_that_help() {
    on_each_server("finds_columns_that_cannot_do", async |server, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let (change, number) = match server {
            Server::Postgres => (
                "ALTER TABLE api_keys DROP CONSTRAINT api_keys_prefix_key, \
                 ALTER COLUMN hashed_key TYPE varchar(64)",
                2,
            ),
            // The collation that a table has unless told otherwise.
            Server::Mysql => (
                "ALTER TABLE api_keys DROP KEY api_keys_prefix, \
                 MODIFY prefix VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL, \
                 MODIFY hashed_key VARCHAR(64) NOT NULL",
                3,
            ),
        };
        databases.run(&url, change).await;
        let found = store.check().await.unwrap();
        assert_eq!(found.len(), number, "{found:?}");
        for finding in found {
            databases.run(&url, &finding.fix).await;
        }
        let left = store.check().await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    });
}

#[test]
fn finds_times_without_microseconds() {
    on_each_server("finds_times_without_microseconds", async |server, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let change = match server {
            Server::Postgres => {
                "ALTER TABLE api_keys ALTER COLUMN expires_at TYPE timestamptz(0), \
                 ALTER COLUMN created_at TYPE timestamptz(3)"
            }
            Server::Mysql => {
                "ALTER TABLE api_keys MODIFY expires_at DATETIME NULL, \
                 MODIFY created_at DATETIME(3) NOT NULL"
            }
        };
        databases.run(&url, change).await;
        let found = store.check().await.unwrap();
        let problems: Vec<_> = found.iter().map(|finding| finding.problem.as_str()).collect();
        assert_eq!(
            problems,
            ["created_at", "expires_at"]
                .map(|column| format!("the column api_keys.{column} does not keep microseconds"))
        );
        for finding in found {
            databases.run(&url, &finding.fix).await;
        }
        assert!(store.check().await.unwrap().is_empty());
        let kept = store.insert(&new_key("abcdefgh").with_expires_at(Some(at(9))), None).await;
        assert_eq!(kept.unwrap().expires_at, Some(at(9)));
    });
}

#[test]
fn finds_a_table_without_transactions() {
    on_each_server("finds_a_table_without_transactions", async |server, databases| {
        if server != Server::Mysql {
            return;
        }
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        databases.run(&url, "ALTER TABLE api_keys ENGINE = MyISAM").await;
        let found = store.check().await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].problem.contains("MyISAM"), "{found:?}");
        databases.run(&url, &found[0].fix).await;
        assert_eq!(store.check().await.unwrap(), []);
    });
}
