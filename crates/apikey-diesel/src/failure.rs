//! What goes wrong in a store at work.

use apikey_core::{BoxError, Finding, StoreError};
use diesel::result::{DatabaseErrorKind, Error};
use thiserror::Error as ThisError;

use crate::model::TableNames;

/// What can fail inside of a transaction.
pub(crate) enum Failure {
    Query(Error),
    Store(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Query(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<BoxError> for Failure {
    fn from(error: BoxError) -> Self {
        Self::Store(unavailable(error))
    }
}

impl Failure {
    pub(crate) fn into_store_error(self, names: TableNames) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Query(error) => query_error(error, names),
        }
    }
}

/// SQLite's messages name tables and columns, never values, so no hash can get into a source.
fn query_error(error: Error, names: TableNames) -> StoreError {
    use DatabaseErrorKind::{
        CheckViolation, ExclusionViolation, ForeignKeyViolation, NotNullViolation,
        RestrictViolation, UniqueViolation,
    };
    match &error {
        Error::DatabaseError(UniqueViolation, info) if is_about_prefix(info.message(), names) => {
            StoreError::Duplicate
        }
        Error::DatabaseError(
            UniqueViolation | CheckViolation | ForeignKeyViolation | NotNullViolation
            | RestrictViolation | ExclusionViolation,
            _,
        )
        | Error::SerializationError(_) => StoreError::Rejected(Box::new(error)),
        _ if is_about_missing_table(&error, names) => {
            unavailable(MissingTable { table: names.table, source: error.into() })
        }
        _ => unavailable(error),
    }
}

/// What to do about a table that is not there.
const MIGRATE: &str = "migrate the database: `apikey migrate`, or `DieselStore::migrate`";

/// The table is not there.
#[derive(Debug, ThisError)]
#[error(
    "the table {table} does not exist; migrate the database: `apikey migrate`, or `DieselStore::migrate`"
)]
struct MissingTable {
    table: &'static str,
    #[source]
    source: BoxError,
}

/// The databases have no common code for it, and Diesel has none at all.
fn is_about_missing_table(error: &Error, names: TableNames) -> bool {
    let Error::DatabaseError(_, info) = error else { return false };
    let says = |text| info.message().contains(text);
    (says("no such table") || says("does not exist") || says("doesn't exist")) && says(names.table)
}

pub(crate) fn missing_table(table: &str) -> Finding {
    Finding::new(format!("the table {table} does not exist"), MIGRATE)
}

pub(crate) fn missing_column(table: &str, column: &str) -> Finding {
    Finding::new(format!("the table {table} has no column {column}"), MIGRATE)
}

pub(crate) fn unavailable(error: impl Into<BoxError>) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// SQLite names neither the index nor the columns but in the text.
fn is_about_prefix(message: &str, names: TableNames) -> bool {
    message.strip_prefix("UNIQUE constraint failed: ")
        == Some(&format!("{}.{}", names.table, names.prefix))
}
