//! SQLite: opening a database, and its migrations.

mod change;
pub(crate) mod check;
#[cfg(feature = "django")]
pub(crate) mod django;
pub(crate) mod file;
pub(crate) mod foreign;
pub(crate) mod gate;
pub(crate) mod location;
pub(crate) mod migration;
pub(crate) mod names;
pub(crate) mod options;
pub(crate) mod record;
mod schema;
mod sql;
mod store;
mod time;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apikey_core::{BoxError, KeyRecord, StoreError, async_trait};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sqlite::Sqlite;
use tokio::runtime::Handle;

use crate::any::{AnyPool, OpenStore};
use crate::error::ConnectError;
use crate::model::BlockingModel;
pub(crate) use crate::sqlite::foreign::open_foreign;
use crate::sqlite::location::{Location, Mode};
use crate::sqlite::options::ConnectionOptions;
pub use crate::sqlite::time::KeptTime;
use crate::store::DieselStore;

/// A pool of blocking connections to SQLite, as [`DieselStore::new`] takes it.
pub type SqlitePool = Pool<ConnectionManager<SqliteConnection>>;

/// One writes at a time, whatever the number; a few readers beside it are enough for a local file.
const CONNECTIONS: u32 = 4;

/// How long an operation waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

impl DieselStore<KeyRecord, SqlitePool> {
    /// Opens a SQLite database and migrates the built-in table.
    ///
    /// After `sqlite://` comes the path of a file, relative unless it begins with `/`, and optionally
    /// `?mode=ro`, `?mode=ro&immutable=1`, `?mode=rw` or `?mode=rwc` (the default, which creates the file).
    /// `sqlite::memory:` is a new database in memory. [Opening a database](crate#opening-a-database) has the
    /// details. With `mode=ro` nothing is migrated.
    ///
    /// # Errors
    /// [`ConnectError`], which names the file and what to do.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), apikey_diesel::ConnectError> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("app.db").display().to_string();
    /// # let url = format!("sqlite://{path}");
    /// use apikey_diesel::DieselStore;
    ///
    /// let store = DieselStore::sqlite(&url).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sqlite(url: &str) -> Result<Self, ConnectError> {
        let location = Location::parse(url)?;
        let migrates = matches!(location.mode(), Mode::ReadWrite | Mode::Create);
        Ok(Self::new(open(location, ConnectionOptions::new(), migrates).await?))
    }

    /// Opens a SQLite database as [`sqlite`](Self::sqlite) does, with options of yours and without
    /// migrating it: for a program that says what it migrates.
    ///
    /// # Errors
    /// [`ConnectError`], which names the file and what to do.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use apikey_diesel::{ConnectionOptions, DieselStore};
    ///
    /// let store = DieselStore::connect_sqlite("sqlite::memory:", ConnectionOptions::new()).await?;
    /// for name in store.migrate().await? {
    ///     println!("applied {name}");
    /// }
    /// assert!(store.pending_migrations().await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect_sqlite(
        url: &str,
        options: ConnectionOptions,
    ) -> Result<Self, ConnectError> {
        Ok(Self::new(open(Location::parse(url)?, options, false).await?))
    }

    /// Migrates the built-in table to the form that this version works on, and returns the names of the
    /// migrations applied, oldest first. Any number of processes may do so at once.
    ///
    /// Applied migrations are noted in Diesel's own table, `__diesel_schema_migrations`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database cannot be written. Then nothing is changed.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.run_to_write(|conn| Ok(migration::migrate(conn)?)).await
    }

    /// Returns the names of the migrations that [`migrate`](Self::migrate) would apply. Only reads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database cannot be read.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        self.run(|conn| Ok(migration::pending(conn)?)).await
    }
}

#[async_trait]
impl<M: BlockingModel<Sqlite>> OpenStore<M> for DieselStore<M, SqlitePool> {
    fn on_runtime(&self, runtime: Handle) -> Arc<dyn OpenStore<M>> {
        Arc::new(self.clone().on_runtime(runtime))
    }

    fn with_deadline(&self, deadline: Duration) -> Arc<dyn OpenStore<M>> {
        Arc::new(self.clone().deadline(deadline))
    }

    async fn migrate_built_in(&self) -> Result<Vec<String>, StoreError> {
        self.built_in().migrate().await
    }

    async fn pending_built_in(&self) -> Result<Vec<String>, StoreError> {
        self.built_in().pending_migrations().await
    }
}

pub(crate) async fn connect<M>(url: &str) -> Result<AnyPool<M>, ConnectError>
where
    M: BlockingModel<Sqlite>,
{
    let pool = open(Location::parse(url)?, ConnectionOptions::new(), false).await?;
    Ok(AnyPool::new(DieselStore::<M, _>::new(pool)))
}

pub(crate) fn doubt(url: &str) -> Result<Option<&'static str>, ConnectError> {
    Location::doubt(url)
}

/// Opens a database of another program: no file is created, and its journal stays as it is.
#[allow(dead_code, reason = "only tables of Django are of another program")]
pub(crate) async fn visit<M>(url: &str) -> Result<AnyPool<M>, ConnectError>
where
    M: BlockingModel<Sqlite>,
{
    let location = Location::parse(url)?.existing();
    let pool = open(location, ConnectionOptions::new().keep_journal_mode(), false).await?;
    Ok(AnyPool::new(DieselStore::<M, _>::new(pool)))
}

async fn open(
    location: Location,
    options: ConnectionOptions,
    migrates: bool,
) -> Result<SqlitePool, ConnectError> {
    let runtime = Handle::try_current().map_err(|error| ConnectError::Runtime(error.into()))?;
    let at_rest = match &location {
        Location::File { path, mode: Mode::AtRest } => Some(path.clone()),
        _ => None,
    };
    let open =
        move || open_pool(&location, options, migrates).map_err(|error| explain(error, &location));
    let opened = runtime.spawn_blocking(open).await;
    let pool = opened.map_err(|error| ConnectError::Runtime(error.into()))??;
    if let Some(path) = at_rest {
        file::at_rest(&path);
    }
    Ok(pool)
}

fn open_pool(
    location: &Location,
    options: ConnectionOptions,
    migrates: bool,
) -> Result<SqlitePool, BoxError> {
    let name = location.file_name();
    let prepare = |conn: &mut SqliteConnection| {
        // SQLite looks into a file at the first query.
        conn.batch_execute("SELECT count(*) FROM sqlite_schema")?;
        if migrates {
            migration::migrate(conn)?;
        }
        Ok::<_, BoxError>(())
    };
    let is_file = matches!(location, Location::File { .. });
    match location {
        Location::File { path, mode: Mode::Create } => file::create(path),
        Location::File { path, mode: Mode::AtRest } => file::is_whole(path)?,
        _ => {}
    }
    let mut first = None;
    if is_file {
        // Not by the pool, which tries again and again and keeps no more than a message.
        let conn = first.insert(SqliteConnection::establish(&name)?);
        options.apply(conn)?;
        prepare(conn)?;
    }
    let pool = Pool::builder()
        .max_size(if is_file { CONNECTIONS } else { 1 })
        .min_idle(Some(0))
        // A database in memory lives as long as its connection.
        .max_lifetime(None)
        .idle_timeout(None)
        .test_on_check_out(false)
        .connection_timeout(PATIENCE)
        .connection_customizer(Box::new(options))
        .build(ConnectionManager::new(name))?;
    let mut conn = pool.get()?;
    if !is_file {
        prepare(&mut conn)?;
    }
    drop(conn);
    Ok(pool)
}

/// Finds out why a file did not open. SQLite says little ("unable to open database file"), so the file
/// system is asked, and only afterwards: what is true before opening may be untrue at opening.
fn explain(source: BoxError, location: &Location) -> ConnectError {
    let (path, mode) = match location {
        Location::Memory => return ConnectError::Failed { path: ":memory:".to_owned(), source },
        Location::File { path, mode } => (path.clone(), *mode),
    };
    let file = Path::new(&path);
    let says = |text: &str| {
        std::iter::successors(Some(&*source as &(dyn std::error::Error + 'static)), |error| {
            error.source()
        })
        .any(|error| error.to_string().contains(text))
    };
    let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty());
    if says("is locked") {
        ConnectError::Locked { path, source }
    } else if says("not a database") {
        ConnectError::NotADatabase { path, source }
    } else if says("readonly database") {
        let source = file::Owned::explain(file, source).into();
        ConnectError::ReadOnly { path, source }
    } else if file.is_dir() {
        ConnectError::IsDirectory { path }
    } else if mode != Mode::Create && !file.exists() {
        ConnectError::MissingFile { path }
    } else if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
        let directory = directory.display().to_string();
        ConnectError::MissingDirectory { path, directory }
    } else {
        let source = file::Owned::explain(file, source).into();
        ConnectError::Failed { path, source }
    }
}
