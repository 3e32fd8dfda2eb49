//! What the macros call SQLite and its times.

pub use diesel::sqlite::Sqlite as Db;

pub use super::time::DbTime as Time;
