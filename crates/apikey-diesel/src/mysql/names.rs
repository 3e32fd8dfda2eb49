//! What the macros call MySQL and its times.

pub use diesel::mysql::Mysql as Db;

pub use super::time::DbTime as Time;

/// Whether an update counts the rows that its condition selects. It does on connections that Diesel makes; on others,
/// those that it changes.
pub const COUNTS_MATCHES: bool = false;

/// Whether all values of a column are of its type.
pub const IS_TYPED: bool = true;

/// The present time, in SQL.
pub const NOW: &str = "UTC_TIMESTAMP(6)";
