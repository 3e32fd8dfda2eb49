//! A key store written by hand: a file of JSON lines instead of a database.
//!
//! Good for a small service with one process and some thousand keys. `store.rs` is the contract, `journal.rs` what
//! makes it durable, and `tests/conformance.rs` the proof.

mod journal;
mod row;
mod store;

pub use crate::journal::OpenError;
pub use crate::store::JournalStore;
