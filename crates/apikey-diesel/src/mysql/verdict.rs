//! What a failure on MySQL or MariaDB means.

use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use crate::server::verdict::Verdict;

/// What the driver says without the server, and what the server says while it ends a connection: it answers no more.
const LOST: [&str; 4] =
    ["Input/output error", "Driver error", "Connection was killed", "Server shutdown in progress"];

/// Diesel keeps no code, but the connection does until its next statement.
pub(super) async fn judge<C>(conn: &mut C, error: Error) -> (Verdict, Error)
where
    C: AsyncConnection<Backend = Mysql>,
{
    use DatabaseErrorKind::{ReadOnlyTransaction, SerializationFailure, Unknown};
    let (kind, info) = match error {
        Error::DatabaseError(kind, info) => (kind, info),
        Error::BrokenTransactionManager | Error::AlreadyInTransaction => {
            return (Verdict::Stale, error);
        }
        error => return (Verdict::Settled, error),
    };
    let starts_with = |text: &&str| info.message().starts_with(text);
    let (verdict, kind) = match kind {
        ReadOnlyTransaction => (Verdict::Stale, kind),
        Unknown if LOST.iter().any(starts_with) => (Verdict::Stale, kind),
        Unknown => match condition(conn, info.message()).await {
            Ok(Some(condition)) => condition.verdict(),
            // A failed commit has been followed by a rollback: nothing is left but the text.
            _ if starts_with(&"Deadlock found") => (Verdict::Undone, SerializationFailure),
            _ => (Verdict::Unclear, kind),
        },
        // Violated constraints.
        _ => (Verdict::Settled, kind),
    };
    (verdict, Error::DatabaseError(kind, info))
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
    fn verdict(&self) -> (Verdict, DatabaseErrorKind) {
        use DatabaseErrorKind::{
            CheckViolation, ReadOnlyTransaction, SerializationFailure, Unknown,
        };
        let class = self.state.as_deref().and_then(|state| state.get(..2));
        match (self.code.unwrap_or_default(), class) {
            // A deadlock.
            (1213, _) => (Verdict::Undone, SerializationFailure),
            // A replica, `--read-only` and its like.
            (1290 | 1792 | 1836, _) => (Verdict::Stale, ReadOnlyTransaction),
            // A shutdown, a killed or failed connection, a prepared statement that vanished or that is too old.
            (1053 | 1077 | 1152 | 1158..=1161 | 1184 | 1243 | 1317 | 1615 | 1927, _) => {
                (Verdict::Stale, Unknown)
            }
            // Who waited too long for a lock has waited long enough; who has too few rights still has, and what took
            // too long would again.
            (1044 | 1045 | 1142 | 1143 | 1205 | 1227 | 1370 | 1969 | 3024, _) => {
                (Verdict::Settled, Unknown)
            }
            // A text that the column's character set does not have, bad data, a violated constraint, and
            // `SIGNAL SQLSTATE '45000'`.
            (1366, _) | (_, Some("22" | "23" | "45")) => (Verdict::Settled, CheckViolation),
            _ => (Verdict::Unclear, Unknown),
        }
    }
}
