//! The locks that the cache's order rests on; a test under a scheduler of its own replaces this file.

pub(crate) use std::sync::{Mutex, MutexGuard};
