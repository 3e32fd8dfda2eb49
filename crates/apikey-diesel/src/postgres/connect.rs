//! Opening a PostgreSQL database.

use apikey_core::KeyRecord;
use diesel::pg::Pg;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool;

use crate::any::AnyPool;
use crate::error::ConnectError;
use crate::server::address::{Address, Driver};
use crate::server::connect::{open_pool, settings};
use crate::server::model::AsyncModel;
use crate::store::DieselStore;

/// A pool of connections to PostgreSQL, as [`DieselStore::postgres`] makes it.
pub type PostgresPool = deadpool::Pool<AsyncPgConnection>;

impl DieselStore<KeyRecord, PostgresPool> {
    /// Opens a PostgreSQL database and migrates the built-in table.
    ///
    /// The URL is `postgres://user:password@host:5432/database`. The pool has 8 connections; waiting for
    /// one ends after 5 seconds. They are not encrypted; where they have to be, or other numbers fit
    /// better, use [`new`](Self::new) with a pool of your own.
    ///
    /// # Errors
    /// [`ConnectError`], which names the place and what to do, and never the password.
    pub async fn postgres(url: &str) -> Result<Self, ConnectError> {
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
    M: AsyncModel<Pg>,
{
    let pool = open(&address(url)?).await?;
    Ok(AnyPool::new(DieselStore::<M, _>::new(pool)))
}

/// What the driver takes.
const DRIVER: Driver = Driver {
    schemes: ["postgres", "postgresql"],
    port: 5432,
    parameters: &[
        "user",
        "password",
        "dbname",
        "options",
        "application_name",
        "sslmode",
        "sslnegotiation",
        "host",
        "hostaddr",
        "port",
        "connect_timeout",
        "tcp_user_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_retries",
        "target_session_attrs",
        "channel_binding",
        "load_balance_hosts",
    ],
};

pub(super) fn address(url: &str) -> Result<Address, ConnectError> {
    Address::parse(url, &DRIVER)
}

pub(super) async fn open(address: &Address) -> Result<PostgresPool, ConnectError> {
    open_pool!(AsyncPgConnection, address, settings())
}
