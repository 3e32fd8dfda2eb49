//! What goes wrong: at opening, and in a store at work.

use apikey_core::{BoxError, StoreError};
use diesel::result::{DatabaseErrorKind, Error};
use thiserror::Error as ThisError;

use crate::model::TableNames;

/// Why a database could not be opened. Each text names the place and what to do about it.
///
/// # Security
/// No text holds a URL of another database, which may have a password in it.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one of SQLite.
    #[error(
        "the database URL begins with {scheme:?}: write sqlite://<path of a file> or sqlite::memory:"
    )]
    UnknownScheme {
        /// What stands before the colon, or nothing.
        scheme: String,
    },
    /// The URL begins with `sqlite:`, but is not understood.
    #[error("the database URL {url:?} {problem}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it, and what to write.
        problem: &'static str,
    },
    /// There is no directory of the file.
    #[error(
        "there is no directory {directory:?} to create {path:?} in; create the directory first"
    )]
    MissingDirectory {
        /// The file.
        path: String,
        /// The directory.
        directory: String,
    },
    /// The file does not exist, and the mode does not create it.
    #[error("{path:?} does not exist; drop `?mode=` from the URL to create it")]
    MissingFile {
        /// The file.
        path: String,
    },
    /// The file is a directory.
    #[error("{path:?} is a directory; name a file in it")]
    IsDirectory {
        /// The directory.
        path: String,
    },
    /// The file holds something else.
    #[error("{path:?} is not a SQLite database; name another file, or move this one away")]
    NotADatabase {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: BoxError,
    },
    /// The file cannot be written, but its table has to be created or changed.
    #[error(
        "{path:?} has to be migrated but is read-only; allow writing to the file and its directory, \
         or migrate it elsewhere and open it with `?mode=ro`"
    )]
    ReadOnly {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: BoxError,
    },
    /// Somebody else holds the lock for longer than the busy timeout.
    #[error("{path:?} is locked; end the program that holds the lock, or wait for it longer")]
    Locked {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: BoxError,
    },
    /// Anything else.
    #[error(
        "cannot open {path:?}; check that this user may read and write the file and its directory"
    )]
    Failed {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: BoxError,
    },
    /// There is no Tokio runtime to run queries on.
    #[error("the store needs a Tokio runtime; open it inside of one")]
    Runtime(#[source] BoxError),
}

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
        CheckViolation, ForeignKeyViolation, NotNullViolation, UniqueViolation,
    };
    match &error {
        Error::DatabaseError(UniqueViolation, info) if is_about_prefix(info.message(), names) => {
            StoreError::Duplicate
        }
        Error::DatabaseError(
            UniqueViolation | CheckViolation | ForeignKeyViolation | NotNullViolation,
            _,
        )
        | Error::SerializationError(_) => StoreError::Rejected(Box::new(error)),
        _ => unavailable(error),
    }
}

/// SQLite names neither the index nor the columns but in the text.
fn is_about_prefix(message: &str, names: TableNames) -> bool {
    message.strip_prefix("UNIQUE constraint failed: ")
        == Some(&format!("{}.{}", names.table, names.prefix))
}

pub(crate) fn unavailable(error: impl Into<BoxError>) -> StoreError {
    StoreError::Unavailable(error.into())
}
