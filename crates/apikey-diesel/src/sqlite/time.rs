//! Times as SQLite keeps them.

use apikey_core::chrono::{NaiveDate, NaiveDateTime};
use apikey_core::{BoxError, Timestamp};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{
    Nullable, SqlType, Text, Timestamp as TimestampColumn, TimestamptzSqlite, is_nullable,
};
use diesel::sqlite::Sqlite;

use crate::model::checks::TimeType;
use crate::time::in_calendar;

/// A time in a column, to the microsecond.
///
/// It is written as text of one fixed form, so that the order of texts is the order of times, and an index serves
/// both. What somebody writes by hand in a form of SQLite's own (`CURRENT_TIMESTAMP`, a day alone, with `T` or
/// `Z`) is read as well, and brought into that form where SQL compares it; everything else is refused. In columns
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
        let kept = || NaiveDateTime::parse_from_str(text, self.format).ok();
        let time = if has_form { kept() } else { by_hand(text) };
        time.map(|time| DbTime(time.and_utc()))
            .ok_or_else(|| format!("{text:?} is not a time of the form {}", self.picture).into())
    }
}

/// Reads what SQLite's own functions write, and people: the same texts as the macro `normal`.
fn by_hand(text: &str) -> Option<NaiveDateTime> {
    let body = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let (whole, fraction) = match body.split_once('.') {
        Some((whole, fraction)) if whole.len() == 19 => (whole, fraction),
        Some(_) => return None,
        None => (body, "0"),
    };
    let forms = ["0000-00-00T00:00:00", "0000-00-00 00:00:00"];
    let fits = |(byte, form): (u8, u8)| {
        if form.is_ascii_digit() { byte.is_ascii_digit() } else { byte == form }
    };
    let has_form = |form: &str| whole.bytes().zip(form.bytes()).all(fits);
    let is_number = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if ![10, 16, 19].contains(&whole.len()) || !forms.into_iter().any(has_form) || !is_number {
        return None;
    }
    let day = NaiveDate::parse_from_str(whole.get(..10)?, "%Y-%m-%d").ok()?;
    let number = |range| whole.get(range).map_or(Some(0), |text: &str| text.parse::<u32>().ok());
    let micros = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    day.and_hms_micro_opt(number(11..13)?, number(14..16)?, number(17..19)?, micros)
}

/// What SQL knows of the times in a column of this type. A question mark stands for the column.
pub trait KeptTime {
    /// The time in the form that the column has; null if it is none. Whether there is such a day is not looked at.
    const NORMAL: &'static str;
    /// Whether the column holds a time in this form.
    const IS_KEPT: &'static str;
}

macro_rules! day {
    () => {
        "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
    };
}

macro_rules! normal {
    ($separator:literal, $tail:literal, $length:literal) => {
        concat!(
            "CASE WHEN length(?) = ",
            $length,
            " AND substr(?, 11, 1) = '",
            $separator,
            "' AND substr(?, 20, 1) = '.' AND substr(?, 27) = '",
            $tail,
            "' THEN ? ELSE (SELECT CASE \
             WHEN body GLOB '",
            day!(),
            "' THEN body || '",
            $separator,
            "00:00:00.000000",
            $tail,
            "' \
             WHEN body GLOB '",
            day!(),
            "[ T][0-9][0-9]:[0-9][0-9]' \
             THEN substr(body, 1, 10) || '",
            $separator,
            "' || substr(body, 12) || ':00.000000",
            $tail,
            "' \
             WHEN body GLOB '",
            day!(),
            "[ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9]' \
             THEN substr(body, 1, 10) || '",
            $separator,
            "' || substr(body, 12) || '.000000",
            $tail,
            "' \
             WHEN body GLOB '",
            day!(),
            "[ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9]*' \
             AND NOT substr(body, 21) GLOB '*[^0-9]*' \
             THEN substr(body, 1, 10) || '",
            $separator,
            "' || substr(body, 12, 9) || \
             substr(substr(body, 21) || '00000', 1, 6) || '",
            $tail,
            "' END \
             FROM (SELECT CASE WHEN ? GLOB '*Z' THEN substr(?, 1, length(?) - 1) \
             WHEN ? GLOB '*+00:00' THEN substr(?, 1, length(?) - 6) ELSE ? END AS body)) END"
        )
    };
}

macro_rules! is_kept {
    ($separator:literal, $tail:literal) => {
        concat!(
            "? GLOB '",
            day!(),
            $separator,
            "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\
             .[0-9][0-9][0-9][0-9][0-9][0-9]",
            $tail,
            "' AND substr(?, 1, 19) = \
             strftime('%Y-%m-%d",
            $separator,
            "%H:%M:%S', substr(?, 1, 19), '+0 days')"
        )
    };
}

impl KeptTime for Text {
    const NORMAL: &'static str = normal!("T", "Z", "27");
    const IS_KEPT: &'static str = is_kept!("T", "Z");
}

impl KeptTime for TimestampColumn {
    const NORMAL: &'static str = normal!(" ", "", "26");
    const IS_KEPT: &'static str = is_kept!(" ", "");
}

impl KeptTime for TimestamptzSqlite {
    const NORMAL: &'static str = normal!(" ", "+00:00", "32");
    const IS_KEPT: &'static str = is_kept!(" ", "+00:00");
}

impl<T: KeptTime + SqlType<IsNull = is_nullable::NotNull>> KeptTime for Nullable<T> {
    const NORMAL: &'static str = T::NORMAL;
    const IS_KEPT: &'static str = T::IS_KEPT;
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
    fn reads_what_is_written_by_hand() {
        for form in [TEXT, TIMESTAMP, TIMESTAMPTZ] {
            for (text, read) in [
                ("2025-11-22 06:19:37", "2025-11-22T06:19:37.000000Z"),
                ("2025-11-22T06:19:37Z", "2025-11-22T06:19:37.000000Z"),
                ("2025-11-22T06:19:37.5", "2025-11-22T06:19:37.500000Z"),
                ("2025-11-22 06:19:37.123456789Z", "2025-11-22T06:19:37.123456Z"),
                ("2025-11-22 06:19:37+00:00", "2025-11-22T06:19:37.000000Z"),
                ("2025-11-22 06:19", "2025-11-22T06:19:00.000000Z"),
                ("2025-11-22", "2025-11-22T00:00:00.000000Z"),
            ] {
                assert_eq!(TEXT.print(form.parse(text).unwrap()).unwrap(), read, "{text:?}");
            }
        }
    }

    #[test]
    fn refuses_every_other_form() {
        for text in [
            "",
            "now",
            "06:19",
            "2025",
            "2025-11",
            "2461000.5",
            "2025-11-22T06",
            "2025-11-22x06:19:37",
            "2025-11-22T06:19:37.Z",
            "2025-11-22T06:19:37.000000Z ",
            " 2025-11-22T06:19:37.000000Z",
            "2025-11-22T06:19:37.00a",
            "2025-11-22T06:19:37+02:00",
            "2025-11-22T06:19:37.000000Z+00:00",
            "2025-11-22T06:19.5",
            "+025-11-22T06:19:37.000000Z",
            "2025-13-22T06:19:37.000000Z",
            "2025-02-30T06:19:37.000000Z",
            "2025-02-30",
            "2025-11-22T24:00:00.000000Z",
            "2025-11-22 06:60",
            "2025-11-2\u{e9} 06:19",
        ] {
            assert!(TEXT.parse(text).is_err(), "{text:?}");
        }
    }
}
