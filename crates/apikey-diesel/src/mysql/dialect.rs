//! What only MySQL and MariaDB say.

use apikey_core::Finding;
use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::check;
use crate::model::TableNames;
use crate::server::dialect::{Dialect, LOCK_PATIENCE_SECONDS};
use crate::server::migration::ServerMigration;

impl Dialect for Mysql {
    const MIGRATIONS: &'static [ServerMigration] = &[ServerMigration {
        name: "2026-11-22-061937_create_api_keys",
        up: include_str!("../../migrations/mysql/2026-11-22-061937_create_api_keys/up.sql"),
    }];

    /// The lock is the connection's and outlives the transaction. A transaction sees what was there at its
    /// first reading of a table, and this reads none.
    async fn lock<C>(conn: &mut C, name: &str) -> QueryResult<()>
    where
        C: AsyncConnection<Backend = Self>,
    {
        // A name may have 64 characters, and is one of the whole server.
        let taken: Number = diesel::sql_query(format!(
            "SELECT GET_LOCK(MD5(CONCAT('apikey/', DATABASE(), '/', ?)), {LOCK_PATIENCE_SECONDS}) \
             AS number"
        ))
        .bind::<Text, _>(name)
        .get_result(conn)
        .await?;
        if taken.number == Some(1) {
            return Ok(());
        }
        let text = format!("another operation held the lock for {LOCK_PATIENCE_SECONDS} s");
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

    /// Diesel has no kinds for a deadlock and for waiting too long; their texts end with this advice.
    fn is_transient(error: &Error) -> bool {
        matches!(error, Error::DatabaseError(_, info)
            if info.message().ends_with("try restarting transaction"))
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

    fn is_rejection(error: &Error) -> bool {
        const TEXTS: [&str; 4] =
            ["Data too long", "Incorrect string value", "Out of range value", "CONSTRAINT "];
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

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Nullable<BigInt>)]
    number: Option<i64>,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}
