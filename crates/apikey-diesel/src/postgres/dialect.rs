//! What only PostgreSQL says.

use std::time::Duration;

use apikey_core::{Finding, KeyRecord};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::{check, sequences, verdict};
use crate::model::TableNames;
use crate::server::dialect::Dialect;
use crate::server::migration::ServerMigration;
use crate::server::model::AsyncModel;
use crate::server::verdict::Verdict;

impl Dialect for Pg {
    const MIGRATIONS: &'static [ServerMigration] = &[ServerMigration {
        name: "2026-11-22-061937_create_api_keys",
        up: include_str!("../../migrations/postgres/2026-11-22-061937_create_api_keys/up.sql"),
    }];

    fn built_in() -> TableNames {
        <KeyRecord as AsyncModel<Self>>::table()
    }

    async fn bound<C>(conn: &mut C, patience: Duration) -> QueryResult<()>
    where
        C: AsyncConnection<Backend = Self>,
    {
        // None at all would be one without end.
        let millis = patience.as_millis().max(1);
        conn.batch_execute(&format!("SET LOCAL lock_timeout = {millis}")).await
    }

    /// The lock ends with the transaction. At a stricter isolation than this one, all that is read is as
    /// old as the first statement, which waits for the lock.
    async fn lock<C>(conn: &mut C, name: &str, _: Duration) -> QueryResult<()>
    where
        C: AsyncConnection<Backend = Self>,
    {
        conn.batch_execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(format!("apikey/{name}"))
            .execute(conn)
            .await?;
        Ok(())
    }

    async fn unlock<C>(_: &mut C, _: &str) -> QueryResult<()>
    where
        C: AsyncConnection<Backend = Self>,
    {
        Ok(())
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
            "SELECT attname::text AS name FROM pg_attribute \
             WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        )
        .bind::<Text, _>(quoted(names))
        .load(conn)
        .await?;
        Ok(columns.into_iter().map(|column| column.name).collect())
    }

    async fn applied<C>(conn: &mut C) -> QueryResult<Vec<String>>
    where
        C: AsyncConnection<Backend = Self>,
    {
        let noted: Number =
            diesel::sql_query("SELECT count(to_regclass('__diesel_schema_migrations')) AS number")
                .get_result(conn)
                .await?;
        if noted.number == 0 {
            return Ok(Vec::new());
        }
        let rows: Vec<Version> =
            diesel::sql_query("SELECT version::text AS version FROM __diesel_schema_migrations")
                .load(conn)
                .await?;
        Ok(rows.into_iter().map(|row| row.version).collect())
    }

    async fn judge<C>(_: &mut C, error: Error) -> (Verdict, Error)
    where
        C: AsyncConnection<Backend = Self>,
    {
        verdict::judge(error)
    }

    /// Whether a trigger of the table raises this: the text of its function has a format that fits.
    async fn is_own_rule<C>(conn: &mut C, names: TableNames, message: &str) -> bool
    where
        C: AsyncConnection<Backend = Self>,
    {
        let raised: QueryResult<Number> = diesel::sql_query(RAISED)
            .bind::<Text, _>(quoted(names))
            .bind::<Text, _>(message)
            .get_result(conn)
            .await;
        raised.is_ok_and(|raised| raised.number > 0)
    }

    async fn taken<C>(
        conn: &mut C,
        names: TableNames,
        constraint: &str,
    ) -> QueryResult<Option<Finding>>
    where
        C: AsyncConnection<Backend = Self>,
    {
        sequences::taken(conn, names, constraint).await
    }

    /// The values are in the detail, which is not printed.
    fn without_values(error: Error) -> Error {
        error
    }
}

/// The table as `to_regclass` takes it: in the schema that the statements name, else where the search path finds it.
pub(super) fn quoted(names: TableNames) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    match names.schema {
        Some(schema) => format!("{}.{}", quoted(schema), quoted(names.table)),
        None => quoted(names.table),
    }
}

/// Counts what fits a message (`$2`) of the formats that triggers of a table (`$1`) raise: after
/// `RAISE EXCEPTION` or `MESSAGE =`, a literal in which `%` stands for
/// anything. One of little else, as in `RAISE EXCEPTION '%', SQLERRM`, would fit whatever the server says.
const RAISED: &str = r"SELECT count(*) AS number
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid,
    regexp_matches(p.prosrc, '\m(?:raise(?:\s+exception)?|message\s*=)\s*''((?:[^'']|'''')+)''', 'gi') AS format
    WHERE t.tgrelid = to_regclass($1) AND NOT t.tgisinternal
    AND length(replace(format[1], '%', '')) >= 3
    AND $2 LIKE replace(replace(replace(format[1], '''''', ''''), '\', '\\'), '_', '\_')";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
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
