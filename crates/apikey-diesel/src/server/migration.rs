//! The migrations of the built-in table on a server.
//!
//! They are noted where Diesel notes them, but run without its harness: that blocks, and so needs a
//! runtime with several threads.

use apikey_core::{KeyRecord, StoreError};
use diesel::QueryResult;
use diesel_async::AsyncConnection;

use crate::failure::Failure;
use crate::model::TableNames;
use crate::server::dialect::Dialect;
use crate::server::frame::Frame;
use crate::server::pool::ServerPool;
use crate::store::DieselStore;

/// A migration, in one statement where the server cannot undo the definition of a table.
#[derive(Debug)]
pub struct ServerMigration {
    /// The name of its folder.
    pub(crate) name: &'static str,
    /// What brings the table up.
    pub(crate) up: &'static str,
}

impl ServerMigration {
    /// Returns the version, as Diesel takes it from the name.
    fn version(&self) -> String {
        self.name.chars().take_while(|c| *c != '_').filter(|c| *c != '-').collect()
    }
}

/// Locked while migrating, by everybody who migrates this database.
const LOCK: &str = "migrations";

const CREATE_NOTES: &str = "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (\
    version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";

impl<P: ServerPool> DieselStore<KeyRecord, P> {
    /// Migrates the built-in table to the form that this version works on, and returns the names of the
    /// migrations applied, oldest first. Any number of processes may do so at once.
    ///
    /// Applied migrations are noted in Diesel's own table, `__diesel_schema_migrations`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database cannot be written. Then nothing is changed.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        // Without a lock, so that a user who may not create tables can open a database that is up to
        // date.
        if self.pending_migrations().await?.is_empty() {
            return Ok(Vec::new());
        }
        let frame = Frame::locked(LOCK.to_owned()).long();
        self.run(names(), frame, (), |conn, ()| Box::pin(apply(conn))).await
    }

    /// Returns the names of the migrations that [`migrate`](Self::migrate) would apply. Only reads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database cannot be read.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        self.run(names(), Frame::read(), (), |conn, ()| {
            Box::pin(async move {
                let pending = pending(conn).await?;
                Ok(pending.into_iter().map(|migration| migration.name.to_owned()).collect())
            })
        })
        .await
    }
}

fn names() -> TableNames {
    TableNames::new("__diesel_schema_migrations", "", "", &[])
}

async fn pending<C>(conn: &mut C) -> QueryResult<Vec<&'static ServerMigration>>
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    let applied = <C::Backend as Dialect>::applied(conn).await?;
    let migrations = <C::Backend as Dialect>::MIGRATIONS.iter();
    Ok(migrations.filter(|migration| !applied.contains(&migration.version())).collect())
}

/// Applies what is pending. A table of the same name that is somebody else's is left alone, and an error.
async fn apply<C>(conn: &mut C) -> Result<Vec<String>, Failure>
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    conn.batch_execute(CREATE_NOTES).await?;
    let mut names = Vec::new();
    for migration in pending(conn).await? {
        if let Err(error) = conn.batch_execute(migration.up).await {
            // On MySQL a table outlives a process that is killed before its migration is noted. On PostgreSQL
            // nothing can be asked after an error.
            let table = <C::Backend as Dialect>::built_in();
            match <C::Backend as Dialect>::findings(conn, table).await {
                Ok(findings) if findings.is_empty() => {}
                _ => return Err(error.into()),
            }
        }
        // A version is digits.
        let note = format!(
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('{}')",
            migration.version()
        );
        conn.batch_execute(&note).await?;
        names.push(migration.name.to_owned());
    }
    Ok(names)
}
