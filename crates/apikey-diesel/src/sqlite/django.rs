//! Django's table on SQLite, and its times.

use apikey_core::chrono::{Datelike, NaiveDateTime, Timelike};
use apikey_core::{BoxError, Timestamp};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Text, Timestamp as TimestampColumn, TimestamptzSqlite};
use diesel::sqlite::Sqlite;

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

/// A time as Django writes it: `2025-11-22 06:19:37.000001` in UTC, and without the fraction where that is
/// zero. The order of these texts is the order of the times all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = TimestampColumn)]
#[diesel(sql_type = TimestamptzSqlite)]
pub struct DjangoTime(Timestamp);

impl From<Timestamp> for DjangoTime {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl From<DjangoTime> for Timestamp {
    fn from(time: DjangoTime) -> Self {
        time.0
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

fn parse(text: &str) -> Result<Timestamp, BoxError> {
    let time =
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(|time| time.and_utc());
    // Another form of the same time would be compared wrongly by SQL.
    time.ok().filter(|time| print(*time).is_ok_and(|form| form == text)).ok_or_else(|| {
        format!("{text:?} is not a time as Django writes it, 2025-11-22 06:19:37.000001").into()
    })
}

macro_rules! column {
    ($sql_type:ty) => {
        impl ToSql<$sql_type, Sqlite> for DjangoTime {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                out.set_value(print(self.0)?);
                Ok(IsNull::No)
            }
        }

        impl FromSql<$sql_type, Sqlite> for DjangoTime {
            fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                Ok(Self(parse(&<String as FromSql<Text, Sqlite>>::from_sql(value)?)?))
            }
        }
    };
}

column!(TimestampColumn);
column!(TimestamptzSqlite);

#[cfg(test)]
mod tests {
    use apikey_core::chrono::DateTime;

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
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
