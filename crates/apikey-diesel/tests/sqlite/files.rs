//! The file: its name, its rights, and what becomes of it while it is open.

use std::fs;
#[cfg(unix)]
use std::thread;
#[cfg(unix)]
use std::time::{Duration, Instant};

use apikey_core::KeyStore;
#[cfg(unix)]
use apikey_core::{ApiKeys, DenyReason};
#[cfg(unix)]
use apikey_diesel::ConnectionOptions;
use apikey_diesel::{ConnectError, DieselStore};
#[cfg(unix)]
use diesel::connection::SimpleConnection;

use crate::fixture::{Folder, new_key};
#[cfg(unix)]
use crate::fixture::{assert_unavailable, full_text};
#[cfg(unix)]
use crate::{log, somebody};

#[tokio::test]
async fn makes_no_file_of_a_parameter_that_it_does_not_know() {
    let folder = Folder::new();
    for name in [
        "app.db?cache=shared",
        "app.db?immutable=1",
        "app.db?cache=shared&mode=ro",
        "app.db\r",
        "app.db\u{200b}",
    ] {
        for open in [
            DieselStore::sqlite(&folder.url(name)).await.map(drop),
            DieselStore::connect(&folder.url(name)).await.map(drop),
        ] {
            let error = open.unwrap_err();
            assert!(matches!(error, ConnectError::Url { .. }), "{name:?}: {error:?}");
            assert!(!error.to_string().contains(['\r', '\u{200b}']), "{error}");
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
    let errors = || log::errors_of(&folder.path("app.db").display().to_string());
    let store = DieselStore::sqlite(&folder.url("app.db")).await.unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
    assert_eq!(store.check().await.unwrap(), []);
    assert!(errors().is_empty());
    let other = folder.path("other.db").display().to_string();
    folder.run("app.db", &format!("VACUUM INTO '{other}'"));
    fs::rename(folder.path("other.db"), folder.path("app.db")).unwrap();
    let findings = store.check().await.unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].problem.contains("was replaced"), "{findings:?}");
    assert!(findings[0].fix.contains("restart"), "{findings:?}");
    fs::remove_file(folder.path("app.db")).unwrap();
    assert_eq!(store.check().await.unwrap().len(), 1);
    // The log is told once.
    assert_eq!(errors().len(), 1, "{:?}", errors());
    assert!(errors()[0].contains("restart this process"), "{:?}", errors());
}

/// A database that was closed, in a directory that nobody may write to but the superuser.
#[cfg(unix)]
#[tokio::test]
async fn reads_a_closed_database_on_a_read_only_volume() {
    if let Some(volume) = somebody::volume() {
        return read_volume(&volume).await;
    }
    let folder = Folder::new();
    for name in ["closed", "log", "journal"] {
        drop(fill(&folder, name).await);
        close(&folder, name);
    }
    fs::write(folder.path("log/app.db-wal"), [0; 64]).unwrap();
    fs::write(folder.path("journal/app.db-journal"), [0; 64]).unwrap();
    let names = ["closed", "log", "journal"];
    names.into_iter().for_each(|name| somebody::lock(&folder, name));
    somebody::run(&folder, "files::reads_a_closed_database_on_a_read_only_volume");
    names.into_iter().for_each(|name| somebody::unlock(&folder, name));
}

/// Makes a database with a key, whose text stands beside it.
#[cfg(unix)]
async fn fill(folder: &Folder, name: &str) -> ApiKeys {
    fs::create_dir(folder.path(name)).unwrap();
    folder.run(&format!("{name}/app.db"), "CREATE TABLE theirs (id INTEGER)");
    somebody::allow(folder, &format!("{name}/app.db"), 0o644);
    let url = folder.url(&format!("{name}/app.db"));
    let keys = ApiKeys::new(DieselStore::sqlite(&url).await.unwrap());
    let created = keys.create("leaked").await.unwrap();
    fs::write(folder.path(&format!("{name}/key")), created.plaintext.expose()).unwrap();
    somebody::allow(folder, &format!("{name}/key"), 0o644);
    keys
}

/// Leaves the file alone, without its companions. The connections of a store that was dropped are closed on threads of
/// their own; only who is alone may end the write-ahead log, so that tells when they are.
#[cfg(unix)]
fn close(folder: &Folder, name: &str) {
    let file = format!("{name}/app.db");
    let until = Instant::now() + Duration::from_secs(10);
    while let Err(error) = folder.connect(&file).batch_execute("PRAGMA journal_mode = DELETE") {
        assert!(Instant::now() < until, "{error}");
        thread::yield_now();
    }
    folder.run(&file, "PRAGMA journal_mode = WAL");
    for companion in ["-wal", "-shm"] {
        drop(fs::remove_file(folder.path(&format!("{name}/app.db{companion}"))));
    }
}

/// How the owner has a database while somebody else opens it for reading.
#[cfg(unix)]
const READ: [&str; 4] = ["closed", "open", "rollback", "switched"];

#[cfg(unix)]
#[tokio::test]
async fn who_only_reads_lets_in_no_key_that_was_revoked_since() {
    if let Some(volume) = somebody::volume() {
        return ask_before_and_after(&volume).await;
    }
    let folder = Folder::new();
    let mut open = Vec::new();
    for name in READ {
        let keys = fill(&folder, name).await;
        if name == "open" {
            open.push(keys);
        } else {
            drop(keys);
            close(&folder, name);
        }
        if ["rollback", "switched"].contains(&name) {
            folder.run(&format!("{name}/app.db"), "PRAGMA journal_mode = DELETE");
        }
        somebody::lock(&folder, name);
    }
    let revoke = || {
        for name in READ {
            somebody::unlock(&folder, name);
            let file = format!("{name}/app.db");
            if name == "switched" {
                folder.run(&file, "PRAGMA journal_mode = WAL");
            }
            folder.run(&file, "UPDATE api_keys SET revoked_at = CURRENT_TIMESTAMP");
        }
    };
    let test = "files::who_only_reads_lets_in_no_key_that_was_revoked_since";
    somebody::run_beside(&folder, test, revoke);
}

/// A database that does not open lets nobody in.
#[cfg(unix)]
async fn ask_before_and_after(volume: &str) {
    let mut opened = Vec::new();
    for name in READ {
        let url = format!("sqlite://{volume}/{name}/app.db?mode=ro");
        let Ok(store) = DieselStore::sqlite(&url).await else { continue };
        let keys = ApiKeys::new(store);
        let text = fs::read_to_string(format!("{volume}/{name}/key")).unwrap();
        keys.verify(text.as_str()).await.unwrap();
        opened.push((name, text, keys));
    }
    somebody::wait();
    let mut reasons = Vec::new();
    for (name, text, keys) in opened {
        let refusal = keys.verify(text).await.map(|_| name).unwrap_err();
        reasons.push((name, refusal.reason()));
    }
    let (revoked, unavailable) = (DenyReason::Revoked, DenyReason::StoreUnavailable);
    assert!(reasons.contains(&("open", revoked)), "{reasons:?}");
    assert!(reasons.contains(&("rollback", revoked)), "{reasons:?}");
    assert!(reasons.iter().all(|(_, why)| [revoked, unavailable].contains(why)), "{reasons:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_change_that_this_user_may_not_make_names_whose_the_files_are() {
    if let Some(volume) = somebody::volume() {
        let url = format!("sqlite://{volume}/theirs/app.db");
        let store = DieselStore::sqlite(&url).await.unwrap();
        let change = store.insert(&new_key("abcdefgh"), None).await.unwrap_err();
        let text = full_text(&change);
        for place in ["app.db", "app.db-wal", "app.db-shm", "theirs"] {
            assert!(text.contains(&format!("/{place} belongs to user ")), "{place}: {text}");
        }
        assert!(text.contains("this process belongs to user "), "{text}");
        return assert_unavailable::<()>(Err(change), "run as one user");
    }
    let folder = Folder::new();
    let keys = fill(&folder, "theirs").await;
    somebody::lock(&folder, "theirs");
    somebody::run(&folder, "files::a_change_that_this_user_may_not_make_names_whose_the_files_are");
    somebody::unlock(&folder, "theirs");
    drop(keys);
}

#[cfg(unix)]
async fn read_volume(volume: &str) {
    log::keep();
    let url = |name: &str, mode: &str| format!("sqlite://{volume}/{name}/app.db?mode={mode}");
    // Somebody else may write to it later, which this process could not see: it would let in what is revoked.
    let error = DieselStore::sqlite(&url("closed", "ro")).await.map(drop).unwrap_err();
    let text = full_text(&error);
    assert!(
        text.contains("?mode=ro&immutable=1") && text.contains("journal_mode = DELETE"),
        "{text}"
    );

    read_closed(volume, &url("closed", "ro&immutable=1")).await;

    for name in ["log", "journal"] {
        let error = DieselStore::sqlite(&url(name, "ro&immutable=1")).await.map(drop).unwrap_err();
        assert!(full_text(&error).contains("nobody has open"), "{name}: {error}");
    }
    let error = DieselStore::sqlite(&url("log", "ro")).await.map(drop).unwrap_err();
    let text = full_text(&error);
    assert!(text.contains("PRAGMA journal_mode = DELETE"), "{text}");
    assert!(text.contains("app.db belongs to user "), "{text}");
    assert!(text.contains("app.db-wal belongs to user "), "{text}");
}

#[cfg(unix)]
async fn read_closed(volume: &str, closed: &str) {
    let text = fs::read_to_string(format!("{volume}/closed/key")).unwrap();
    let options = ConnectionOptions::new();
    for store in [
        DieselStore::sqlite(closed).await.unwrap(),
        DieselStore::connect_sqlite(closed, options).await.unwrap(),
    ] {
        ApiKeys::new(store).verify(text.as_str()).await.unwrap();
    }
    let told = log::warnings_of(&format!("{volume}/closed/app.db"));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("nobody may write"), "{told:?}");
}
