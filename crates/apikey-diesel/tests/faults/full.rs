//! A database that has no room left.

use std::process::{Command, Stdio};

use apikey_core::{ApiKeys, KeyRecord, ManageError, StoreError};
use apikey_diesel::diesel::SqliteConnection;
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::diesel::r2d2::{ConnectionManager, CustomizeConnection, Error, Pool};
use apikey_diesel::{ConnectionOptions, DieselStore};

use crate::child::{Acknowledged, Writers};
use crate::database::{Database, GRACE, whole_keys};

/// Lets the database grow to this many pages of 4 KiB: SQLite then answers as on a full disk.
#[derive(Debug)]
struct Quota(u32);

impl CustomizeConnection<SqliteConnection, Error> for Quota {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), Error> {
        ConnectionOptions::new().on_acquire(conn)?;
        conn.batch_execute(&format!("PRAGMA max_page_count = {}", self.0))
            .map_err(Error::QueryError)
    }
}

/// The handle on a database with a quota, which exists already.
fn keys(database: &Database, pages: u32) -> ApiKeys {
    let pool = Pool::builder()
        .max_size(2)
        .test_on_check_out(false)
        .connection_customizer(Box::new(Quota(pages)))
        .build(ConnectionManager::<SqliteConnection>::new(database.path()))
        .unwrap();
    ApiKeys::new(DieselStore::new(pool))
}

/// What an operation came to; `None` if it had no room.
fn unless_full<T>(result: Result<T, ManageError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(ManageError::Store(StoreError::Unavailable(source))) => {
            assert_eq!(source.to_string(), "database or disk is full");
            None
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_quota_is_an_error_leaves_nothing_half_written_and_ends_with_the_need() {
    let database = Database::new();
    drop(database.keys().await);
    let full = keys(&database, 40);
    let name = "n".repeat(200);
    let mut created = Vec::new();
    while let Some(key) = unless_full(full.create(name.as_str()).await) {
        created.push(key);
    }
    let mut rotations = 0;
    for key in &created {
        rotations += usize::from(unless_full(full.rotate(&key.key.prefix, GRACE).await).is_some());
    }
    assert!(created.len() > 50 && rotations < created.len(), "{} {rotations}", created.len());
    // Clients notice nothing.
    for key in &created {
        full.verify(key.plaintext.expose()).await.unwrap();
    }
    assert_eq!(database.whole_keys().await.len(), created.len() + rotations);
    let roomy = keys(&database, 1_000_000);
    roomy.create(name.as_str()).await.unwrap();
    for key in created.iter().rev().take(3) {
        roomy.rotate(&key.key.prefix, GRACE).await.unwrap();
    }
    database.whole_keys().await;
}

/// SQLite undoes by itself what has no room. The connection is as good as before, and with one to a database in
/// memory the database would go.
#[tokio::test]
async fn a_full_database_in_memory_keeps_its_keys() {
    let pool = Pool::builder()
        .max_size(1)
        .connection_customizer(Box::new(Quota(40)))
        .build(ConnectionManager::<SqliteConnection>::new(":memory:"))
        .unwrap();
    let store: DieselStore<KeyRecord, _> = DieselStore::new(pool);
    store.migrate().await.unwrap();
    let keys = ApiKeys::new(store);
    let name = "n".repeat(200);
    let mut created = Vec::new();
    while let Some(key) = unless_full(keys.create(name.as_str()).await) {
        created.push(key.key.prefix);
    }
    let mut rotations = 0;
    for prefix in &created {
        rotations += usize::from(unless_full(keys.rotate(prefix, GRACE).await).is_some());
    }
    assert!(created.len() > 50 && rotations < created.len(), "{} {rotations}", created.len());
    assert_eq!(whole_keys(&keys).await.len(), created.len() + rotations);
}

/// A limit on the size of files, which the operating system enforces in the midst of a write.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_may_not_grow_loses_nothing_that_was_acknowledged() {
    let database = Database::new();
    drop(database.keys().await);
    let mut limited = Command::new("sh");
    // In blocks of 512 bytes or of a KiB, as the shell likes. Without the trap the process would be killed.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 4000; exec \"$0\" \"$@\""]);
    // That its writers panic is meant.
    limited.stderr(Stdio::null());
    let mut writers = Writers::start_by(limited, &database, u32::MAX);
    let acknowledged = writers.rest();
    assert!(!writers.process.wait().unwrap().success(), "it cannot write for ever");
    let keys = database.whole_keys().await;
    assert!(acknowledged.len() > 50, "{}", acknowledged.len());
    for change in &acknowledged {
        let (Acknowledged::Created(prefix) | Acknowledged::Rotated { successor: prefix, .. }) =
            change;
        assert!(keys.contains_key(prefix), "{prefix} is lost");
    }
    database.keys().await.create("after").await.unwrap();
}
