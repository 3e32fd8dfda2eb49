//! Accepts bb8's pool.

use diesel::pg::Pg;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::bb8::Pool as Bb8;

use crate::server::lent::Lent;

crate::server::bb8::bb8_of!(AsyncPgConnection, Pg);
