//! Makes tables, and stores on them.

use apikey_core::KeyModel;
use apikey_diesel::diesel::SqliteConnection;
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::diesel::r2d2::{ConnectionManager, Pool};
use apikey_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool};
use apikey_diesel::diesel_async::{AsyncMysqlConnection, AsyncPgConnection};
use apikey_diesel::{ConnectionOptions, DieselStore, MysqlPool, PostgresPool, SqlitePool};

use crate::server::Databases;

/// Opens a database in memory.
pub(crate) fn sqlite<M: KeyModel>(sql: &str) -> DieselStore<M, SqlitePool> {
    let pool = Pool::builder()
        .max_size(1)
        .connection_customizer(Box::new(ConnectionOptions::new()))
        .build(ConnectionManager::<SqliteConnection>::new(":memory:"))
        .unwrap();
    pool.get().unwrap().batch_execute(sql).unwrap();
    DieselStore::new(pool)
}

pub(crate) async fn postgres<M: KeyModel>(
    databases: &Databases,
    sql: &str,
) -> DieselStore<M, PostgresPool> {
    let url = databases.create().await;
    databases.run(&url, sql).await;
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
    DieselStore::new(deadpool::Pool::builder(manager).build().unwrap())
}

pub(crate) async fn mysql<M: KeyModel>(
    databases: &Databases,
    sql: &str,
) -> DieselStore<M, MysqlPool> {
    let url = databases.create().await;
    databases.run(&url, sql).await;
    let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new(url);
    DieselStore::new(deadpool::Pool::builder(manager).build().unwrap())
}
