//! Makes tables, and stores on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use apikey_core::{KeyModel, KeyStore};
use apikey_diesel::diesel::SqliteConnection;
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::diesel::r2d2::{ConnectionManager, Pool};
use apikey_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool};
use apikey_diesel::diesel_async::{AsyncMysqlConnection, AsyncPgConnection};
use apikey_diesel::{ConnectionOptions, DieselStore, MysqlPool, PostgresPool, SqlitePool};
use tempfile::TempDir;

use crate::server::Databases;

/// Opens a database in memory.
pub(crate) fn sqlite<M: KeyModel>(sql: &str) -> DieselStore<M, SqlitePool> {
    let pool = sqlite_pool(":memory:", 1);
    pool.get().unwrap().batch_execute(sql).unwrap();
    DieselStore::new(pool)
}

/// Opens a file in a folder twice, as two processes do.
pub(crate) fn two_of_sqlite<M: KeyModel>(
    folder: &TempDir,
    sql: &str,
) -> [DieselStore<M, SqlitePool>; 2] {
    static FILES: AtomicU32 = AtomicU32::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let file = folder.path().join(format!("{number}.db")).display().to_string();
    let pools = [(); 2].map(|()| sqlite_pool(&file, 2));
    pools[0].get().unwrap().batch_execute(sql).unwrap();
    pools.map(DieselStore::new)
}

fn sqlite_pool(name: &str, connections: u32) -> SqlitePool {
    Pool::builder()
        .max_size(connections)
        .connection_customizer(Box::new(ConnectionOptions::new()))
        .build(ConnectionManager::<SqliteConnection>::new(name))
        .unwrap()
}

/// Opens a new database twice, as two processes do.
pub(crate) async fn postgres<M: KeyModel>(
    databases: &Databases,
    sql: &str,
) -> [DieselStore<M, PostgresPool>; 2] {
    let url = databases.create().await;
    databases.run(&url, sql).await;
    [(); 2].map(|()| postgres_at(&url))
}

/// Opens a database.
pub(crate) fn postgres_at<M: KeyModel>(url: &str) -> DieselStore<M, PostgresPool> {
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
    DieselStore::new(deadpool::Pool::builder(manager).build().unwrap())
}

/// Opens a new database twice, as two processes do.
pub(crate) async fn mysql<M: KeyModel>(
    databases: &Databases,
    sql: &str,
) -> [DieselStore<M, MysqlPool>; 2] {
    let url = databases.create().await;
    databases.run(&url, sql).await;
    [(); 2].map(|()| mysql_at(&url))
}

/// Opens a database.
pub(crate) fn mysql_at<M: KeyModel>(url: &str) -> DieselStore<M, MysqlPool> {
    let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new(url);
    DieselStore::new(deadpool::Pool::builder(manager).build().unwrap())
}

/// Stores of any database.
pub(crate) type Two<M> = [Arc<dyn KeyStore<M>>; 2];

/// Forgets the database.
pub(crate) fn two<M: KeyModel, P: apikey_diesel::Pool>(stores: [DieselStore<M, P>; 2]) -> Two<M>
where
    DieselStore<M, P>: KeyStore<M>,
{
    stores.map(|store| Arc::new(store) as Arc<dyn KeyStore<M>>)
}
