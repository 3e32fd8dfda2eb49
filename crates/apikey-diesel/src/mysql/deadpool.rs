//! Accepts deadpool's pool.

use diesel::mysql::Mysql;
use diesel_async::AsyncMysqlConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool as Deadpool};

crate::server::deadpool::deadpool_of!(AsyncMysqlConnection, Mysql);
