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
        "CREATE TABLE api_keys (id INTEGER PRIMARY KEY, {prefix}, hashed_key TEXT NOT NULL, \
         name TEXT NOT NULL, scopes TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT, \
         disabled_at TEXT, revoked_at TEXT, last_used_at TEXT, rotated_from TEXT);"
    )
}

#[tokio::test]
async fn finds_nothing_in_a_migrated_database() {
    let store = DieselStore::sqlite("sqlite::memory:").await.unwrap();
    assert!(store.check().await.unwrap().is_empty());
    assert!(problems(&table("prefix TEXT NOT NULL UNIQUE")).await.is_empty());
}

#[tokio::test]
async fn finds_a_missing_table() {
    let found = problems("CREATE TABLE theirs (id INTEGER)").await;
    assert_eq!(found, ["the table api_keys does not exist"]);
}

#[tokio::test]
async fn finds_missing_columns() {
    let sql = table("prefix TEXT NOT NULL UNIQUE")
        .replace("scopes TEXT NOT NULL, ", "")
        .replace("name TEXT NOT NULL, ", "");
    let missing = ["name", "scopes"];
    assert_eq!(
        problems(&sql).await,
        missing.map(|column| format!("the table api_keys has no column {column}"))
    );
    let found = problems(&table("code TEXT NOT NULL")).await;
    assert_eq!(found, ["the table api_keys has no column prefix"]);
}

#[tokio::test]
async fn finds_columns_that_may_be_null() {
    let problem =
        |name| format!("the column api_keys.{name} may be null, and such a row cannot be read");
    let sql = table("prefix TEXT UNIQUE");
    assert_eq!(problems(&sql).await, [problem("prefix")]);
    // To SQLite a primary key may be null as well, unless it is the number of the row.
    let sql = sql.replace("id INTEGER PRIMARY KEY, ", "").replace("UNIQUE", "PRIMARY KEY");
    let sql = sql.replace("hashed_key", "id INTEGER, hashed_key");
    assert_eq!(problems(&sql).await, [problem("prefix")]);
    let sql = table("prefix TEXT NOT NULL UNIQUE");
    for name in ["hashed_key", "name", "scopes", "created_at"] {
        let column = format!("{name} TEXT");
        let nullable = sql.replace(&format!("{column} NOT NULL"), &column);
        assert_eq!(problems(&nullable).await, [problem(name)]);
    }
    let found = problems(&sql.replace(" NOT NULL", "")).await;
    assert_eq!(found.len(), 5, "{found:?}");
}

#[tokio::test]
async fn finds_a_prefix_that_ignores_case_or_spaces() {
    let problem = "the column api_keys.prefix does not tell upper from lower case";
    assert_eq!(problems(&table("prefix TEXT NOT NULL COLLATE NOCASE UNIQUE")).await, [problem]);
    assert_eq!(problems(&table("prefix TEXT NOT NULL COLLATE RTRIM UNIQUE")).await.len(), 1);
}

#[tokio::test]
async fn finds_a_prefix_that_is_not_unique() {
    let problem = ["the column api_keys.prefix is not unique"];
    assert_eq!(problems(&table("prefix TEXT NOT NULL")).await, problem);
    let index = |columns| {
        format!("{}CREATE UNIQUE INDEX i ON api_keys {columns};", table("prefix TEXT NOT NULL"))
    };
    assert_eq!(problems(&index("(prefix, name)")).await, problem);
    assert_eq!(problems(&index("(prefix) WHERE revoked_at IS NULL")).await, problem);
    assert!(problems(&index("(prefix)")).await.is_empty());
}
