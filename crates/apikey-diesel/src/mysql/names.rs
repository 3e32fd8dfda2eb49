//! What the macros call MySQL and its times.

pub use diesel::mysql::Mysql as Db;

pub use super::time::DbTime as Time;
