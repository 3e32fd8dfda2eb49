//! What the macros need, under names that are the same for every database. Not for you.

pub use std::sync::OnceLock;

pub use apikey_core::{
    Cursor, Found, HashedKey, KeyModel, KeyPatch, KeyQuery, KeyRecord, KeyStatus, NewRecord, Page,
    Scopes, Timestamp,
};
pub use diesel::dsl::{IntoBoxed as BoxedRows, SqlTypeOf, not};
pub use diesel::result::Error;
pub use diesel::sql_types::{Bool, Text};
pub use diesel::{Column, QueryResult, Queryable, Selectable, deserialize};

pub use crate::model::attempt::{Attempt, Field, Raw, found, last_place, one, page, rows};
pub use crate::model::damage::{Damage, Damaged, Place};
pub use crate::model::place::TablePlace;
pub use crate::model::rules::{TableRules, TextRule};
pub use crate::model::sql::time::{
    Comparison, TimeByKey, TimeCompared, TimeOrder, is_after, is_before, is_in_order,
    is_not_before, is_out_of_order, is_same_time, is_until, time_by_key,
};
pub use crate::model::sql::{Exactly, StartsWith, coalesce, is_exactly, starts_with};
pub use crate::model::{TableNames, checks};
pub use crate::store::Sealed;

/// What MySQL is called.
#[cfg(feature = "mysql")]
pub mod mysql {
    pub use crate::mysql::names::{COUNTS_MATCHES, Db, IS_TYPED, NOW, Time};
}

/// What PostgreSQL is called.
#[cfg(feature = "postgres")]
pub mod postgres {
    pub use crate::postgres::names::{COUNTS_MATCHES, Db, IS_TYPED, NOW, Time};
}

/// What SQLite is called.
#[cfg(feature = "sqlite")]
pub mod sqlite {
    pub use crate::sqlite::KeptTime;
    pub use crate::sqlite::gate::Gate;
    pub use crate::sqlite::names::{COUNTS_MATCHES, Db, IS_TYPED, NOW, Time};
}

/// What Django's layout is made of.
#[path = "django/private.rs"]
#[cfg(feature = "django")]
pub mod django;

/// What connections are that do not block.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub mod nonblocking {
    pub use crate::server::dialect::Dialect;
    pub use crate::server::lent::Lent;
    pub use crate::server::migration::ServerMigration;
    pub use crate::server::names::{Connection, Model, Run};
    pub use crate::server::verdict::Verdict;
}

/// Diesel's traits with the methods of expressions and queries, without their names.
pub mod methods {
    pub use diesel::{
        BoolExpressionMethods as _, ExpressionMethods as _, IntoSql as _,
        NullableExpressionMethods as _, QueryDsl as _, TextExpressionMethods as _,
    };
}

/// What columns have to hold: a prefix of the default format (others are longer), any name, and any list of scopes (a
/// hundred of 64 characters, with spaces between them).
pub const MOST_PREFIX: usize = 8;
pub const MOST_NAME: usize = apikey_core::MAX_NAME_LENGTH;
pub const MOST_SCOPES: usize = 6499;

/// How many rows are written by one statement. SQLite takes up to 32766 parameters, MySQL 65535; short
/// statements keep locks short.
pub const ROWS_AT_ONCE: usize = 500;

/// How many rows get each its own time by one statement. It compares each row with each of the keys.
pub const TIMES_AT_ONCE: usize = 100;

/// What connections are that block.
pub mod blocking {
    pub use diesel::RunQueryDsl as Run;
    pub use diesel::connection::LoadConnection as Connection;

    pub use crate::model::BlockingModel as Model;
}

/// Whether a text can be the prefix of a key: others need no query. MySQL does not even compare all of them with a
/// column of ASCII, and PostgreSQL takes no NUL. A key that somebody else made may have more than letters and digits
/// in it, and can still be revoked.
#[must_use]
pub fn can_be_prefix(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Reads the column of scopes.
///
/// # Errors
/// If it holds something else.
pub fn parse_scopes(scopes: &str) -> deserialize::Result<Scopes> {
    Ok(Scopes::parse(scopes)?)
}

/// Reads a count.
///
/// # Errors
/// If it is negative, which it is not.
pub fn to_u64(count: i64) -> QueryResult<u64> {
    u64::try_from(count).map_err(|error| Error::DeserializationError(Box::new(error)))
}

/// A length, as a database counts.
#[must_use]
pub fn to_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The error for a state that this version does not know.
#[must_use]
pub fn unknown_status(status: KeyStatus) -> Error {
    Error::QueryBuilderError(format!("keys cannot be selected by the status {status}").into())
}

/// The error for a column that the table lacks. The store does not let it come to this.
#[must_use]
pub fn lacks(column: &str) -> Error {
    Error::QueryBuilderError(format!("the table lacks the column {column}").into())
}
