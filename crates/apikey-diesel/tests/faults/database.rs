//! A database in a folder, and the check that every change in it is whole.

use std::collections::HashMap;
use std::time::Duration;

use apikey_core::{ApiKeys, KeyQuery, KeyRecord, MAX_PAGE};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel::sql_types::Text;
use apikey_diesel::diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query,
};
use tempfile::TempDir;

/// How long a predecessor goes on working in these tests.
pub(crate) const GRACE: Duration = Duration::from_secs(3600);

/// Deleted with its folder at the end of the test.
pub(crate) struct Database(TempDir);

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> String {
        self.0.path().join("app.db").display().to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.path())
    }

    pub(crate) async fn keys(&self) -> ApiKeys {
        ApiKeys::new(DieselStore::sqlite(&self.url()).await.unwrap())
    }

    /// Checks the file and every rotation, and returns all keys by their prefixes.
    pub(crate) async fn whole_keys(&self) -> HashMap<String, KeyRecord> {
        let mut conn = SqliteConnection::establish(&self.path()).unwrap();
        let answers: Vec<Answer> = sql_query("PRAGMA integrity_check").load(&mut conn).unwrap();
        assert_eq!(answers[0].integrity_check, "ok");
        whole_keys(&self.keys().await).await
    }
}

/// Checks every rotation, and returns all keys by their prefixes. No test creates a key with an expiry, so one
/// that has an expiry was rotated.
pub(crate) async fn whole_keys(keys: &ApiKeys) -> HashMap<String, KeyRecord> {
    let keys = all(keys).await;
    for key in keys.values() {
        let of_it = |other: &&KeyRecord| other.rotated_from.as_ref() == Some(&key.prefix);
        let successors = keys.values().filter(of_it).count();
        let expected = usize::from(key.expires_at.is_some());
        assert_eq!(successors, expected, "{} is half rotated", key.prefix);
        if let Some(predecessor) = &key.rotated_from {
            assert!(keys[predecessor].expires_at.is_some(), "{predecessor} goes on for ever");
        }
    }
    keys
}

async fn all(keys: &ApiKeys) -> HashMap<String, KeyRecord> {
    let mut query = KeyQuery::new().limit(MAX_PAGE);
    let mut all = HashMap::new();
    loop {
        let page = keys.list(&query).await.unwrap();
        all.extend(page.keys.into_iter().map(|key| (key.prefix.clone(), key)));
        query = query.after(page.next);
        if query.after.is_none() {
            return all;
        }
    }
}
