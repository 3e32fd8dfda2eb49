//! Rows of an application's own model that cannot be read, and times in columns of Diesel's types.

use std::time::Duration;

use apikey_core::{ApiKeys, DenyReason, KeyQuery, KeyRecord, KeyStatus, ManageError, NewKey};
use apikey_diesel::diesel::SqliteConnection;
use apikey_diesel::diesel::backend::Backend;
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::diesel::deserialize::{self, FromSql, FromSqlRow, Queryable};
use apikey_diesel::diesel::expression::AsExpression;
use apikey_diesel::diesel::r2d2::{ConnectionManager, Pool};
use apikey_diesel::diesel::serialize::{self, Output, ToSql};
use apikey_diesel::diesel::sql_types::Text;
use apikey_diesel::diesel::sqlite::Sqlite;
use apikey_diesel::{DieselStore, KeyModel, SqlitePool, diesel};

diesel::table! {
    plan_keys (id) {
        id -> BigInt,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        scopes -> Text,
        created_at -> TimestamptzSqlite,
        expires_at -> Nullable<Timestamp>,
        disabled_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
        rotated_from -> Nullable<Text>,
        plan -> Text,
        colour -> Text,
    }
}

/// A type that knows two texts.
#[derive(Debug, Clone, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = Text)]
pub(crate) enum Plan {
    Free,
    Paid,
}

impl FromSql<Text, Sqlite> for Plan {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        match <String as FromSql<Text, Sqlite>>::from_sql(value)?.as_str() {
            "free" => Ok(Self::Free),
            "paid" => Ok(Self::Paid),
            _ => Err("no plan".into()),
        }
    }
}

impl ToSql<Text, Sqlite> for Plan {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        let text = if *self == Self::Free { "free" } else { "paid" };
        <str as ToSql<Text, Sqlite>>::to_sql(text, out)
    }
}

/// A type that is made of another one that Diesel reads.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression)]
#[diesel(sql_type = Text)]
pub(crate) struct Colour(String);

impl Queryable<Text, Sqlite> for Colour {
    type Row = String;

    fn build(text: String) -> deserialize::Result<Self> {
        if text.is_empty() { Err("no colour".into()) } else { Ok(Self(text)) }
    }
}

impl ToSql<Text, Sqlite> for Colour {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        <str as ToSql<Text, Sqlite>>::to_sql(&self.0, out)
    }
}

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = plan_keys, backends(sqlite))]
pub(crate) struct PlanKey {
    pub(crate) record: KeyRecord,
    pub(crate) plan: Plan,
    pub(crate) colour: Colour,
}

const TABLE: &str = "CREATE TABLE plan_keys (id INTEGER PRIMARY KEY AUTOINCREMENT, \
     prefix TEXT NOT NULL UNIQUE, hashed_key TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, \
     created_at TEXT NOT NULL, expires_at TEXT, disabled_at TEXT, revoked_at TEXT, last_used_at TEXT, \
     rotated_from TEXT, plan TEXT, colour TEXT)";

/// The store's only connection to a database in memory.
fn pool() -> (SqlitePool, ApiKeys<PlanKey>) {
    let manager = ConnectionManager::<SqliteConnection>::new(":memory:");
    let pool = Pool::builder().max_size(1).build(manager).unwrap();
    pool.get().unwrap().batch_execute(TABLE).unwrap();
    let keys = ApiKeys::new(DieselStore::<PlanKey, SqlitePool>::new(pool.clone()));
    (pool, keys)
}

async fn create(keys: &ApiKeys<PlanKey>) -> (String, String) {
    let extra = NewPlanKey { plan: Plan::Paid, colour: Colour("red".to_owned()) };
    let created = keys.create(NewKey::new("ci").with(extra)).await.unwrap();
    (created.key.record.prefix, created.plaintext.expose().to_owned())
}

#[tokio::test]
async fn a_damaged_column_of_ones_own_refuses_its_own_key() {
    for (set, column) in
        [("plan = 'golden'", "plan"), ("plan = NULL", "plan"), ("colour = ''", "colour")]
    {
        let (pool, keys) = pool();
        let (good, good_text) = create(&keys).await;
        let (bad, bad_text) = create(&keys).await;
        let sql = format!("UPDATE plan_keys SET {set} WHERE prefix = '{bad}'");
        pool.get().unwrap().batch_execute(&sql).unwrap();
        keys.verify(&good_text).await.unwrap();
        let refusal = keys.verify(&bad_text).await.unwrap_err();
        assert_eq!(refusal.reason(), DenyReason::UnreadableRow, "{set}");
        let page = keys.list(&KeyQuery::new()).await.unwrap();
        assert_eq!(page.keys[0].record.prefix, good, "{set}");
        assert_eq!(page.unreadable[0].prefix.as_deref(), Some(&*bad), "{set}");
        assert!(page.unreadable[0].problem.contains(column), "{:?}", page.unreadable);
        let findings = keys.check().await.unwrap();
        let fix = format!("SET {column} = <a value that it may have> WHERE prefix = '{bad}'");
        assert!(findings.iter().any(|finding| finding.fix.contains(&fix)), "{findings:?}");
        let ended = keys.revoke(&bad).await.unwrap_err();
        assert!(matches!(ended, ManageError::EndedUnread(_)), "{ended:?}");
        keys.purge_key(&bad).await.unwrap();
    }
}

#[tokio::test]
async fn times_of_diesels_types_are_read_as_they_are_written_by_hand() {
    for (written, is_over) in [
        ("2999-01-01", false),
        ("2999-01-01T00:00:00Z", false),
        ("2999-01-01 00:00:00.000000+00:00", false),
        ("2020-01-01 00:00:00", true),
        ("2020-01-01T00:00:00.5Z", true),
    ] {
        let (pool, keys) = pool();
        let (prefix, text) = create(&keys).await;
        let sql =
            format!("UPDATE plan_keys SET expires_at = '{written}', created_at = '{written}'");
        pool.get().unwrap().batch_execute(&sql).unwrap();
        assert_eq!(keys.verify(&text).await.is_err(), is_over, "{written}");
        let expired = KeyQuery::new().status(KeyStatus::Expired);
        assert_eq!(keys.count(&expired).await.unwrap(), u64::from(is_over), "{written}");
        assert_eq!(keys.list(&KeyQuery::new()).await.unwrap().keys.len(), 1, "{written}");
        if is_over {
            assert_eq!(keys.purge(Duration::ZERO, 10).await.unwrap(), 1, "{written}");
        } else {
            keys.rotate(&prefix, Duration::ZERO).await.unwrap();
        }
    }
}
