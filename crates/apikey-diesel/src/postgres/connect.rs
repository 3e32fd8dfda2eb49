//! Opening a PostgreSQL database.

use std::sync::Arc;

use apikey_core::{KeyRecord, StoreError, async_trait};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool;
use tokio::runtime::Handle;

use crate::any::{AnyPool, BuiltInStore};
use crate::error::ConnectError;
use crate::server::address::Address;
use crate::server::connect::open_pool;
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

#[async_trait]
impl BuiltInStore for DieselStore<KeyRecord, PostgresPool> {
    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        Self::migrate(self).await
    }

    async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        Self::pending_migrations(self).await
    }

    fn on_runtime(&self, runtime: Handle) -> Arc<dyn BuiltInStore> {
        Arc::new(self.clone().on_runtime(runtime))
    }
}

pub(crate) async fn connect(url: &str) -> Result<AnyPool, ConnectError> {
    let pool = open(&address(url)?).await?;
    Ok(AnyPool::new(DieselStore::<KeyRecord, _>::new(pool)))
}

fn address(url: &str) -> Result<Address, ConnectError> {
    Address::parse(url, "postgres", 5432)
}

async fn open(address: &Address) -> Result<PostgresPool, ConnectError> {
    open_pool!(AsyncPgConnection, address)
}
