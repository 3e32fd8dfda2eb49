//! Reads keys out of the tables of other systems: for an import into a table of ours.
//!
//! Nothing is written, and no lock is held between two pages. `apikey import` is built on it.
//!
//! ```no_run
//! # async fn copy() -> Result<(), Box<dyn std::error::Error>> {
//! use apikey_diesel::import::DjangoTable;
//!
//! let table = DjangoTable::open("sqlite://db.sqlite3", DjangoTable::NAME).await?;
//! let mut after = None;
//! loop {
//!     let rows = table.page(after.as_deref(), 500).await?;
//!     let Some(last) = rows.last() else { break };
//!     after = Some(last.prefix.clone());
//!     // ...
//! }
//! # Ok(())
//! # }
//! ```

mod tables;
pub(crate) mod words;

use std::fmt;

use apikey_core::chrono::NaiveDateTime;
use apikey_core::{BoxError, HashedKey, StoreError, Timestamp, async_trait};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use thiserror::Error as ThisError;

use crate::address::trimmed;
use crate::error::{ConnectError, scheme};
pub(crate) use crate::import::tables::TableName;
pub use crate::import::tables::key_tables;
use crate::import::words::Words;
use crate::model::attempt::Raw;
use crate::{mysql, postgres, sqlite};

/// The keys of `djangorestframework-api-key`, in its own table or in that of a model derived from its
/// `AbstractAPIKey`.
pub struct DjangoTable {
    database: Box<dyn ForeignDatabase>,
    name: String,
}

/// A key as Django has it. Times without a zone are taken for UTC, which is what Django writes unless
/// `USE_TZ` is off.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DjangoRow {
    /// The public part.
    pub prefix: String,
    /// The hash of the whole key, in one of Django's encodings.
    pub hashed_key: HashedKey,
    /// The name.
    pub name: String,
    /// When the key was created, if that can be read.
    pub created: Option<Timestamp>,
    /// When it ends, if it does.
    pub expiry_date: Expiry,
    /// Whether it is revoked: if that cannot be read, it is.
    pub is_revoked: bool,
    /// Whether each value is one of its type: a prefix or a hash whose bytes are no text makes no key.
    pub is_readable: bool,
}

/// When a key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// It does not.
    Never,
    /// At this time.
    At(Timestamp),
    /// The value is no time.
    Unreadable,
}

/// Why keys could not be read.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ReadError {
    /// The database could not be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// That cannot be the name of a table.
    #[error("a table is named by letters, digits and `_`, after a schema and a dot where need be")]
    Name,
    /// There is no such table.
    #[error("the database has no table {table}")]
    NoTable {
        /// The table.
        table: String,
        /// What the database says.
        #[source]
        source: BoxError,
    },
    /// The table lacks a column: it is of an older version, or no table of API keys.
    #[error("the table {table} does not have the columns of an API key of Django")]
    NoColumn {
        /// The table.
        table: String,
        /// What the database says.
        #[source]
        source: BoxError,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DjangoTable {
    /// What the table is called, if it is that of `djangorestframework-api-key` itself.
    pub const NAME: &'static str = "rest_framework_api_key_apikey";

    /// What gives prefixes to a table of a version before 1.4, which cannot be read.
    pub const UPGRADE: &'static str = "run the migration 0004_prefix_hashed_key of djangorestframework-api-key 1.4: \
         `python manage.py migrate rest_framework_api_key`";

    /// Opens the database of a Django project and looks for the table. A file is opened for reading only if
    /// the URL ends in `?mode=ro`.
    ///
    /// # Errors
    /// Every [`ReadError`].
    pub async fn open(url: &str, table: &str) -> Result<Self, ReadError> {
        let is_word =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !table.split('.').all(is_word) || table.split('.').count() > 2 {
            return Err(ReadError::Name);
        }
        let table = Self { database: open(url).await?, name: table.to_owned() };
        table.page(None, 1).await?;
        Ok(table)
    }

    /// Counts the keys that [`page`](Self::page) returns.
    ///
    /// # Errors
    /// [`ReadError::NoTable`], [`ReadError::NoColumn`], [`ReadError::Store`].
    pub async fn count(&self) -> Result<u64, ReadError> {
        self.count_where("prefix > ''").await
    }

    /// Counts the rows that are no keys, since they have no prefix: nobody can present them, and no page has
    /// them. A migration to version 1.4 that was interrupted leaves such rows.
    ///
    /// # Errors
    /// [`ReadError::NoTable`], [`ReadError::NoColumn`], [`ReadError::Store`].
    pub async fn count_without_prefix(&self) -> Result<u64, ReadError> {
        self.count_where("prefix IS NULL OR NOT prefix > ''").await
    }

    async fn count_where(&self, condition: &str) -> Result<u64, ReadError> {
        let table = self.database.words().quoted(&self.name);
        let sql = format!("SELECT count(*) AS number FROM {table} WHERE {condition}");
        let number = self.database.count(sql).await.map_err(|error| self.explain(error))?;
        Ok(u64::try_from(number).unwrap_or_default())
    }

    /// Returns at most `limit` keys in the order of their prefixes, beginning after this one. Rows without a
    /// prefix are left out. What has bytes for a prefix that are no text comes last, and has no place to go on from:
    /// go on from the last row that has one.
    ///
    /// # Errors
    /// [`ReadError::NoTable`], [`ReadError::NoColumn`], [`ReadError::Store`].
    pub async fn page(&self, after: Option<&str>, limit: u32) -> Result<Vec<DjangoRow>, ReadError> {
        let words = self.database.words();
        let sql = format!(
            "SELECT prefix, hashed_key, name, {} AS revoked, {} AS created, {} AS expiry_date \
             FROM {} WHERE prefix > {} ORDER BY prefix LIMIT {limit}",
            words.text("revoked"),
            words.time("created"),
            words.time("expiry_date"),
            words.quoted(&self.name),
            words.parameter,
        );
        let after = after.unwrap_or_default().to_owned();
        let rows = self.database.read(sql, after).await;
        Ok(rows.map_err(|error| self.explain(error))?.into_iter().map(DjangoRow::from).collect())
    }

    fn explain(&self, error: StoreError) -> ReadError {
        let table = self.name.clone();
        match error {
            StoreError::Unavailable(source) if says(&source, &NO_COLUMN) => {
                ReadError::NoColumn { table, source }
            }
            StoreError::Unavailable(source) if says(&source, &NO_TABLE) => {
                ReadError::NoTable { table, source }
            }
            error => ReadError::Store(error),
        }
    }
}

impl fmt::Debug for DjangoTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoTable").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A database with somebody else's tables.
#[async_trait]
pub(crate) trait ForeignDatabase: Send + Sync {
    /// How it says what is asked of it.
    fn words(&self) -> &'static Words;

    /// Runs a query without parameters for a number.
    async fn count(&self, sql: String) -> Result<i64, StoreError>;

    /// Runs a query without parameters for the names of tables.
    async fn tables(&self, sql: String) -> Result<Vec<TableName>, StoreError>;

    /// Runs a query with one parameter for rows.
    async fn read(&self, sql: String, after: String) -> Result<Vec<ForeignRow>, StoreError>;
}

async fn open(url: &str) -> Result<Box<dyn ForeignDatabase>, ConnectError> {
    match scheme(trimmed(url)) {
        "sqlite" => sqlite::open_foreign(url).await,
        "postgres" | "postgresql" => postgres::open_foreign(url).await,
        "mysql" | "mariadb" => mysql::open_foreign(url).await,
        scheme => Err(ConnectError::UnknownScheme { scheme: scheme.to_owned() }),
    }
}

/// A row of somebody else's table, all of it as text.
#[derive(QueryableByName)]
pub(crate) struct ForeignRow {
    #[diesel(sql_type = Nullable<Text>)]
    prefix: Raw<Option<String>>,
    #[diesel(sql_type = Nullable<Text>)]
    hashed_key: Raw<Option<String>>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Raw<Option<String>>,
    #[diesel(sql_type = Nullable<Text>)]
    revoked: Raw<Option<String>>,
    #[diesel(sql_type = Nullable<Text>)]
    created: Raw<Option<String>>,
    #[diesel(sql_type = Nullable<Text>)]
    expiry_date: Raw<Option<String>>,
}

#[allow(dead_code, reason = "without any database nothing is counted")]
#[derive(QueryableByName)]
pub(crate) struct Number {
    #[diesel(sql_type = BigInt)]
    pub(crate) number: i64,
}

impl From<ForeignRow> for DjangoRow {
    fn from(row: ForeignRow) -> Self {
        let mut is_readable = true;
        let mut read = |Raw(value): Raw<Option<String>>| {
            is_readable &= value.is_ok();
            value.ok().flatten()
        };
        let ForeignRow { prefix, hashed_key, name, revoked, created, expiry_date } = row;
        let prefix = read(prefix).unwrap_or_else(|| NO_TEXT.to_owned());
        let hashed_key = read(hashed_key).unwrap_or_default();
        let name = read(name).unwrap_or_default();
        let (revoked, created, expiry_date) = (read(revoked), read(created), read(expiry_date));
        // SQLite's bytes that are no text come as this character.
        is_readable &= ![&prefix, &hashed_key].into_iter().any(|text| text.contains(NO_TEXT));
        Self {
            prefix,
            hashed_key: HashedKey::new(hashed_key),
            name,
            created: created.as_deref().and_then(time),
            expiry_date: match expiry_date.as_deref().map(time) {
                None => Expiry::Never,
                Some(None) => Expiry::Unreadable,
                Some(Some(time)) => Expiry::At(time),
            },
            is_revoked: !matches!(revoked.as_deref(), Some("0" | "false")),
            is_readable,
        }
    }
}

/// Stands for what is no text.
const NO_TEXT: &str = "\u{fffd}";

/// Reads a time as Django writes it to SQLite, and as the other databases are asked for it.
fn time(text: &str) -> Option<Timestamp> {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f");
    time.ok().map(|time| time.and_utc())
}

const NO_COLUMN: [&str; 3] = ["no such column", "column \"", "Unknown column"];
const NO_TABLE: [&str; 3] = ["no such table", "does not exist", "doesn't exist"];

/// Whether one of the causes says this: the databases have no common code for it.
fn says(error: &BoxError, texts: &[&str]) -> bool {
    let first: &(dyn std::error::Error + 'static) = &**error;
    std::iter::successors(Some(first), |error| error.source())
        .any(|error| texts.iter().any(|text| error.to_string().contains(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_with_and_without_a_fraction() {
        for (text, micros) in [
            ("2026-11-22 06:19:37", 1_795_328_377_000_000),
            ("2026-11-22 06:19:37.000001", 1_795_328_377_000_001),
            ("2026-11-22 06:19:37.5", 1_795_328_377_500_000),
        ] {
            assert_eq!(time(text).unwrap().timestamp_micros(), micros, "{text}");
        }
        for text in ["", "0000-00-00 00:00:00.000000", "2026-11-22", "1700000000"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_is_revoked_unless_it_says_that_it_is_not() {
        for (revoked, is_revoked) in [
            (Some("0"), false),
            (Some("false"), false),
            (Some("1"), true),
            (Some("2"), true),
            (None, true),
        ] {
            let row = ForeignRow {
                prefix: Raw(Ok(None)),
                hashed_key: Raw(Ok(None)),
                name: Raw(Ok(None)),
                revoked: Raw(Ok(revoked.map(str::to_owned))),
                created: Raw(Ok(None)),
                expiry_date: Raw(Ok(None)),
            };
            assert_eq!(DjangoRow::from(row).is_revoked, is_revoked, "{revoked:?}");
        }
    }
}
