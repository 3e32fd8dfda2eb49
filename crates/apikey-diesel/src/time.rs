//! Times as the databases keep them.

use apikey_core::chrono::Datelike;
use apikey_core::{BoxError, Timestamp};

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
