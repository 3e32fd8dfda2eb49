//! Mistakes of set-up that `check` finds.

use apikey_core::KeyStore;
use apikey_diesel::{ConnectionOptions, DieselStore};

use crate::fixture::Folder;

/// Opens a database with a table of somebody's own making, and returns the problems found.
async fn problems(sql: &str) -> Vec<String> {
    let folder = Folder::new();
    folder.run("app.db", sql);
    let options = ConnectionOptions::new();
    let store = DieselStore::connect_sqlite(&folder.url("app.db"), options).await.unwrap();
    store.check().await.unwrap().into_iter().map(|finding| finding.problem).collect()
}

fn table(prefix: &str) -> String {
    format!(
        "CREATE TABLE api_keys (id INTEGER PRIMARY KEY, {prefix}, hashed_key TEXT, name TEXT, \
         scopes TEXT, created_at TEXT, expires_at TEXT, disabled_at TEXT, revoked_at TEXT, \
         last_used_at TEXT, rotated_from TEXT);"
    )
}

#[tokio::test]
async fn finds_nothing_in_a_migrated_database() {
    let store = DieselStore::sqlite("sqlite::memory:").await.unwrap();
    assert!(store.check().await.unwrap().is_empty());
    assert!(problems(&table("prefix TEXT UNIQUE")).await.is_empty());
}

#[tokio::test]
async fn finds_a_missing_table() {
    let found = problems("CREATE TABLE theirs (id INTEGER)").await;
    assert_eq!(found, ["the table api_keys does not exist"]);
}

#[tokio::test]
async fn finds_missing_columns() {
    let sql = table("prefix TEXT UNIQUE").replace("scopes TEXT, ", "").replace("name TEXT, ", "");
    let missing = ["name", "scopes"];
    assert_eq!(
        problems(&sql).await,
        missing.map(|column| format!("the table api_keys has no column {column}"))
    );
    let found = problems(&table("code TEXT")).await;
    assert_eq!(found, ["the table api_keys has no column prefix"]);
}

#[tokio::test]
async fn finds_a_prefix_that_ignores_case_or_spaces() {
    let problem = "the column api_keys.prefix does not tell upper from lower case";
    assert_eq!(problems(&table("prefix TEXT COLLATE NOCASE UNIQUE")).await, [problem]);
    assert_eq!(problems(&table("prefix TEXT COLLATE RTRIM UNIQUE")).await.len(), 1);
}

#[tokio::test]
async fn finds_a_prefix_that_is_not_unique() {
    let problem = ["the column api_keys.prefix is not unique"];
    assert_eq!(problems(&table("prefix TEXT")).await, problem);
    let index =
        |columns| format!("{}CREATE UNIQUE INDEX i ON api_keys {columns};", table("prefix TEXT"));
    assert_eq!(problems(&index("(prefix, name)")).await, problem);
    assert_eq!(problems(&index("(prefix) WHERE revoked_at IS NULL")).await, problem);
    assert!(problems(&index("(prefix)")).await.is_empty());
}
