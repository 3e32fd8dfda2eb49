//! Times as PostgreSQL keeps them.

use apikey_core::Timestamp;
use apikey_core::chrono::{DateTime, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::pg::data_types::PgTimestamp;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{Timestamp as TimestampColumn, Timestamptz};

use crate::model::checks::TimeType;
use crate::model::damage::NoTime;
use crate::time::in_calendar;

/// A time in a column, to the microsecond; in UTC where the column has no zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamptz)]
#[diesel(sql_type = TimestampColumn)]
pub struct DbTime(Timestamp);

impl TimeType for Timestamptz {}

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

impl ToSql<Timestamptz, Pg> for DbTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let time: DateTime<Utc> = in_calendar(self.0)?;
        ToSql::<Timestamptz, Pg>::to_sql(&time, &mut out.reborrow())
    }
}

impl FromSql<Timestamptz, Pg> for DbTime {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        read(micros(value)?)
    }
}

impl ToSql<TimestampColumn, Pg> for DbTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let time = in_calendar(self.0)?.naive_utc();
        ToSql::<TimestampColumn, Pg>::to_sql(&time, &mut out.reborrow())
    }
}

impl FromSql<TimestampColumn, Pg> for DbTime {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        read(micros(value)?)
    }
}

/// The types `timestamp` and `timestamptz`. Others are as long, such as `bigint` and `time`.
const TIMES: [u32; 2] = [1114, 1184];

fn micros(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<PgTimestamp> {
    if !TIMES.contains(&value.get_oid().get()) {
        return Err("it is neither timestamptz nor timestamp".into());
    }
    FromSql::<Timestamptz, Pg>::from_sql(value)
}

/// Reads the microseconds since the year 2000. What is infinite is the first or the last time of the calendar: a
/// key that somebody lets end at `infinity` does not end.
fn read(PgTimestamp(micros): PgTimestamp) -> deserialize::Result<DbTime> {
    const EPOCH: i64 = 946_684_800_000_000;
    let since_1970 = match micros {
        i64::MAX => Some(253_402_300_799_999_999),
        i64::MIN => Some(-62_135_596_800_000_000),
        micros => micros.checked_add(EPOCH),
    };
    let time = since_1970.and_then(DateTime::from_timestamp_micros);
    time.map(DbTime).ok_or_else(|| NoTime::new("the time is too far away").into())
}
