//! A database that a URL names when the program runs.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use apikey_core::{
    Finding, Found, KeyFormat, KeyModel, KeyPatch, KeyQuery, KeyRecord, KeyStore, NewRecord, Page,
    Rotation, StoreError, Timestamp, async_trait,
};
use tokio::runtime::Handle;

use crate::address::trimmed;
use crate::error::{ConnectError, scheme};
use crate::store::{DieselStore, Pool, Sealed};
use crate::{mysql, postgres, sqlite};

/// The connections to whichever database [`DieselStore::connect`] was told, for the keys of one model.
pub struct AnyPool<M: KeyModel = KeyRecord> {
    store: Arc<dyn OpenStore<M>>,
}

impl<M: KeyModel> Clone for AnyPool<M> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store) }
    }
}

impl<M: KeyModel> Debug for AnyPool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyPool").finish_non_exhaustive()
    }
}

impl<M: KeyModel> Sealed for AnyPool<M> {}

impl<M: KeyModel> Pool for AnyPool<M> {
    type Queue = ();

    fn queue(&self) {}

    fn on_runtime(self, runtime: &Handle) -> Self {
        Self { store: self.store.on_runtime(runtime.clone()) }
    }

    fn deadline(self, deadline: Duration) -> Self {
        Self { store: self.store.with_deadline(deadline) }
    }
}

/// A store on a pool whose type is forgotten.
#[async_trait]
pub(crate) trait OpenStore<M: KeyModel>: KeyStore<M> {
    fn on_runtime(&self, runtime: Handle) -> Arc<dyn OpenStore<M>>;

    fn with_deadline(&self, deadline: Duration) -> Arc<dyn OpenStore<M>>;

    /// Migrates the built-in table, whatever the model is: to be offered where it is the built-in one.
    async fn migrate_built_in(&self) -> Result<Vec<String>, StoreError>;

    /// Names what that would apply.
    async fn pending_built_in(&self) -> Result<Vec<String>, StoreError>;
}

impl<M: KeyModel> AnyPool<M> {
    #[allow(dead_code, reason = "without any database there is none")]
    pub(crate) fn new(store: impl OpenStore<M>) -> Self {
        Self { store: Arc::new(store) }
    }
}

impl DieselStore<KeyRecord> {
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
        let pool = match scheme(trimmed(url)) {
            "sqlite" => sqlite::connect(url).await?,
            // Which says what is around it.
            _ if scheme(url.trim_start()) == "sqlite" => sqlite::connect(url).await?,
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
        self.pool.store.migrate_built_in().await
    }

    /// Returns the names of the migrations that [`migrate`](Self::migrate) would apply. Only reads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database cannot be read.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        self.pool.store.pending_built_in().await
    }
}

#[async_trait]
impl<M: KeyModel> KeyStore<M> for DieselStore<M, AnyPool<M>> {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<M>>, StoreError> {
        self.pool.store.find_by_prefix(prefix).await
    }

    async fn get(&self, prefix: &str, owner: Option<&M::Owner>) -> Result<Option<M>, StoreError> {
        self.pool.store.get(prefix, owner).await
    }

    async fn insert(&self, new: &NewRecord<M::Extra>, limit: Option<u32>) -> Result<M, StoreError> {
        self.pool.store.insert(new, limit).await
    }

    async fn update(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<Option<M>, StoreError> {
        self.pool.store.update(id, owner, patch).await
    }

    async fn update_within(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<M>, StoreError> {
        self.pool.store.update_within(id, owner, patch, limit, now).await
    }

    async fn end(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<bool, StoreError> {
        self.pool.store.end(prefix, owner, patch).await
    }

    async fn rotate(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        rotation: &Rotation<M::Extra>,
    ) -> Result<M, StoreError> {
        self.pool.store.rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[M::Id], at: Timestamp) -> Result<(), StoreError> {
        self.pool.store.touch(ids, at).await
    }

    async fn touch_each(&self, uses: &[(M::Id, Timestamp)]) -> Result<(), StoreError> {
        self.pool.store.touch_each(uses).await
    }

    async fn list(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<Page<M>, StoreError> {
        self.pool.store.list(query, now).await
    }

    async fn count(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<u64, StoreError> {
        self.pool.store.count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.pool.store.delete_expired(before, limit).await
    }

    async fn delete_ended(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.pool.store.delete_ended(prefix, owner, now).await
    }

    async fn check(&self) -> Result<Vec<Finding>, StoreError> {
        self.pool.store.check().await
    }

    fn writable_encodings(&self) -> Option<&[&str]> {
        self.pool.store.writable_encodings()
    }

    fn can_write_format(&self, format: &KeyFormat) -> bool {
        self.pool.store.can_write_format(format)
    }
}
