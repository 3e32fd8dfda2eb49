//! What only MySQL and MariaDB say.

use std::time::Duration;

use apikey_core::{Finding, KeyRecord};
use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::check;
use crate::model::TableNames;
use crate::server::dialect::Dialect;
use crate::server::migration::ServerMigration;
use crate::server::model::AsyncModel;

impl Dialect for Mysql {
    const MIGRATIONS: &'static [ServerMigration] = &[ServerMigration {
        name: "2026-11-22-061937_create_api_keys",
        up: include_str!("../../migrations/mysql/2026-11-22-061937_create_api_keys/up.sql"),
    }];

    fn built_in() -> TableNames {
        <KeyRecord as AsyncModel<Self>>::table()
    }

    /// There is no setting of a transaction alone: those of the crate's own connections are set once.
    async fn bound<C>(_: &mut C, _: Duration) -> QueryResult<()>
    where
        C: AsyncConnection<Backend = Self>,
    {
        Ok(())
    }

    /// The lock is the connection's and outlives the transaction. A transaction sees what was there at its
    /// first reading of a table, and this reads none.
    async fn lock<C>(conn: &mut C, name: &str, patience: Duration) -> QueryResult<()>
    where
        C: AsyncConnection<Backend = Self>,
    {
        // Whole seconds are what every version takes.
        let seconds = patience.as_secs().max(1);
        // A name may have 64 characters, and is one of the whole server.
        let taken: Number = diesel::sql_query(format!(
            "SELECT GET_LOCK(MD5(CONCAT('apikey/', DATABASE(), '/', ?)), {seconds}) \
             AS number"
        ))
        .bind::<Text, _>(name)
        .get_result(conn)
        .await?;
        if taken.number == Some(1) {
            return Ok(());
        }
        let text = format!("another operation held the lock for {seconds} s");
        Err(Error::QueryBuilderError(text.into()))
    }

    async fn unlock<C>(conn: &mut C, name: &str) -> QueryResult<()>
    where
        C: AsyncConnection<Backend = Self>,
    {
        diesel::sql_query("DO RELEASE_LOCK(MD5(CONCAT('apikey/', DATABASE(), '/', ?)))")
            .bind::<Text, _>(name)
            .execute(conn)
            .await
            .map(|_| ())
    }

    async fn findings<C>(conn: &mut C, names: TableNames) -> QueryResult<Vec<Finding>>
    where
        C: AsyncConnection<Backend = Self>,
    {
        check::findings(conn, names).await
    }

    async fn columns<C>(conn: &mut C, names: TableNames) -> QueryResult<Vec<String>>
    where
        C: AsyncConnection<Backend = Self>,
    {
        let columns: Vec<Name> = diesel::sql_query(
            "SELECT column_name AS name FROM information_schema.columns \
             WHERE table_schema = coalesce(?, DATABASE()) AND table_name = ?",
        )
        .bind::<Nullable<Text>, _>(names.schema)
        .bind::<Text, _>(names.table)
        .load(conn)
        .await?;
        Ok(columns.into_iter().map(|column| column.name).collect())
    }

    async fn applied<C>(conn: &mut C) -> QueryResult<Vec<String>>
    where
        C: AsyncConnection<Backend = Self>,
    {
        let noted: Number = diesel::sql_query(
            "SELECT count(*) AS number FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = '__diesel_schema_migrations'",
        )
        .get_result(conn)
        .await?;
        if noted.number == Some(0) {
            return Ok(Vec::new());
        }
        let rows: Vec<Version> =
            diesel::sql_query("SELECT version FROM __diesel_schema_migrations").load(conn).await?;
        Ok(rows.into_iter().map(|row| row.version).collect())
    }

    /// Diesel keeps no code, but the connection does until its next statement.
    async fn explain<C>(conn: &mut C, error: Error) -> Error
    where
        C: AsyncConnection<Backend = Self>,
    {
        if Self::is_lost(&error) {
            return error;
        }
        let Error::DatabaseError(DatabaseErrorKind::Unknown, info) = error else { return error };
        let kind = match condition(conn, info.message()).await {
            Ok(Some(condition)) => condition.kind(),
            // A failed commit has been followed by a rollback: nothing is left but the text.
            _ if info.message().starts_with("Deadlock found") => {
                DatabaseErrorKind::SerializationFailure
            }
            _ => DatabaseErrorKind::Unknown,
        };
        Error::DatabaseError(kind, info)
    }

    /// Its state tells, so it is explained already.
    async fn is_own_rule<C>(_: &mut C, _: TableNames, _: &str) -> bool
    where
        C: AsyncConnection<Backend = Self>,
    {
        false
    }

    fn is_lost(error: &Error) -> bool {
        const TEXTS: [&str; 4] = [
            "Input/output error",
            "Driver error",
            // What the server says while it goes down.
            "Connection was killed",
            "Server shutdown in progress",
        ];
        matches!(error, Error::DatabaseError(DatabaseErrorKind::Unknown, info)
            if TEXTS.iter().any(|text| info.message().starts_with(text)))
    }

    /// `Duplicate entry 'sha256$$..' for key 'theirs'`.
    fn without_values(error: Error) -> Error {
        let Error::DatabaseError(kind @ DatabaseErrorKind::UniqueViolation, info) = error else {
            return error;
        };
        let key = info.message().rsplit_once(" for key ").map_or("", |(_, key)| key);
        Error::DatabaseError(kind, Box::new(format!("Duplicate entry for key {key}")))
    }
}

/// How many conditions of one statement are looked at.
const CONDITIONS: u32 = 4;

/// Finds what the server noted of a failure with this text.
///
/// It notes the conditions of the last statement alone, the failure among them: warnings may stand before it, and
/// remarks behind it, as MariaDB has them for what fails in a trigger. The text tells which it is; and if another
/// statement has been sent since, no text is the same.
async fn condition<C>(conn: &mut C, text: &str) -> QueryResult<Option<Condition>>
where
    C: AsyncConnection<Backend = Mysql>,
{
    // All are kept before one is looked at, since any other statement clears them.
    for number in 1..=CONDITIONS {
        let keep = format!(
            "GET DIAGNOSTICS CONDITION {number} @apikey_code_{number} = MYSQL_ERRNO, \
             @apikey_state_{number} = RETURNED_SQLSTATE, @apikey_text_{number} = MESSAGE_TEXT"
        );
        // MySQL says so if there are not so many; MariaDB keeps nothing.
        if conn.batch_execute(&keep).await.is_err() {
            break;
        }
    }
    for number in 1..=CONDITIONS {
        let condition: Condition = diesel::sql_query(format!(
            "SELECT CAST(@apikey_code_{number} AS SIGNED) AS code, \
             CAST(@apikey_state_{number} AS CHAR) AS state, \
             CAST(@apikey_text_{number} AS CHAR) AS text"
        ))
        .get_result(conn)
        .await?;
        if condition.text.as_deref() == Some(text) {
            return Ok(Some(condition));
        }
    }
    Ok(None)
}

/// What the server says of a failure, whatever the language of its texts.
#[derive(QueryableByName)]
struct Condition {
    #[diesel(sql_type = Nullable<BigInt>)]
    code: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

impl Condition {
    fn kind(&self) -> DatabaseErrorKind {
        match (
            self.code.unwrap_or_default(),
            self.state.as_deref().and_then(|state| state.get(..2)),
        ) {
            // A deadlock. Whoever waited too long for a lock has waited long enough.
            (1213, _) => DatabaseErrorKind::SerializationFailure,
            // A text that the column's character set does not have, bad data, a violated constraint, and
            // `SIGNAL SQLSTATE '45000'`.
            (1366, _) | (_, Some("22" | "23" | "45")) => DatabaseErrorKind::CheckViolation,
            _ => DatabaseErrorKind::Unknown,
        }
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Nullable<BigInt>)]
    number: Option<i64>,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}
