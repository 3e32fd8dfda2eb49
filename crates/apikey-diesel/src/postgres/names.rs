//! What the macros call PostgreSQL and its times.

pub use diesel::pg::Pg as Db;

pub use super::time::DbTime as Time;

/// Whether an update counts the rows that its condition selects.
pub const COUNTS_MATCHES: bool = true;

/// Whether all values of a column are of its type.
pub const IS_TYPED: bool = true;

/// The present time, in SQL.
pub const NOW: &str = "now()";
