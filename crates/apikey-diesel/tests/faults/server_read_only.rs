//! Servers that only read: a replica, or one that an administrator has set to it.

use apikey_core::ApiKeys;
use apikey_diesel::DieselStore;
use apikey_diesel::diesel_async::{
    AsyncConnection, AsyncMysqlConnection, AsyncPgConnection, SimpleAsyncConnection,
};

use crate::private::{Mariadb, Postgres, Private};
use crate::read_only::reads_and_says_why_it_does_not_write;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_only_reads() {
    let Some(server) = Private::<Postgres>::start("a_postgres_that_only_reads") else { return };
    let created = server.keys().await.create("reader").await.unwrap();
    let mut admin = AsyncPgConnection::establish(&server.url()).await.unwrap();
    let set = "ALTER DATABASE postgres SET default_transaction_read_only";
    admin.batch_execute(&format!("{set} = on")).await.unwrap();
    // Connections that are there already go on writing.
    let store = DieselStore::connect(&server.url()).await.unwrap();
    reads_and_says_why_it_does_not_write(store, &created, "read-only").await;
    admin.batch_execute(&format!("{set} = off")).await.unwrap();
    let store = DieselStore::connect(&server.url()).await.unwrap();
    ApiKeys::new(store).create("after").await.unwrap();
}

/// An administrator may write even then, so the store has a user of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mariadb_that_only_reads() {
    let Some(server) = Private::<Mariadb>::start("a_mariadb_that_only_reads") else { return };
    let created = server.keys().await.create("reader").await.unwrap();
    let mut admin = AsyncMysqlConnection::establish(&server.url()).await.unwrap();
    for sql in [
        "CREATE USER app@'127.0.0.1' IDENTIFIED BY 'app'",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON apikey.* TO app@'127.0.0.1'",
        "SET GLOBAL read_only = ON",
    ] {
        admin.batch_execute(sql).await.unwrap();
    }
    let url = server.url().replace("apikey:apikey@", "app:app@");
    let store = DieselStore::connect(&url).await.unwrap();
    reads_and_says_why_it_does_not_write(store.clone(), &created, "read-only").await;
    admin.batch_execute("SET GLOBAL read_only = OFF").await.unwrap();
    ApiKeys::new(store).create("after").await.unwrap();
}
