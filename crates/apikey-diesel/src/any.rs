//! A database that a URL names when the program runs.

use std::fmt::{self, Debug};
use std::sync::Arc;

use apikey_core::{
    Finding, Found, KeyPatch, KeyQuery, KeyRecord, KeyStore, NewRecord, Page, Rotation, StoreError,
    Timestamp, async_trait,
};

use tokio::runtime::Handle;

use crate::error::{ConnectError, scheme};
use crate::store::{DieselStore, Pool, Sealed};
use crate::{mysql, postgres, sqlite};

/// The connections to whichever database [`DieselStore::connect`] was told.
#[derive(Clone)]
pub struct AnyPool {
    store: Arc<dyn BuiltInStore>,
}

impl Debug for AnyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyPool").finish_non_exhaustive()
    }
}

impl Sealed for AnyPool {}

impl Pool for AnyPool {
    type Queue = ();

    fn queue(&self) {}

    fn on_runtime(self, runtime: &Handle) -> Self {
        Self { store: self.store.on_runtime(runtime.clone()) }
    }
}

/// A store of the built-in table.
#[async_trait]
pub(crate) trait BuiltInStore: KeyStore<KeyRecord> {
    async fn migrate(&self) -> Result<Vec<String>, StoreError>;
    async fn pending_migrations(&self) -> Result<Vec<String>, StoreError>;
    fn on_runtime(&self, runtime: Handle) -> Arc<dyn BuiltInStore>;
}

impl AnyPool {
    #[allow(dead_code, reason = "without any database there is none")]
    pub(crate) fn new(store: impl BuiltInStore) -> Self {
        Self { store: Arc::new(store) }
    }
}

impl DieselStore<KeyRecord, AnyPool> {
    /// Opens the database that a URL names, and migrates nothing.
    ///
    /// | URL | Database | Feature |
    /// |---|---|---|
    /// | `sqlite://app.db`, and all others that `DieselStore::sqlite` knows | SQLite | `sqlite` |
    /// | `postgres://user:password@host:5432/database`, or `postgresql://` | PostgreSQL | `postgres` |
    /// | `mysql://user:password@host:3306/database`, or `mariadb://` | MySQL, MariaDB | `mysql` |
    ///
    /// Connections to servers are not encrypted; where they have to be, use
    /// [`new`](Self::new) with a pool whose `custom_setup` does it.
    ///
    /// # Errors
    /// [`ConnectError`], which names the place and what to do, and never a password.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use apikey_core::ApiKeys;
    /// use apikey_diesel::DieselStore;
    ///
    /// let store = DieselStore::connect("sqlite::memory:").await?;
    /// store.migrate().await?;
    /// let keys = ApiKeys::new(store);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let pool = match scheme(url) {
            "sqlite" => sqlite::connect(url).await?,
            "postgres" | "postgresql" => postgres::connect(url).await?,
            "mysql" | "mariadb" => mysql::connect(url).await?,
            scheme => return Err(ConnectError::UnknownScheme { scheme: scheme.to_owned() }),
        };
        Ok(Self::new(pool))
    }

    /// Migrates the built-in table to the form that this version works on, and returns the names of the
    /// migrations applied, oldest first. Any number of processes may do so at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database cannot be written.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.pool.store.migrate().await
    }

    /// Returns the names of the migrations that [`migrate`](Self::migrate) would apply. Only reads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database cannot be read.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        self.pool.store.pending_migrations().await
    }
}

#[async_trait]
impl KeyStore<KeyRecord> for DieselStore<KeyRecord, AnyPool> {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<KeyRecord>>, StoreError> {
        self.pool.store.find_by_prefix(prefix).await
    }

    async fn get(
        &self,
        prefix: &str,
        owner: Option<&Never>,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.pool.store.get(prefix, owner).await
    }

    async fn insert(
        &self,
        new: &NewRecord<()>,
        limit: Option<u32>,
    ) -> Result<KeyRecord, StoreError> {
        self.pool.store.insert(new, limit).await
    }

    async fn update(
        &self,
        id: &i64,
        owner: Option<&Never>,
        patch: &KeyPatch,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.pool.store.update(id, owner, patch).await
    }

    async fn rotate(
        &self,
        id: &i64,
        owner: Option<&Never>,
        rotation: &Rotation<()>,
    ) -> Result<KeyRecord, StoreError> {
        self.pool.store.rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
        self.pool.store.touch(ids, at).await
    }

    async fn list(
        &self,
        query: &KeyQuery<KeyRecord>,
        now: Timestamp,
    ) -> Result<Page<KeyRecord>, StoreError> {
        self.pool.store.list(query, now).await
    }

    async fn count(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Result<u64, StoreError> {
        self.pool.store.count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.pool.store.delete_expired(before, limit).await
    }

    async fn check(&self) -> Result<Vec<Finding>, StoreError> {
        self.pool.store.check().await
    }
}

/// Keys of the built-in model have no owner.
type Never = std::convert::Infallible;
