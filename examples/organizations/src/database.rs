//! The application's own pool, which the keys share, and its migrations.

use std::time::Duration;

use anyhow::anyhow;
use apikey_diesel::{ConnectionOptions, SqlitePool};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, PoolError};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use thiserror::Error;
use tokio::task::{JoinError, spawn_blocking};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// How long a request waits for a connection before it is answered by 503.
const PATIENCE: Duration = Duration::from_secs(5);

/// Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pool: SqlitePool,
}

/// Why a query of the application's own has no answer.
#[derive(Debug, Error)]
pub(crate) enum DatabaseError {
    #[error("there is no connection to the database")]
    Pool(#[from] PoolError),
    #[error("the query failed")]
    Query(#[from] diesel::result::Error),
    #[error("the query was given up")]
    Stopped(#[from] JoinError),
}

impl Database {
    /// Opens a file, which is created if need be, and migrates it.
    pub(crate) fn open(path: &str) -> anyhow::Result<Self> {
        let pool = Pool::builder()
            .max_size(4)
            .test_on_check_out(false)
            .connection_timeout(PATIENCE)
            .connection_customizer(Box::new(ConnectionOptions::new()))
            .build(ConnectionManager::<SqliteConnection>::new(path))?;
        let migrated = pool.get()?.run_pending_migrations(MIGRATIONS).map(|_| ());
        migrated.map_err(|error| anyhow!(error).context("the migrations failed"))?;
        Ok(Self { pool })
    }

    /// The pool, for the store of the keys.
    pub(crate) fn pool(&self) -> SqlitePool {
        self.pool.clone()
    }

    /// Runs queries on a thread for blocking work.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        let pool = self.pool();
        spawn_blocking(move || Ok(work(&mut *pool.get()?)?)).await?
    }
}
