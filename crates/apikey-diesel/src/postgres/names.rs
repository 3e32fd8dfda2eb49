//! What the macros call PostgreSQL and its times.

pub use diesel::pg::Pg as Db;

pub use super::time::DbTime as Time;
