//! From flags and environment to values: times, prefixes, the format of keys, the handle.

use std::ops::RangeInclusive;
use std::time::Duration;

use apikey_core::chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use apikey_core::{
    ApiKeys, Argon2id, Clock, Django, FormatError, Hashers, KeyFormat, KeyModel, KeyStore, Pbkdf2,
    Sha256, Sha512, SystemClock, Timestamp,
};
use thiserror::Error;

use crate::exit_code::Failure;

/// The years that the times of a key may have: those that stores take.
const YEARS: RangeInclusive<i32> = 0..=9999;

/// Why a time could not be read.
#[derive(Debug, Error)]
pub(crate) enum TimeError {
    #[error("use a number and a unit, as in 30m (minutes), 12h, 90d, 2w, 3M (months) or 1y")]
    Duration,
    #[error("that is past the end of the calendar")]
    TooFar,
    #[error("databases have no leap seconds: use the second before or after")]
    LeapSecond,
    #[error("use RFC 3339 with an offset, as in 2030-01-31T12:00:00Z, or a date, as in 2030-01-31")]
    Moment,
}

/// Reads a duration as the time that it ends, counted from now.
pub(crate) fn from_now(text: &str) -> Result<Timestamp, TimeError> {
    let now = SystemClock::default().now();
    now.checked_add_signed(delta(text)?).ok_or(TimeError::TooFar)
}

/// Reads a duration as the time that it began, if it ends now.
pub(crate) fn ago(text: &str) -> Result<Timestamp, TimeError> {
    let now = SystemClock::default().now();
    let time = now.checked_sub_signed(delta(text)?);
    time.filter(|time| YEARS.contains(&time.year())).ok_or(TimeError::TooFar)
}

/// Reads a duration that may begin or end now.
pub(crate) fn duration(text: &str) -> Result<Duration, TimeError> {
    let end = from_now(text)?;
    ago(text)?;
    if !YEARS.contains(&end.year()) {
        return Err(TimeError::TooFar);
    }
    delta(text)?.to_std().map_err(|_| TimeError::Duration)
}

fn delta(text: &str) -> Result<TimeDelta, TimeError> {
    let duration = humantime::parse_duration(text).map_err(|_| TimeError::Duration)?;
    TimeDelta::from_std(duration).map_err(|_| TimeError::TooFar)
}

/// Reads a time of RFC 3339, or a date as its first moment in UTC. A time without an offset is refused:
/// whose noon it means cannot be known.
pub(crate) fn moment(text: &str) -> Result<Timestamp, TimeError> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| TimeError::Moment)?;
    if time.nanosecond() >= 1_000_000_000 {
        return Err(TimeError::LeapSecond);
    }
    Ok(time.with_timezone(&Utc))
}

/// Reads a brand, without white space around it, as variables and files bring it.
pub(crate) fn brand(text: &str) -> Result<KeyFormat, FormatError> {
    KeyFormat::branded(text.trim())
}

/// Makes the handle. It reads every layout and hash that needs no configuration, and leaves stored
/// hashes as they are: which hasher is preferred is the service's decision.
pub(crate) fn handle<M: KeyModel>(
    store: impl KeyStore<M>,
    format: Option<KeyFormat>,
) -> Result<ApiKeys<M>, Failure> {
    let hashers = Hashers::new(Sha256)
        .accept(Sha512)
        .accept(Argon2id::default())
        .accept(Pbkdf2::default())
        .accept(Django::default());
    let builder = ApiKeys::builder(store).hashers(hashers).keep_hashes();
    let builder = match format {
        Some(format) => builder.format(format).accept_format(KeyFormat::default()),
        None => builder,
    };
    builder.build().map_err(Failure::Settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_date_as_its_first_moment_in_utc() {
        assert_eq!(moment("2030-01-31").unwrap(), moment("2030-01-31T00:00:00Z").unwrap());
    }

    #[test]
    fn reads_offsets() {
        let time = moment("2030-01-31T01:30:00+01:30").unwrap();
        assert_eq!(time, moment("2030-01-31").unwrap());
    }

    #[test]
    fn refuses_times_that_may_mean_several_moments() {
        for text in ["", "tomorrow", "2030-01-31T12:00:00", "2030-02-30", "31.01.2030"] {
            assert!(matches!(moment(text), Err(TimeError::Moment)), "{text}");
        }
    }

    /// Each database would make another moment of it.
    #[test]
    fn refuses_leap_seconds() {
        for text in ["2030-12-31T23:59:60Z", "2030-12-31T23:59:60.5Z", "2016-12-31T23:59:60Z"] {
            assert!(matches!(moment(text), Err(TimeError::LeapSecond)), "{text}");
        }
        assert!(moment("2030-12-31T23:59:59.999999Z").is_ok());
    }

    #[test]
    fn refuses_durations_without_a_unit_or_without_an_end() {
        assert!(matches!(from_now("90"), Err(TimeError::Duration)));
        assert!(matches!(from_now("-1d"), Err(TimeError::Duration)));
        assert!(matches!(from_now("900000000y"), Err(TimeError::TooFar)));
        assert!(matches!(ago("900000000y"), Err(TimeError::TooFar)));
        assert!(matches!(duration("9000y"), Err(TimeError::TooFar)));
        assert!(matches!(duration("2100y"), Err(TimeError::TooFar)));
        assert!(duration("2000y").is_ok());
    }
}
