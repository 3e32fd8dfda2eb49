//! Django's table on SQLite, and its times.

use apikey_core::chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use apikey_core::{BoxError, Timestamp};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Bool, Text, Timestamp as TimestampColumn, TimestamptzSqlite};
use diesel::sqlite::{Sqlite, SqliteType};

use crate::__private::django::{RowTime, calendar};
use crate::django::model::django_model;

diesel::table! {
    rest_framework_api_key_apikey (id) {
        id -> Text,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        created -> Timestamp,
        revoked -> Bool,
        expiry_date -> Nullable<Timestamp>,
    }
}

django_model!(__on_sqlite, crate::sqlite::django::rest_framework_api_key_apikey);

/// A truth as Django writes it: 0 or 1. SQLite itself takes a text, and half of one, for 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub struct DjangoBool(bool);

impl From<DjangoBool> for bool {
    fn from(DjangoBool(is_true): DjangoBool) -> Self {
        is_true
    }
}

impl FromSql<Bool, Sqlite> for DjangoBool {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        if value.value_type() != Some(SqliteType::Long) {
            return Err("it is neither 0 nor 1".into());
        }
        match <i64 as FromSql<BigInt, Sqlite>>::from_sql(value)? {
            0 => Ok(Self(false)),
            1 => Ok(Self(true)),
            _ => Err("it is neither 0 nor 1".into()),
        }
    }
}

/// A time as Django writes it: `2025-11-22 06:19:37.000001` in UTC, and without the fraction where that is
/// zero. The order of these texts is the order of the times all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = TimestampColumn)]
#[diesel(sql_type = TimestamptzSqlite)]
pub struct DjangoTime {
    time: Timestamp,
    is_readable: bool,
}

impl From<Timestamp> for DjangoTime {
    fn from(time: Timestamp) -> Self {
        Self { time, is_readable: true }
    }
}

impl From<DjangoTime> for Timestamp {
    fn from(time: DjangoTime) -> Self {
        time.time
    }
}

impl RowTime for DjangoTime {
    fn is_readable(&self) -> bool {
        self.is_readable
    }
}

const WHOLE: &str = "%Y-%m-%d %H:%M:%S";
const FRACTION: &str = "%Y-%m-%d %H:%M:%S%.6f";

fn print(time: Timestamp) -> Result<String, BoxError> {
    // Python knows no others.
    if !(1..=9999).contains(&time.year()) {
        return Err("a time has to lie in the years 1 to 9999".into());
    }
    let is_whole = time.nanosecond() < 1000;
    Ok(time.format(if is_whole { WHOLE } else { FRACTION }).to_string())
}

/// Reads a time in Django's form. Another form of the same time would be compared wrongly by SQL.
fn parse(text: &str) -> Option<Timestamp> {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?.and_utc();
    (print(time).ok()? == text).then_some(time)
}

/// Reads whatever is in a column. What is no time has the place of its text among the times.
fn read(text: &str) -> DjangoTime {
    match parse(text) {
        Some(time) => time.into(),
        None => DjangoTime { time: last_before(text), is_readable: false },
    }
}

/// Returns the last time whose text sorts before a text that is no time: so the row has the same place
/// among the others here as in the database, and a page that ends with it has a next one. What sorts before
/// every time stands for the first.
fn last_before(text: &str) -> Timestamp {
    let [first, last] = calendar().map(|time| time.timestamp_micros());
    let at = |micros| DateTime::from_timestamp_micros(micros).unwrap_or_default();
    let (mut low, mut high) = (first, last);
    while low < high {
        let middle = high - (high - low) / 2;
        if print(at(middle)).is_ok_and(|before| *before < *text) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    at(low)
}

macro_rules! column {
    ($sql_type:ty) => {
        impl ToSql<$sql_type, Sqlite> for DjangoTime {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                out.set_value(print(self.time)?);
                Ok(IsNull::No)
            }
        }

        impl FromSql<$sql_type, Sqlite> for DjangoTime {
            fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                match value.value_type() {
                    None | Some(SqliteType::Text) => {
                        Ok(read(&<String as FromSql<Text, Sqlite>>::from_sql(value)?))
                    }
                    // A number, or bytes.
                    Some(_) => Ok(read("")),
                }
            }
        }
    };
}

column!(TimestampColumn);
column!(TimestamptzSqlite);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_times_as_python_does_and_reads_them_back() {
        for (seconds, nanos, text) in [
            (0, 0, "1970-01-01 00:00:00"),
            (1_763_792_377, 1_000, "2025-11-22 06:19:37.000001"),
            (1_763_792_377, 500_000_000, "2025-11-22 06:19:37.500000"),
            (1_763_792_378, 0, "2025-11-22 06:19:38"),
            (253_402_300_799, 999_999_000, "9999-12-31 23:59:59.999999"),
        ] {
            let time = DateTime::from_timestamp(seconds, nanos).unwrap();
            assert_eq!(print(time).unwrap(), text);
            assert_eq!(parse(text).unwrap(), time);
        }
    }

    #[test]
    fn texts_have_the_order_of_their_times() {
        let texts: Vec<_> = [(7, 0), (7, 1_000), (7, 100_000_000), (7, 999_999_000), (8, 0)]
            .map(|(seconds, nanos)| {
                print(DateTime::from_timestamp(seconds, nanos).unwrap()).unwrap()
            })
            .into();
        assert!(texts.is_sorted(), "{texts:?}");
    }

    #[test]
    fn refuses_what_python_does_not_write() {
        assert!(print(DateTime::from_timestamp(-62_135_596_801, 0).unwrap()).is_err());
        for text in [
            "",
            "2025-11-22",
            "2025-11-22T06:19:37.000001",
            "2025-11-22 06:19:37.000000",
            "2025-11-22 06:19:37.5",
            "2025-11-22 06:19:37+00:00",
            "2025-11-22 6:19:37",
            "2025-02-30 06:19:37",
        ] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_time_has_the_place_of_its_text() {
        for (text, before) in [
            ("", "0001-01-01 00:00:00"),
            ("0000-00-00 00:00:00", "0001-01-01 00:00:00"),
            ("2025-11-22", "2025-11-21 23:59:59.999999"),
            ("2025-11-22T06:19:37", "2025-11-22 23:59:59.999999"),
            ("2025-11-22 06:19:37.5", "2025-11-22 06:19:37.499999"),
            ("soon", "9999-12-31 23:59:59.999999"),
        ] {
            let read = read(text);
            assert!(!read.is_readable, "{text:?}");
            assert_eq!(print(read.time).unwrap(), before, "{text:?}");
        }
    }
}
