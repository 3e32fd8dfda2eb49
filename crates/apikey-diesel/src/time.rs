//! Times as the database keeps them.

use apikey_core::chrono::{Datelike, NaiveDateTime};
use apikey_core::{BoxError, Timestamp};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;

/// A time in a column, to the microsecond.
///
/// In SQLite it is text of one fixed form, `2025-11-22T06:19:37.000000Z`, so that the order of texts is
/// the order of times, and an index serves both. Another form is refused when it is read, since SQL
/// would have compared it wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct DbTime(Timestamp);

impl From<Timestamp> for DbTime {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl From<DbTime> for Timestamp {
    fn from(time: DbTime) -> Self {
        time.0
    }
}

/// A digit stands for any digit.
const FORM: &[u8] = b"0000-00-00T00:00:00.000000Z";

impl DbTime {
    fn print(self) -> Result<String, BoxError> {
        // Five digits of a year would sort before four.
        if (0..=9999).contains(&self.0.year()) {
            Ok(self.0.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
        } else {
            Err("a time has to lie in the years 0 to 9999".into())
        }
    }

    fn parse(text: &str) -> Result<Self, BoxError> {
        let fits = |(byte, form): (u8, &u8)| {
            if form.is_ascii_digit() { byte.is_ascii_digit() } else { byte == *form }
        };
        let has_form = text.len() == FORM.len() && text.bytes().zip(FORM).all(fits);
        has_form
            .then(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.fZ").ok())
            .flatten()
            .map(|time| Self(time.and_utc()))
            .ok_or_else(|| {
                format!("{text:?} is not a time of the form 2025-11-22T06:19:37.000000Z").into()
            })
    }
}

impl ToSql<Text, Sqlite> for DbTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.print()?);
        Ok(IsNull::No)
    }
}

impl<DB: Backend> FromSql<Text, DB> for DbTime
where
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Self::parse(&String::from_sql(value)?)
    }
}

#[cfg(test)]
mod tests {
    use apikey_core::chrono::DateTime;

    use super::*;

    fn time(seconds: i64, nanos: u32) -> DbTime {
        DbTime(DateTime::from_timestamp(seconds, nanos).unwrap())
    }

    #[test]
    fn prints_one_form_and_reads_it_back() {
        for (time, text) in [
            (time(0, 0), "1970-01-01T00:00:00.000000Z"),
            (time(1_763_792_377, 1_000), "2025-11-22T06:19:37.000001Z"),
            (time(-1, 999_999_000), "1969-12-31T23:59:59.999999Z"),
            (time(253_402_300_799, 999_999_000), "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(time.print().unwrap(), text);
            assert_eq!(DbTime::parse(text).unwrap(), time);
        }
    }

    #[test]
    fn cuts_what_is_finer_than_a_microsecond() {
        assert_eq!(time(0, 1_999).print().unwrap(), "1970-01-01T00:00:00.000001Z");
    }

    #[test]
    fn refuses_years_that_would_sort_wrongly() {
        assert!(time(253_402_300_800, 0).print().is_err());
        assert!(time(-62_167_219_201, 0).print().is_err());
    }

    #[test]
    fn refuses_every_other_form() {
        for text in [
            "",
            "now",
            "2025-11-22 06:19:37.000000Z",
            "2025-11-22T06:19:37Z",
            "2025-11-22T06:19:37.000Z",
            "2025-11-22T06:19:37.000000",
            "2025-11-22T06:19:37.000000Z ",
            "2025-11-22T06:19:37.000000+00:00",
            "+025-11-22T06:19:37.000000Z",
            "2025-13-22T06:19:37.000000Z",
            "2025-02-30T06:19:37.000000Z",
            "2025-11-22T24:00:00.000000Z",
        ] {
            assert!(DbTime::parse(text).is_err(), "{text:?}");
        }
    }
}
