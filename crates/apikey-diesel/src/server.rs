//! Stores on a database server: each operation is a task with a connection of a pool.

pub(crate) mod address;
#[cfg(feature = "bb8")]
pub(crate) mod bb8;
mod blame;
pub(crate) mod connect;
pub(crate) mod deadpool;
pub(crate) mod dialect;
pub(crate) mod foreign;
pub(crate) mod frame;
pub(crate) mod lent;
pub(crate) mod migration;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod pool;
mod store;
pub(crate) mod task;
pub(crate) mod verdict;
mod within;
