//! What is promised of every store and of every adapter, as test suites: one function per promise.
//!
//! Whoever writes a store stamps all cases on it with [`store_suite!`]. A case fails with the promise
//! that was broken; the documentation of its function states the promise.
//!
//! ```
//! use std::sync::Arc;
//! use apikey_conformance::{StoreFixture, async_trait, store_suite};
//! use apikey_core::{KeyRecord, KeyStore, MemoryStore};
//!
//! struct InMemory;
//!
//! #[async_trait]
//! impl StoreFixture for InMemory {
//!     type Model = KeyRecord;
//!
//!     async fn store(&self) -> Arc<dyn KeyStore<KeyRecord>> {
//!         Arc::new(MemoryStore::<KeyRecord>::new())
//!     }
//!
//!     fn extra(&self, _owner: u8) {}
//! }
//!
//! store_suite!(in_memory, InMemory);
//! # fn main() {}
//! ```
//!
//! Whoever writes an adapter serves one small application, the [`Harness`], and stamps all cases on it with
//! [`adapter_suite!`].
//!
//! [`SpyStore`] wraps any store for tests of what is built on it: it counts calls, holds them and lets them
//! fail.
//!
//! A store that cannot keep a promise names the case and the reason, so that the hole is written down:
//! `store_suite!(name, fixture, skip { case: "reason" })`. See [`report_skip`] for where it is reported.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a broken promise is a panic: every function here is the body of a test"
)]
#![expect(
    clippy::cognitive_complexity,
    reason = "a case is a straight line of steps, but the lint counts each await and assertion as a branch"
)]

pub mod adapter;
mod fixture;
mod run;
mod spy;
pub mod store;

pub use apikey_core;
pub use apikey_core::async_trait;

pub use crate::adapter::{Harness, Running, Service};
pub use crate::fixture::StoreFixture;
pub use crate::run::{report_skip, run};
pub use crate::spy::{Held, Operation, SpyStore};
