//! The file: its name, its rights, and what becomes of it while it is open.

use std::fs;

use apikey_core::KeyStore;
#[cfg(unix)]
use apikey_diesel::ConnectionOptions;
use apikey_diesel::{ConnectError, DieselStore};

#[cfg(unix)]
use crate::fixture::full_text;
use crate::fixture::{Folder, new_key};

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
    // SQLite makes the file where a link says that it is.
    fs::create_dir(folder.path("data")).unwrap();
    for (link, target) in [("one.db", "two.db"), ("two.db", "data/real.db")] {
        std::os::unix::fs::symlink(target, folder.path(link)).unwrap();
    }
    let store = DieselStore::sqlite(&folder.url("one.db")).await.unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
    for name in ["data/real.db", "data/real.db-wal", "data/real.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    std::os::unix::fs::symlink("itself.db", folder.path("itself.db")).unwrap();
    DieselStore::sqlite(&folder.url("itself.db")).await.map(drop).unwrap_err();
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

/// Names the directory to a child of this test.
#[cfg(unix)]
const VOLUME: &str = "APIKEY_TEST_READ_ONLY_VOLUME";

/// Somebody who is not the superuser, to whom everything can be written.
#[cfg(unix)]
const SOMEBODY: u32 = 65534;

/// A database that was closed, in a directory that nobody may write to but the superuser.
#[cfg(unix)]
#[tokio::test]
async fn reads_a_closed_database_on_a_read_only_volume() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    if let Ok(volume) = std::env::var(VOLUME) {
        return read_volume(&volume).await;
    }
    let folder = Folder::new();
    let allow = |name: &str, mode| {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["closed", "log"] {
        fs::create_dir(folder.path(name)).unwrap();
        let file = format!("{name}/app.db");
        let store = DieselStore::sqlite(&folder.url(&file)).await.unwrap();
        store.insert(&new_key("abcdefgh"), None).await.unwrap();
        drop(store);
        folder.run(&file, "PRAGMA wal_checkpoint(TRUNCATE)");
        for companion in ["-wal", "-shm"] {
            drop(fs::remove_file(folder.path(&format!("{file}{companion}"))));
        }
        allow(&file, 0o444);
    }
    fs::write(folder.path("log/app.db-wal"), [0; 64]).unwrap();
    ["closed", "log"].into_iter().for_each(|name| allow(name, 0o555));
    allow("", 0o755);
    // The test binary may lie where only the superuser looks.
    let program = folder.path("test");
    let is_superuser = fs::metadata(folder.path("closed")).unwrap().uid() == 0;
    let mut child = if is_superuser {
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let mut child = Command::new(&program);
        child.uid(SOMEBODY).gid(SOMEBODY);
        child
    } else {
        Command::new(std::env::current_exe().unwrap())
    };
    child.args(["--exact", "files::reads_a_closed_database_on_a_read_only_volume"]);
    child.env(VOLUME, folder.path("")).current_dir(folder.path(""));
    let run = child.output().unwrap();
    ["closed", "log"].into_iter().for_each(|name| allow(name, 0o755));
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}

#[cfg(unix)]
async fn read_volume(volume: &str) {
    let url = |name: &str, mode: &str| format!("sqlite://{volume}/{name}/app.db?mode={mode}");
    // Somebody else may write to it later, which this process could not see: it would let in what is revoked.
    let error = DieselStore::sqlite(&url("closed", "ro")).await.map(drop).unwrap_err();
    let text = full_text(&error);
    assert!(
        text.contains("?mode=ro&immutable=1") && text.contains("journal_mode = DELETE"),
        "{text}"
    );

    let closed = url("closed", "ro&immutable=1");
    let store = DieselStore::sqlite(&closed).await.unwrap();
    assert!(store.get("abcdefgh", None).await.unwrap().is_some());
    let options = ConnectionOptions::new();
    let store = DieselStore::connect_sqlite(&closed, options).await.unwrap();
    assert!(store.get("abcdefgh", None).await.unwrap().is_some());

    let error = DieselStore::sqlite(&url("log", "ro&immutable=1")).await.map(drop).unwrap_err();
    assert!(full_text(&error).contains("nobody has open"), "{error}");
    let error = DieselStore::sqlite(&url("log", "ro")).await.map(drop).unwrap_err();
    let text = full_text(&error);
    assert!(text.contains("PRAGMA journal_mode = DELETE"), "{text}");
    assert!(text.contains("app.db belongs to user "), "{text}");
    assert!(text.contains("app.db-wal belongs to user "), "{text}");
}
