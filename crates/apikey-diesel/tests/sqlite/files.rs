//! The file: its name, its rights, and what becomes of it while it is open.

use std::fs;

use apikey_core::KeyStore;
use apikey_diesel::{ConnectError, ConnectionOptions, DieselStore};

use crate::fixture::{Folder, full_text, new_key};

#[tokio::test]
async fn makes_no_file_of_a_parameter_that_it_does_not_know() {
    let folder = Folder::new();
    for name in
        ["app.db?cache=shared", "app.db?immutable=1", "app.db?cache=shared&mode=ro", "app.db\r"]
    {
        for open in [
            DieselStore::sqlite(&folder.url(name)).await.map(drop),
            DieselStore::connect(&folder.url(name)).await.map(drop),
        ] {
            let error = open.unwrap_err();
            assert!(matches!(error, ConnectError::Url { .. }), "{name:?}: {error:?}");
            assert!(!error.to_string().contains('\r'), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 0, "{name:?}");
    }
    let padded = DieselStore::connect(" sqlite://app.db").await.map(drop).unwrap_err();
    assert!(padded.to_string().contains("white space"), "{padded}");
}

#[tokio::test]
async fn opens_a_file_of_such_a_name_that_is_there() {
    let folder = Folder::new();
    for name in ["app.db?cache=shared", "app.db\n"] {
        folder.run(name, "CREATE TABLE theirs (id INTEGER)");
        let store = DieselStore::sqlite(&folder.url(name)).await.unwrap();
        store.insert(&new_key("abcdefgh"), None).await.unwrap();
        // And one that is to be made, where the mode says that the name is meant.
        let url = format!("{}?mode=rwc", folder.url("new.db?cache=shared"));
        DieselStore::sqlite(&url).await.unwrap();
        assert!(folder.path("new.db?cache=shared").is_file());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let mode = |name: &str| fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777;
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
    for name in ["app.db", "app.db-wal", "app.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    // What is there keeps its rights.
    folder.run("theirs.db", "CREATE TABLE theirs (id INTEGER)");
    fs::set_permissions(folder.path("theirs.db"), fs::Permissions::from_mode(0o640)).unwrap();
    DieselStore::sqlite(&folder.url("theirs.db")).await.unwrap();
    assert_eq!(mode("theirs.db"), 0o640);
}

#[cfg(unix)]
#[tokio::test]
async fn check_finds_a_file_that_was_replaced_while_it_is_open() {
    let folder = Folder::new();
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
    assert_eq!(store.check().await.unwrap(), []);
    let other = folder.path("other.db").display().to_string();
    folder.run("app.db", &format!("VACUUM INTO '{other}'"));
    fs::rename(folder.path("other.db"), folder.path("app.db")).unwrap();
    let findings = store.check().await.unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].problem.contains("was replaced"), "{findings:?}");
    assert!(findings[0].fix.contains("restart"), "{findings:?}");
    fs::remove_file(folder.path("app.db")).unwrap();
    assert_eq!(store.check().await.unwrap().len(), 1);
}

/// A database in WAL mode that was closed, in a place where no index can be made beside it: a directory has its
/// name, which keeps out the superuser, too.
async fn closed() -> Folder {
    let folder = Folder::new();
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
    drop(store);
    folder.run("app.db", "PRAGMA wal_checkpoint(TRUNCATE)");
    for name in ["app.db-wal", "app.db-shm"] {
        drop(fs::remove_file(folder.path(name)));
    }
    fs::create_dir(folder.path("app.db-shm")).unwrap();
    folder
}

#[tokio::test]
async fn reads_a_closed_database_on_a_read_only_volume() {
    let folder = closed().await;
    let url = format!("{}?mode=ro", folder.url("app.db"));
    let store = DieselStore::sqlite(&url).await.unwrap();
    assert!(store.get("abcdefgh", None).await.unwrap().is_some());
    let options = ConnectionOptions::new();
    let store = DieselStore::connect_sqlite(&url, options).await.unwrap();
    assert!(store.get("abcdefgh", None).await.unwrap().is_some());
}

#[tokio::test]
async fn says_what_to_do_where_the_log_cannot_be_read() {
    let folder = closed().await;
    fs::create_dir(folder.path("app.db-wal")).unwrap();
    let url = format!("{}?mode=ro", folder.url("app.db"));
    let error = DieselStore::sqlite(&url).await.map(drop).unwrap_err();
    let text = full_text(&error);
    assert!(text.contains("PRAGMA journal_mode = DELETE"), "{text}");
    if cfg!(unix) {
        assert!(text.contains("app.db belongs to user "), "{text}");
        assert!(text.contains("app.db-wal belongs to user "), "{text}");
    }
}
