//! The store on SQLite: what is true of it beyond the conformance suite.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a step that fails ends the test")]

mod by_hand;
mod check;
mod damaged;
mod dropped;
mod files;
mod fixture;
#[cfg(unix)]
mod log;
mod migration;
mod opening;
mod rows;
#[cfg(unix)]
mod somebody;
mod writers;
