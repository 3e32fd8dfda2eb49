//! Servers that have no room left.

use std::process::Command;

use apikey_core::{ApiKeys, CreatedKey, KeyRecord, ManageError, StoreError};
use apikey_diesel::diesel_async::{
    AsyncConnection, AsyncMysqlConnection, AsyncPgConnection, SimpleAsyncConnection,
};

use crate::database::{GRACE, whole_keys};
use crate::private::{Home, Kind, Mariadb, Postgres, Private};

/// More keys than fit into what a filled database may still have.
const MOST: usize = 2000;

/// A letter of names that are as long as they may be.
const NAME: &str = "n";

/// Creates keys until there is no room, looks whether all that was created is there, and returns it.
async fn fill(keys: &ApiKeys, says: &str) -> Vec<CreatedKey<KeyRecord>> {
    let mut created = Vec::new();
    let error = loop {
        assert!(created.len() < MOST, "there is room for everything");
        match keys.create(NAME.repeat(200)).await {
            Ok(key) => created.push(key),
            Err(error) => break error,
        }
    };
    assert_full(&error, says);
    for key in &created {
        keys.verify(key.plaintext.expose()).await.unwrap();
    }
    created
}

fn assert_full(error: &ManageError, says: &str) {
    let ManageError::Store(StoreError::Unavailable(source)) = error else { panic!("{error:?}") };
    assert!(source.to_string().contains(says), "{source}");
}

/// A PostgreSQL whose files may not grow beyond 20 MB, by the operating system.
struct SmallPostgres;

impl Kind for SmallPostgres {
    const NAME: &'static str = Postgres::NAME;
    const STOP: &'static str = Postgres::STOP;
    const ACCOUNTS: &'static [&'static str] = Postgres::ACCOUNTS;

    fn missing() -> Option<String> {
        Postgres::missing()
    }

    fn prepare(home: &Home) {
        Postgres::prepare(home);
    }

    fn command(home: &Home) -> Command {
        let server = Postgres::command(home);
        let mut limited = home.command("/bin/sh".into());
        // In blocks of 512 bytes, or of a KiB, as the shell likes: the log is written in files of 16 MB.
        limited.args(["-c", "trap '' XFSZ; ulimit -f 40000; exec \"$0\" \"$@\""]);
        limited.arg(server.get_program()).args(server.get_args());
        limited.args(["-c", "autovacuum=off"]);
        limited
    }

    fn is_ready(home: &Home, process: u32) -> bool {
        Postgres::is_ready(home, process)
    }

    fn url(home: &Home) -> String {
        Postgres::url(home)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_postgres_says_so_and_goes_on_when_there_is_room() {
    let Some(server) = Private::<SmallPostgres>::start("a_full_postgres_says_so") else { return };
    let keys = server.keys().await;
    let first = keys.create(NAME.repeat(200)).await.unwrap();
    let mut admin = AsyncPgConnection::establish(&server.url()).await.unwrap();
    // It is undone, but the file stays as large as it may be.
    let filling = "INSERT INTO api_keys (prefix, hashed_key, name, created_at) \
         SELECT 'f' || i, '', repeat('n', 1500), now() FROM generate_series(1, 100000) i";
    let error = admin.batch_execute(filling).await.unwrap_err();
    assert!(error.to_string().contains("could not extend file"), "{error}");
    let created = fill(&keys, "could not extend file").await;
    let error = keys.rotate(&first.key.prefix, GRACE).await.unwrap_err();
    assert_full(&error, "could not extend file");
    assert_eq!(whole_keys(&keys).await.len(), created.len() + 1);
    admin.batch_execute("VACUUM api_keys").await.unwrap();
    keys.rotate(&first.key.prefix, GRACE).await.unwrap();
    whole_keys(&keys).await;
}

/// A file beside the data of a server that is given more room.
const ROOM: &str = "room";

/// A MariaDB with all tables in one file, which may not grow beyond 24 MB, or 48 MB if there is room.
struct SmallMariadb;

impl Kind for SmallMariadb {
    const NAME: &'static str = Mariadb::NAME;
    const STOP: &'static str = Mariadb::STOP;
    const ACCOUNTS: &'static [&'static str] = Mariadb::ACCOUNTS;

    fn missing() -> Option<String> {
        Mariadb::missing()
    }

    fn prepare(home: &Home) {
        Mariadb::prepare(home);
    }

    fn command(home: &Home) -> Command {
        let mut command = Mariadb::command(home);
        let most = if home.path(ROOM).exists() { "48M" } else { "24M" };
        command.arg(format!("--innodb-data-file-path=ibdata1:12M:autoextend:max:{most}"));
        command.arg("--innodb-file-per-table=OFF");
        command
    }

    fn is_ready(home: &Home, process: u32) -> bool {
        Mariadb::is_ready(home, process)
    }

    fn url(home: &Home) -> String {
        Mariadb::url(home)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_mariadb_says_so_and_goes_on_when_there_is_room() {
    let Some(mut server) = Private::<SmallMariadb>::start("a_full_mariadb_says_so") else { return };
    let keys = server.keys().await;
    let first = keys.create(NAME.repeat(200)).await.unwrap();
    let mut admin = AsyncMysqlConnection::establish(&server.url()).await.unwrap();
    admin.batch_execute("CREATE TABLE filler (text LONGTEXT)").await.unwrap();
    // What does not fit is undone, so less and less is put in.
    for size in [1 << 20, 1 << 17, 1 << 14, 1 << 11] {
        let filling = format!("INSERT INTO filler VALUES (REPEAT('n', {size}))");
        while admin.batch_execute(&filling).await.is_ok() {}
    }
    let created = fill(&keys, "is full").await;
    assert_eq!(whole_keys(&keys).await.len(), created.len() + 1);
    // A full file has no room for deleting either, so it gets more.
    server.stop();
    server.home.write(ROOM, "");
    server.start_again();
    keys.rotate(&first.key.prefix, GRACE).await.unwrap();
    assert_eq!(whole_keys(&keys).await.len(), created.len() + 2);
}
