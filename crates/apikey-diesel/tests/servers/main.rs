//! PostgreSQL and MariaDB or MySQL: the conformance suite, and what is theirs alone.
//!
//! The servers are named by `APIKEY_TEST_POSTGRES_URL` and `APIKEY_TEST_MYSQL_URL`; without them the
//! tests report that they are skipped.

#![cfg(all(feature = "bb8", feature = "postgres", feature = "mysql"))]
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails the test")]

mod check;
mod conformance;
mod damaged;
mod database;
mod failing;
mod found_rows;
mod locks;
mod opening;
mod parallel;
mod rights;
mod rows;
mod server;
mod stale;
