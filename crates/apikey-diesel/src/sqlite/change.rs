//! A transaction on SQLite: steps that are one change.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Bool, Text};

use crate::failure::Failure;

type Transactions = AnsiTransactionManager;

/// Takes steps that are one change.
///
/// The lock for writing is taken first: a transaction that reads and then wants to write is refused at
/// once if another one wrote in between, whatever the busy timeout.
///
/// Diesel's own function reports what went wrong with undoing a change before what went wrong with the
/// change. SQLite undoes some changes by itself, for want of room, say, and then refuses to do it again:
/// so a full disk would be reported as a transaction that is not there, and the connection be thrown away,
/// with the database if that is in memory.
pub(super) fn change<T>(
    conn: &mut SqliteConnection,
    steps: impl FnOnce(&mut SqliteConnection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    Transactions::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?;
    let failure: Failure = match steps(conn) {
        Ok(value) => match Transactions::commit_transaction(conn) {
            Ok(()) => return Ok(value),
            Err(Error::RollbackErrorOnCommit { commit_error, .. }) => (*commit_error).into(),
            Err(error) => error.into(),
        },
        Err(failure) => {
            // Begins only where there is nothing left to undo, so that there is.
            let _ = conn.batch_execute("BEGIN");
            // Pools throw a connection away on which this fails.
            let _ = Transactions::rollback_transaction(conn);
            failure
        }
    };
    Err(explain(conn, failure))
}

/// Gives what the application's own rules say the kind of a violated constraint. Diesel has none for
/// triggers and for types of `STRICT` tables, and does not tell SQLite's code.
fn explain(conn: &mut SqliteConnection, failure: Failure) -> Failure {
    match failure {
        Failure::Query(Error::DatabaseError(DatabaseErrorKind::Unknown, info))
            if info.message().starts_with("cannot store ") || is_raised(conn, info.message()) =>
        {
            Error::DatabaseError(DatabaseErrorKind::CheckViolation, info).into()
        }
        failure => failure,
    }
}

/// Whether a trigger says this: `RAISE(ABORT, '...')`.
fn is_raised(conn: &mut SqliteConnection, message: &str) -> bool {
    let is_in_trigger = sql::<Bool>(
        "EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' \
         AND instr(replace(sql, '''''', ''''), ",
    );
    let is_in_trigger = is_in_trigger.bind::<Text, _>(message).sql("))");
    !message.is_empty() && diesel::select(is_in_trigger).get_result(conn).unwrap_or(false)
}
