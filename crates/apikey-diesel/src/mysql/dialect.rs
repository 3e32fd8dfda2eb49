//! What only MySQL and MariaDB say.

use std::time::Duration;

use apikey_core::{Finding, KeyRecord};
use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::{check, verdict};
use crate::model::TableNames;
use crate::server::dialect::Dialect;
use crate::server::migration::ServerMigration;
use crate::server::model::AsyncModel;
use crate::server::verdict::Verdict;

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

    async fn judge<C>(conn: &mut C, error: Error) -> (Verdict, Error)
    where
        C: AsyncConnection<Backend = Self>,
    {
        verdict::judge(conn, error).await
    }

    /// Its state tells, so it is explained already.
    async fn is_own_rule<C>(_: &mut C, _: TableNames, _: &str) -> bool
    where
        C: AsyncConnection<Backend = Self>,
    {
        false
    }

    /// The next number is always greater than those that are there.
    async fn taken<C>(_: &mut C, _: TableNames, _: &str) -> QueryResult<Option<Finding>>
    where
        C: AsyncConnection<Backend = Self>,
    {
        Ok(None)
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
