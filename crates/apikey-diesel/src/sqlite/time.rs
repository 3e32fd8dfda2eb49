//! Times as SQLite keeps them.

use apikey_core::chrono::NaiveDateTime;
use apikey_core::{BoxError, Timestamp};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Text, Timestamp as TimestampColumn, TimestamptzSqlite};
use diesel::sqlite::Sqlite;

use crate::model::checks::TimeType;
use crate::time::in_calendar;

/// A time in a column, to the microsecond.
///
/// It is text of one fixed form, so that the order of texts is the order of times, and an index serves
/// both. Another form is refused when it is read, since SQL would have compared it wrongly. In columns
/// that are `Text` for Diesel the form is `2025-11-22T06:19:37.000000Z`. Where they are `Timestamp` or
/// `TimestamptzSqlite` it is the one that Diesel itself reads, without `T` and zone, or with `+00:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
#[diesel(sql_type = TimestampColumn)]
#[diesel(sql_type = TimestamptzSqlite)]
pub struct DbTime(Timestamp);

impl TimeType for Text {}
impl TimeType for TimestamptzSqlite {}

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

/// A form of text for times; in its picture a digit stands for any digit.
struct Form {
    picture: &'static str,
    format: &'static str,
}

const TEXT: Form =
    Form { picture: "0000-00-00T00:00:00.000000Z", format: "%Y-%m-%dT%H:%M:%S%.6fZ" };
const TIMESTAMP: Form =
    Form { picture: "0000-00-00 00:00:00.000000", format: "%Y-%m-%d %H:%M:%S%.6f" };
const TIMESTAMPTZ: Form =
    Form { picture: "0000-00-00 00:00:00.000000+00:00", format: "%Y-%m-%d %H:%M:%S%.6f+00:00" };

impl Form {
    fn print(&self, DbTime(time): DbTime) -> Result<String, BoxError> {
        // Five digits of a year would sort before four.
        Ok(in_calendar(time)?.format(self.format).to_string())
    }

    fn parse(&self, text: &str) -> Result<DbTime, BoxError> {
        let fits = |(byte, form): (u8, u8)| {
            if form.is_ascii_digit() { byte.is_ascii_digit() } else { byte == form }
        };
        let has_form =
            text.len() == self.picture.len() && text.bytes().zip(self.picture.bytes()).all(fits);
        has_form
            .then(|| NaiveDateTime::parse_from_str(text, self.format).ok())
            .flatten()
            .map(|time| DbTime(time.and_utc()))
            .ok_or_else(|| format!("{text:?} is not a time of the form {}", self.picture).into())
    }
}

macro_rules! column {
    ($sql_type:ty, $form:expr) => {
        impl ToSql<$sql_type, Sqlite> for DbTime {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                out.set_value($form.print(*self)?);
                Ok(IsNull::No)
            }
        }

        impl FromSql<$sql_type, Sqlite> for DbTime {
            fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                $form.parse(&<String as FromSql<Text, Sqlite>>::from_sql(value)?)
            }
        }
    };
}

column!(Text, TEXT);
column!(TimestampColumn, TIMESTAMP);
column!(TimestamptzSqlite, TIMESTAMPTZ);

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
            assert_eq!(TEXT.print(time).unwrap(), text);
            assert_eq!(TEXT.parse(text).unwrap(), time);
        }
    }

    #[test]
    fn cuts_what_is_finer_than_a_microsecond() {
        assert_eq!(TEXT.print(time(0, 1_999)).unwrap(), "1970-01-01T00:00:00.000001Z");
    }

    #[test]
    fn refuses_years_that_would_sort_wrongly() {
        assert!(TEXT.print(time(253_402_300_800, 0)).is_err());
        assert!(TEXT.print(time(-62_167_219_201, 0)).is_err());
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
            assert!(TEXT.parse(text).is_err(), "{text:?}");
        }
    }
}
