//! A folder for database files, and keys to put into them.

use std::path::PathBuf;

use apikey_core::chrono::DateTime;
use apikey_core::{HashedKey, KeyRecord, NewRecord, StoreError, Timestamp};
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::diesel::{Connection, SqliteConnection};
use apikey_diesel::{DieselStore, SqlitePool};
use tempfile::TempDir;

/// Deleted with everything in it at the end of the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("sqlite://{}", self.path(name).display())
    }

    /// Opens a connection that knows nothing of the store.
    pub(crate) fn connect(&self, name: &str) -> SqliteConnection {
        SqliteConnection::establish(&self.path(name).display().to_string()).unwrap()
    }

    pub(crate) fn run(&self, name: &str, sql: &str) {
        self.connect(name).batch_execute(sql).unwrap();
    }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 123_456_000).unwrap()
}

pub(crate) const HASH: &str = "sha256$$0123456789abcdef";

pub(crate) fn new_key(prefix: &str) -> NewRecord<()> {
    NewRecord::new(prefix, HashedKey::new(HASH), "name", at(0), ())
}

/// Everything that a log of this error could show.
pub(crate) fn full_text(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<_> = chain.map(|error| format!("{error} {error:?}")).collect();
    texts.join("\n")
}

#[track_caller]
pub(crate) fn assert_unavailable<T>(result: Result<T, StoreError>, part: &str) {
    let error = result.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let text = full_text(&error);
    assert!(text.contains(part), "{text}");
    assert!(!text.contains(HASH), "{text}");
}

pub(crate) type SqliteStore = DieselStore<KeyRecord, SqlitePool>;
