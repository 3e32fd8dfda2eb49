//! The tables of keys that a database has, whoever's they are.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::{ReadError, open};

/// The name of a table.
#[derive(QueryableByName)]
pub(crate) struct TableName {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Returns the names of the tables that look like tables of keys, sorted: those with the columns `prefix`,
/// `hashed_key` and `revoked_at`, which no table of this library can do without under these names. Only the
/// tables that are found without naming a schema are looked at. Nothing is written.
///
/// # Errors
/// [`ReadError::Connect`], [`ReadError::Store`].
///
/// # Examples
/// ```no_run
/// # async fn tables() -> Result<(), Box<dyn std::error::Error>> {
/// let tables = apikey_diesel::import::key_tables("sqlite://app.db?mode=ro").await?;
/// # Ok(())
/// # }
/// ```
pub async fn key_tables(url: &str) -> Result<Vec<String>, ReadError> {
    let database = open(url).await?;
    let rows = database.tables(database.words().key_tables.to_owned()).await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}
