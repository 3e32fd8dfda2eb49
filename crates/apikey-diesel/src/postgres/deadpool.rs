//! Accepts deadpool's pool.

use diesel::pg::Pg;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool as Deadpool};

crate::server::deadpool::deadpool_of!(AsyncPgConnection, Pg);
