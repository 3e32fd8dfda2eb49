//! The table of a Django site, shared with it: keys that Django made, the store in Django's layout, and the
//! round trip with the real Python package.
//!
//! The round trip needs `APIKEY_TEST_PYTHON`, an interpreter with what `requirements.txt` lists; without it,
//! these tests report that they are skipped. `cargo xtask test` makes one.

#![cfg(all(feature = "django", feature = "sqlite", feature = "postgres", feature = "mysql"))]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fixture that cannot be made, or an answer of another kind, fails the test"
)]

mod check;
mod conformance;
mod damaged;
mod database;
mod hashes;
mod organizations;
mod own_id;
mod round_trip;
mod rules;
mod schema;
#[path = "../servers/server.rs"]
#[allow(dead_code, reason = "the tests of the servers use the rest")]
mod server;
mod site;
mod times;
mod vectors;
