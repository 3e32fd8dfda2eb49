//! Times as MySQL keeps them.

use apikey_core::Timestamp;
use apikey_core::chrono::NaiveDateTime;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::mysql::{Mysql, MysqlType};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{Datetime, Timestamp as TimestampColumn};

use crate::model::checks::TimeType;
use crate::model::damage::NoTime;
use crate::time::in_calendar;

/// A time in a column, in UTC; to the microsecond if the column is `DATETIME(6)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Datetime)]
#[diesel(sql_type = TimestampColumn)]
pub struct DbTime(Timestamp);

impl TimeType for Datetime {}

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

fn is_time(kind: MysqlType) -> bool {
    matches!(kind, MysqlType::DateTime | MysqlType::Timestamp | MysqlType::Date)
}

macro_rules! column {
    ($sql_type:ty) => {
        impl ToSql<$sql_type, Mysql> for DbTime {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
                let time = in_calendar(self.0)?.naive_utc();
                ToSql::<$sql_type, Mysql>::to_sql(&time, &mut out.reborrow())
            }
        }

        impl FromSql<$sql_type, Mysql> for DbTime {
            fn from_sql(value: <Mysql as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                if !is_time(value.value_type()) {
                    return Err("it is no DATETIME".into());
                }
                // What is left is a date that is none, as MySQL writes if it is not strict.
                let time: NaiveDateTime =
                    FromSql::<$sql_type, Mysql>::from_sql(value).map_err(NoTime::new)?;
                Ok(Self(time.and_utc()))
            }
        }
    };
}

column!(Datetime);
column!(TimestampColumn);
