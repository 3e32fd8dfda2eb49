//! Times as PostgreSQL keeps them.

use apikey_core::Timestamp;
use apikey_core::chrono::{DateTime, NaiveDateTime, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{Timestamp as TimestampColumn, Timestamptz};

use crate::model::checks::TimeType;
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
        FromSql::<Timestamptz, Pg>::from_sql(value).map(Self)
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
        let time: NaiveDateTime = FromSql::<TimestampColumn, Pg>::from_sql(value)?;
        Ok(Self(time.and_utc()))
    }
}
