//! The store: a model, and a pool of connections to the database that keeps it.

use std::any::type_name;
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::time::Duration;

use apikey_core::{HashedKey, KeyModel, KeyRecord, NewRecord, StoreError, Timestamp};
use tokio::runtime::Handle;

use crate::any::AnyPool;

/// Keeps the keys of a model in a SQL table.
///
/// Cheap to clone; clones share the connections. `P` is the pool:
///
/// | Database | Pool | Opened by |
/// |---|---|---|
/// | SQLite | `r2d2::Pool<ConnectionManager<SqliteConnection>>` | `DieselStore::sqlite` |
/// | PostgreSQL | deadpool or bb8 of `AsyncPgConnection` | `DieselStore::postgres` |
/// | MySQL, MariaDB | deadpool or bb8 of `AsyncMysqlConnection` | `DieselStore::mysql` |
/// | the one that a URL names | [`AnyPool`], the default | [`DieselStore::connect`] |
///
/// # Runtimes
/// Each operation runs as a task of the Tokio runtime it is called on. The connections to a server are
/// driven by the runtime that opened them: if another runtime uses them, it waits for the first, and a
/// connection ends with its runtime. Where there are several, as with Actix Web, which has one for each
/// worker, give all work to one of them with [`on_runtime`](Self::on_runtime), or open one store for each.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use apikey_core::ApiKeys;
/// use apikey_diesel::DieselStore;
///
/// let keys = ApiKeys::new(DieselStore::sqlite("sqlite::memory:").await?);
/// let created = keys.create("reporting-service").await?;
/// assert_eq!(keys.verify(created.plaintext.expose()).await?.id, created.key.id);
/// # Ok(())
/// # }
/// ```
pub struct DieselStore<M: KeyModel = KeyRecord, P: Pool = AnyPool<M>> {
    pub(crate) pool: P,
    pub(crate) queue: P::Queue,
    runtime: Option<Handle>,
    pub(crate) deadline: Duration,
    model: PhantomData<fn() -> M>,
}

/// Describes a new key of the owner of this one, as a model counts for.
#[allow(dead_code, reason = "without any database nothing is counted")]
pub(crate) fn beside<M: KeyModel>(key: &M, created_at: Timestamp) -> NewRecord<M::Extra> {
    NewRecord::new("", HashedKey::new(""), "", created_at, key.extra())
}

/// How long an operation on a server may take, unless told otherwise.
const DEADLINE: Duration = Duration::from_secs(10);

impl<M: KeyModel, P: Pool> Clone for DieselStore<M, P> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            queue: self.queue.clone(),
            runtime: self.runtime.clone(),
            deadline: self.deadline,
            model: PhantomData,
        }
    }
}

/// Names the types. The pool may hold a URL, with a password in it.
impl<M: KeyModel, P: Pool> Debug for DieselStore<M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DieselStore<{}, {}>", type_name::<M>(), type_name::<P>())
    }
}

impl<M: KeyModel, P: Pool> DieselStore<M, P> {
    /// Works on a pool of yours. Nothing is migrated.
    ///
    /// Turn off the tests of connections that pools make each time they lend one: they cost as much as a
    /// lookup, and the store notices a dead connection itself. Let waiting for a connection end after a
    /// few seconds: what cannot be answered by then is answered by
    /// [`StoreError::Unavailable`](apikey_core::StoreError::Unavailable).
    ///
    /// - *r2d2* (SQLite): `test_on_check_out(false)`, `connection_timeout(..)`, and as customizer a
    ///   `ConnectionOptions`, or the same pragmas: without a busy timeout, writing fails as soon as two
    ///   write at once.
    /// - *deadpool*: `RecyclingMethod::Fast` in the manager, `wait_timeout(..)` and a `runtime(..)`.
    /// - *bb8* (feature `bb8`): `test_on_check_out(false)`, `connection_timeout(..)`.
    ///
    /// On a server every operation has a [`deadline`](Self::deadline), whatever the pool waits for. It needs the
    /// timer of the runtime.
    ///
    /// # Examples
    /// ```
    /// use apikey_core::KeyRecord;
    /// use apikey_diesel::diesel::SqliteConnection;
    /// use apikey_diesel::diesel::r2d2::{ConnectionManager, Pool};
    /// use apikey_diesel::{ConnectionOptions, DieselStore};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.db").display().to_string();
    /// let pool = Pool::builder()
    ///     .max_size(4)
    ///     .test_on_check_out(false)
    ///     .connection_customizer(Box::new(ConnectionOptions::new()))
    ///     .build(ConnectionManager::<SqliteConnection>::new(path))?;
    /// let store = DieselStore::<KeyRecord, _>::new(pool);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(pool: P) -> Self {
        let queue = pool.queue();
        Self { pool, queue, runtime: None, deadline: DEADLINE, model: PhantomData }
    }

    /// Runs all operations on this runtime, whichever they are called on.
    #[must_use]
    pub fn on_runtime(self, runtime: Handle) -> Self {
        Self { pool: self.pool.on_runtime(&runtime), runtime: Some(runtime), ..self }
    }

    /// Sets how long an operation on a server may take, waiting for a connection included; 10 seconds unless
    /// told otherwise. Deleting what has ended, migrating, and counting somebody else's keys may take ten times
    /// as long.
    ///
    /// What takes longer is [`StoreError::Unavailable`], and its connection is closed, since nobody knows in
    /// what state it is; what was to be written may be there. So a server that hangs, or a host that is gone
    /// without a word, costs a deadline and no connections. A lookup, or the beginning of a change, that has no
    /// answer on a used connection is repeated on a fresh one after half of the time. Waiting for somebody else's
    /// lock ends after half of the time: on PostgreSQL with any pool; on MySQL and MariaDB with the pools of this
    /// crate (after 5 seconds, by `innodb_lock_wait_timeout`), else with the deadline.
    ///
    /// SQLite has no server that could hang: there the busy timeout bounds all waiting.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { pool: self.pool.deadline(deadline), deadline, ..self }
    }

    /// The same connections, for the built-in model.
    #[allow(dead_code, reason = "without any database there are none")]
    pub(crate) fn built_in(&self) -> DieselStore<KeyRecord, P> {
        DieselStore {
            pool: self.pool.clone(),
            queue: self.queue.clone(),
            runtime: self.runtime.clone(),
            deadline: self.deadline,
            model: PhantomData,
        }
    }

    #[allow(dead_code, reason = "without any database nothing runs")]
    pub(crate) fn runtime(&self) -> Result<Handle, StoreError> {
        match &self.runtime {
            Some(runtime) => Ok(runtime.clone()),
            None => Handle::try_current().map_err(|error| StoreError::Unavailable(error.into())),
        }
    }
}

/// A pool that [`DieselStore`] works on. Sealed: see there for the ones that do.
#[diagnostic::on_unimplemented(
    message = "`DieselStore` does not work on `{Self}`",
    note = "it works on r2d2 pools of `SqliteConnection`, and on deadpool and (with the feature `bb8`) bb8 \
            pools of `AsyncPgConnection` and `AsyncMysqlConnection`, if the features `sqlite`, `postgres` \
            and `mysql` are on"
)]
pub trait Pool: Sealed + Clone + Send + Sync + 'static {
    /// What stands in front of the pool.
    #[doc(hidden)]
    type Queue: Clone + Send + Sync + 'static;

    /// Makes it.
    #[doc(hidden)]
    fn queue(&self) -> Self::Queue;

    /// Moves what stands behind the pool to a runtime.
    #[doc(hidden)]
    #[must_use]
    fn on_runtime(self, _: &Handle) -> Self {
        self
    }

    /// Bounds the time of what stands behind the pool.
    #[doc(hidden)]
    #[must_use]
    fn deadline(self, _: Duration) -> Self {
        self
    }
}

/// Implemented for nothing outside of this crate.
pub trait Sealed {}
