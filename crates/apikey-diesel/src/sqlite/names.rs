//! What the macros call SQLite and its times.

pub use diesel::sqlite::Sqlite as Db;

pub use super::time::DbTime as Time;

/// Whether an update counts the rows that its condition selects.
pub const COUNTS_MATCHES: bool = true;

/// Whether all values of a column are of its type.
pub const IS_TYPED: bool = false;

/// The present time, in SQL.
pub const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')";
