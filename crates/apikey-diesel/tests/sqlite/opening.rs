//! What opens, what does not, and what the error says.

use std::fs;
use std::time::Duration;

use apikey_core::{ApiKeys, KeyStore};
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::{ConnectError, ConnectionOptions, DieselStore};

use crate::fixture::{Folder, assert_unavailable, full_text, new_key};

#[tokio::test]
async fn opens_the_file_of_exactly_that_name() {
    let folder = Folder::new();
    for name in [
        "app.db",
        "with space.db",
        "100%.db",
        "%41.db",
        "a?b.db",
        "a#b.db",
        "ключ.db",
        "'quoted\".db",
        "back\\slash",
        ":memory:",
    ] {
        let store = DieselStore::sqlite(&folder.url(name)).await.unwrap();
        store.insert(&new_key("abcdefgh"), None).await.unwrap();
        drop(store);
        let store = DieselStore::sqlite(&format!("{}?mode=ro", folder.url(name))).await.unwrap();
        assert!(store.get("abcdefgh", None).await.unwrap().is_some(), "{name}");
        assert!(folder.path(name).is_file(), "{name}");
        fs::remove_file(folder.path(name)).unwrap();
    }
    let left: Vec<_> = fs::read_dir(folder.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| !name.to_string_lossy().ends_with("-shm"))
        .filter(|name| !name.to_string_lossy().ends_with("-wal"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn takes_a_relative_path_that_looks_like_a_uri_for_a_path() {
    for name in ["file:x.db", "file::memory:?cache=shared"] {
        let error = DieselStore::sqlite(&format!("sqlite://{name}/missing/app.db")).await;
        let error = error.err().unwrap();
        assert!(matches!(error, ConnectError::MissingDirectory { .. }), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn names_a_missing_directory() {
    let folder = Folder::new();
    let error = DieselStore::sqlite(&folder.url("missing/app.db")).await.err().unwrap();
    assert!(matches!(error, ConnectError::MissingDirectory { .. }), "{error:?}");
    let directory = folder.path("missing").display().to_string();
    assert!(error.to_string().contains(&format!("{directory:?}")), "{error}");
}

#[tokio::test]
async fn creates_no_file_unless_asked_to() {
    let folder = Folder::new();
    for mode in ["ro", "rw"] {
        let url = format!("{}?mode={mode}", folder.url("app.db"));
        let error = DieselStore::sqlite(&url).await.err().unwrap();
        assert!(matches!(error, ConnectError::MissingFile { .. }), "{error:?}");
        assert!(error.to_string().contains("app.db"), "{error}");
        assert!(!folder.path("app.db").exists());
    }
    DieselStore::sqlite(&format!("{}?mode=rwc", folder.url("app.db"))).await.unwrap();
    DieselStore::sqlite(&format!("{}?mode=rw", folder.url("app.db"))).await.unwrap();
}

#[tokio::test]
async fn names_a_directory_in_the_place_of_the_file() {
    let folder = Folder::new();
    let error = DieselStore::sqlite(&folder.url("")).await.err().unwrap();
    assert!(matches!(error, ConnectError::IsDirectory { .. }), "{error:?}");
}

#[tokio::test]
async fn leaves_a_file_alone_that_is_not_a_database() {
    let folder = Folder::new();
    let text = "dear diary, ".repeat(1000);
    fs::write(folder.path("diary.txt"), &text).unwrap();
    for mode in ["ro", "rw", "rwc"] {
        let url = format!("{}?mode={mode}", folder.url("diary.txt"));
        let error = DieselStore::sqlite(&url).await.err().unwrap();
        assert!(matches!(error, ConnectError::NotADatabase { .. }), "{error:?}");
        assert!(error.to_string().contains("diary.txt"), "{error}");
    }
    assert_eq!(fs::read_to_string(folder.path("diary.txt")).unwrap(), text);
}

#[tokio::test]
async fn reports_a_lock_held_for_longer_than_the_busy_timeout() {
    let folder = Folder::new();
    let mut other = folder.connect("app.db");
    other.batch_execute("CREATE TABLE theirs (id INTEGER); BEGIN EXCLUSIVE").unwrap();
    let options = ConnectionOptions::new().busy_timeout(Duration::from_millis(20));

    let error = DieselStore::connect_sqlite(&folder.url("app.db"), options).await.err().unwrap();
    assert!(matches!(error, ConnectError::Locked { .. }), "{error:?}");
    assert!(error.to_string().contains("app.db"), "{error}");

    other.batch_execute("COMMIT").unwrap();
    let store = DieselStore::connect_sqlite(&folder.url("app.db"), options).await.unwrap();
    assert_eq!(store.migrate().await.unwrap().len(), 1);
}

#[tokio::test]
async fn opens_without_the_write_ahead_log_while_somebody_reads_an_older_file() {
    let folder = Folder::new();
    let mut other = folder.connect("app.db");
    let reads = "CREATE TABLE theirs (id INTEGER); BEGIN; SELECT count(*) FROM theirs";
    other.batch_execute(reads).unwrap();
    let options = ConnectionOptions::new().busy_timeout(Duration::from_millis(20));
    let store = DieselStore::connect_sqlite(&folder.url("app.db"), options).await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap().len(), 1);
}

#[tokio::test]
async fn reads_beside_a_writer_and_gives_up_writing_after_the_busy_timeout() {
    let folder = Folder::new();
    let options = ConnectionOptions::new().busy_timeout(Duration::from_millis(200));
    let _open = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    let mut other = folder.connect("app.db");
    other.batch_execute("BEGIN IMMEDIATE").unwrap();

    // Up to date, so opening needs no lock.
    let store = DieselStore::connect_sqlite(&folder.url("app.db"), options).await.unwrap();
    assert!(store.migrate().await.unwrap().is_empty());
    assert!(store.find_by_prefix("abcdefgh").await.unwrap().is_none());
    assert_unavailable(store.insert(&new_key("abcdefgh"), None).await, "locked");

    other.batch_execute("COMMIT").unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
}

#[tokio::test]
async fn verifies_on_a_database_opened_for_reading_only() {
    let folder = Folder::new();
    let keys = ApiKeys::new(DieselStore::sqlite(&folder.url("app.db")).await.unwrap());
    let created = keys.create("reporting-service").await.unwrap();
    // Once beside a writer, once without.
    for writer in [Some(keys), None] {
        let url = format!("{}?mode=ro", folder.url("app.db"));
        let keys = ApiKeys::new(DieselStore::sqlite(&url).await.unwrap());
        assert_eq!(keys.verify(created.plaintext.expose()).await.unwrap().id, created.key.id);
        assert!(keys.check().await.unwrap().is_empty());

        let error = keys.revoke(&created.key.prefix).await.unwrap_err();
        assert!(full_text(&error).contains("readonly"), "{error:?}");
        keys.verify(created.plaintext.expose()).await.unwrap();
        drop(writer);
    }
}

#[tokio::test]
async fn never_migrates_a_database_opened_for_reading_only() {
    let folder = Folder::new();
    folder.run("app.db", "CREATE TABLE theirs (id INTEGER)");
    let before = fs::read(folder.path("app.db")).unwrap();

    let url = format!("{}?mode=ro", folder.url("app.db"));
    let store = DieselStore::sqlite(&url).await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap().len(), 1);
    assert_unavailable(store.migrate().await, "readonly");
    assert_unavailable(store.find_by_prefix("abcdefgh").await, "no such table");
    assert_eq!(fs::read(folder.path("app.db")).unwrap(), before);
}

#[cfg(unix)]
#[tokio::test]
async fn reports_a_read_only_file_that_has_to_be_migrated() {
    let folder = Folder::new();
    folder.run("app.db", "CREATE TABLE theirs (id INTEGER)");
    let mut permissions = fs::metadata(folder.path("app.db")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(folder.path("app.db"), permissions).unwrap();

    // To the superuser a read-only file is like any other.
    let may_write = fs::OpenOptions::new().write(true).open(folder.path("app.db")).is_ok();
    match DieselStore::sqlite(&folder.url("app.db")).await {
        Ok(_) => assert!(may_write),
        Err(error) => {
            assert!(!may_write && matches!(error, ConnectError::ReadOnly { .. }), "{error:?}");
            assert!(error.to_string().contains("app.db"), "{error}");
        }
    }
}

#[tokio::test]
async fn keeps_a_database_in_memory_apart_and_alive() {
    let store = DieselStore::sqlite("sqlite::memory:").await.unwrap();
    let other = DieselStore::sqlite("sqlite::memory:").await.unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap_err();
    assert!(store.clone().get("abcdefgh", None).await.unwrap().is_some());
    assert!(other.get("abcdefgh", None).await.unwrap().is_none());
}

#[tokio::test]
async fn switches_a_file_to_the_write_ahead_log() {
    let folder = Folder::new();
    DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    // Bytes 18 and 19 of the header: the version for writing and for reading, 2 with a log.
    assert_eq!(fs::read(folder.path("app.db")).unwrap()[18..20], [2, 2]);
}

#[test]
fn an_error_and_not_a_panic_without_a_runtime() {
    let opened = futures::executor::block_on(DieselStore::sqlite("sqlite::memory:"));
    assert!(matches!(opened, Err(ConnectError::Runtime(_))));

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = runtime.block_on(DieselStore::sqlite("sqlite::memory:")).unwrap();
    // This runtime has no timer: `enable_all` was not said.
    runtime.block_on(store.find_by_prefix("abcdefgh")).unwrap();
    drop(runtime);
    assert_unavailable(futures::executor::block_on(store.find_by_prefix("abcdefgh")), "runtime");
}
