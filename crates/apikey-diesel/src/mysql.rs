//! MySQL and MariaDB: what is said differently there.

#[cfg(feature = "bb8")]
mod bb8;
mod check;
mod connect;
mod deadpool;
mod dialect;
#[cfg(feature = "django")]
pub(crate) mod django;
mod foreign;
pub(crate) mod names;
mod record;
mod rights;
mod schema;
mod sql;
mod time;
mod verdict;

pub use connect::MysqlPool;
pub(crate) use connect::connect;
pub(crate) use foreign::open_foreign;
