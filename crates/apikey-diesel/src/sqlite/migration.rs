//! The built-in table's migrations.

use std::collections::HashSet;

use apikey_core::BoxError;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Applies what is pending, and returns the names.
pub(crate) fn migrate(conn: &mut SqliteConnection) -> Result<Vec<String>, BoxError> {
    // Without a lock, so that a database that is up to date is opened while somebody else writes.
    if pending(conn)?.is_empty() {
        return Ok(Vec::new());
    }
    // Looks again under the lock: another process may have been faster.
    conn.immediate_transaction(|conn| {
        let pending = pending(conn)?;
        conn.run_pending_migrations(MIGRATIONS)?;
        Ok(pending)
    })
}

/// Returns the names of the migrations that are not applied, oldest first. Diesel has the same, but it
/// creates its table first, which a read-only database does not allow.
pub(crate) fn pending(conn: &mut SqliteConnection) -> Result<Vec<String>, BoxError> {
    let applied = applied(conn)?;
    let mut migrations = MigrationSource::<Sqlite>::migrations(&MIGRATIONS)?;
    migrations.sort_by(|a, b| a.name().version().cmp(&b.name().version()));
    let names = migrations.iter().map(Migration::name);
    Ok(names
        .filter(|name| !applied.contains(&name.version().to_string()))
        .map(ToString::to_string)
        .collect())
}

fn applied(conn: &mut SqliteConnection) -> QueryResult<HashSet<String>> {
    let noted: Vec<Version> = diesel::sql_query(
        "SELECT name AS version FROM sqlite_schema WHERE name = '__diesel_schema_migrations'",
    )
    .load(conn)?;
    if noted.is_empty() {
        return Ok(HashSet::new());
    }
    let versions: Vec<Version> =
        diesel::sql_query("SELECT version FROM __diesel_schema_migrations").load(conn)?;
    Ok(versions.into_iter().map(|row| row.version).collect())
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}
