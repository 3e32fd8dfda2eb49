//! Models of an application's own, by the derive, on three databases.

#![cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails the test")]

mod by_hand;
mod damaged;
mod keys_of_others;
mod lacking;
mod limits;
mod memberships;
mod organizations;
mod owners;
mod schemas;
#[path = "../servers/server.rs"]
#[allow(dead_code, reason = "the tests of the servers use the rest")]
mod server;
mod tables;
mod uuids;
