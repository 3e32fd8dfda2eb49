//! Opening a MySQL or MariaDB database.

use apikey_core::KeyRecord;
use diesel::mysql::Mysql;
use diesel::result::{ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::{ManagerConfig, deadpool};
use diesel_async::{AsyncConnection, AsyncMysqlConnection, SimpleAsyncConnection};

use crate::any::AnyPool;
use crate::error::ConnectError;
use crate::server::address::{Address, Driver};
use crate::server::connect::{GAVE_UP, open_pool, settings};
use crate::server::model::AsyncModel;
use crate::store::DieselStore;

/// A pool of connections to MySQL or MariaDB, as [`DieselStore::mysql`] makes it.
pub type MysqlPool = deadpool::Pool<AsyncMysqlConnection>;

impl DieselStore<KeyRecord, MysqlPool> {
    /// Opens a MySQL or MariaDB database and migrates the built-in table.
    ///
    /// The URL is `mysql://user:password@host:3306/database`. The pool has 8 connections; waiting for
    /// one ends after 5 seconds. They are not encrypted; where they have to be, or other numbers fit
    /// better, use [`new`](Self::new) with a pool of your own.
    ///
    /// # Errors
    /// [`ConnectError`], which names the place and what to do, and never the password.
    pub async fn mysql(url: &str) -> Result<Self, ConnectError> {
        let address = address(url)?;
        let store = Self::new(open(&address).await?);
        let migrated = store.migrate().await;
        migrated.map_err(|error| ConnectError::Migrate {
            place: address.place(),
            source: error.into(),
        })?;
        Ok(store)
    }
}

pub(crate) async fn connect<M>(url: &str) -> Result<AnyPool<M>, ConnectError>
where
    M: AsyncModel<Mysql>,
{
    let pool = open(&address(url)?).await?;
    Ok(AnyPool::new(DieselStore::<M, _>::new(pool)))
}

/// What the driver takes.
const DRIVER: Driver = Driver {
    schemes: ["mysql", "mariadb"],
    port: 3306,
    parameters: &[
        "pool_min",
        "pool_max",
        "inactive_connection_ttl",
        "ttl_check_interval",
        "conn_ttl",
        "abs_conn_ttl",
        "abs_conn_ttl_jitter",
        "tcp_keepalive",
        "max_allowed_packet",
        "wait_timeout",
        "enable_cleartext_plugin",
        "reset_connection",
        "tcp_nodelay",
        "stmt_cache_size",
        "prefer_socket",
        "secure_auth",
        "client_found_rows",
        "socket",
        "compression",
        "require_ssl",
        "verify_ca",
        "verify_identity",
        "built_in_roots",
    ],
};

pub(super) fn address(url: &str) -> Result<Address, ConnectError> {
    Address::parse(url, &DRIVER)
}

pub(super) async fn open(address: &Address) -> Result<MysqlPool, ConnectError> {
    open_pool!(AsyncMysqlConnection, address, bounded())
}

/// A driver that was built without TLS panics where the URL asks for it. In a task of its own that is an error.
async fn establish(url: String) -> ConnectionResult<AsyncMysqlConnection> {
    let task = tokio::spawn(async move { AsyncMysqlConnection::establish(&url).await });
    task.await.unwrap_or_else(|_| Err(ConnectionError::BadConnection(GAVE_UP.to_owned())))
}

/// Nobody waits for a lock longer than half of the usual deadline: the server would go on waiting, with the locks that
/// it has, when the client has given up. And what does not fit into a column is an error, whatever the server's own
/// mode is.
const SETUP: &str = "SET innodb_lock_wait_timeout = 5, \
     sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_ALL_TABLES', 'STRICT_TRANS_TABLES')";

/// Connections with settings of their own.
fn bounded() -> ManagerConfig<AsyncMysqlConnection> {
    let mut settings = settings();
    settings.custom_setup = Box::new(|url| {
        Box::pin(async move {
            let mut conn = establish(url.to_owned()).await?;
            let set = conn.batch_execute(SETUP).await;
            set.map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        })
    });
    settings
}
