//! Times as the databases keep them.

use apikey_core::chrono::Datelike;
use apikey_core::{BoxError, Timestamp};
use thiserror::Error;

/// A column of times holds one that no key has: too far away, or none of the calendar's.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct NoTime(BoxError);

impl NoTime {
    #[allow(dead_code, reason = "SQLite has no type for times")]
    pub(crate) fn new(error: impl Into<BoxError>) -> Self {
        Self(error.into())
    }
}

/// Refuses a time that not every database can hold, or sorts rightly where times are text.
pub(crate) fn in_calendar(time: Timestamp) -> Result<Timestamp, BoxError> {
    if (0..=9999).contains(&time.year()) {
        Ok(time)
    } else {
        Err("a time has to lie in the years 0 to 9999".into())
    }
}

/// Whether a key can have ended before this time: none has before the calendar of the databases begins.
pub(crate) fn can_have_ended(before: Timestamp) -> bool {
    before.year() >= 0
}
