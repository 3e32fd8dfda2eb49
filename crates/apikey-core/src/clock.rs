//! The only reader of time.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A moment in UTC. Everything this library stores is cut to the microsecond, so that what was
/// written and what is read back are equal on every database.
pub type Timestamp = DateTime<Utc>;

/// Tells an [`ApiKeys`](crate::ApiKeys) handle the time; replace it to test expiry without sleeping.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock: the default.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}

/// A clock that stands still until it is moved; its clones move together.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use apikey_core::{Clock, ManualClock};
///
/// let clock = ManualClock::default();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!((clock.now() - before).num_seconds(), 60);
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock {
    micros: Arc<AtomicI64>,
}

impl ManualClock {
    /// Creates a clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { micros: Arc::new(AtomicI64::new(now.timestamp_micros())) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// Stands at the moment of its creation.
    fn default() -> Self {
        Self::at(Utc::now())
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::SeqCst))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Cuts a time to the precision that every database keeps.
///
/// A leap second, which chrono keeps as a second of more than a million microseconds, becomes the beginning of
/// the next minute, as clocks have it that know none. Databases would each make something else of it.
pub(crate) fn to_micros(time: Timestamp) -> Timestamp {
    DateTime::from_timestamp_micros(time.timestamp_micros())
        .unwrap_or_else(|| time.trunc_subsecs(6))
}

/// Adds a duration; `None` past the end of the calendar.
pub(crate) fn after(time: Timestamp, by: Duration) -> Option<Timestamp> {
    TimeDelta::from_std(by).ok().and_then(|delta| time.checked_add_signed(delta))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_microseconds_and_drops_the_rest() {
        let time = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
        assert_eq!(to_micros(time).timestamp_subsec_nanos(), 123_456_000);
    }

    #[test]
    fn makes_a_leap_second_the_beginning_of_the_next_minute() {
        let minute = DateTime::from_timestamp(1_483_228_800, 0).unwrap();
        let leap = DateTime::from_timestamp(1_483_228_799, 1_250_000_999).unwrap();
        assert_eq!(to_micros(leap), minute + TimeDelta::milliseconds(250));
        for extreme in [Timestamp::MIN_UTC, Timestamp::MAX_UTC, DateTime::UNIX_EPOCH] {
            assert_eq!(to_micros(extreme), extreme.trunc_subsecs(6));
        }
        let before = DateTime::from_timestamp(-1, 999_999_999).unwrap();
        assert_eq!(to_micros(before), before.trunc_subsecs(6));
    }

    #[test]
    fn a_duration_beyond_the_calendar_has_no_end() {
        assert_eq!(after(Utc::now(), Duration::MAX), None);
    }
}
