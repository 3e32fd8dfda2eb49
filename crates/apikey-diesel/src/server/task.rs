//! Running an operation: as a task, on a connection, as one change, again where that is safe.

use std::pin::Pin;

use apikey_core::{KeyModel, StoreError};
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::{AsyncConnection, TransactionManager};

use crate::failure::{Failure, unavailable};
use crate::model::TableNames;
use crate::server::blame::blame_table;
use crate::server::dialect::Dialect;
use crate::server::pool::ServerPool;
use crate::store::DieselStore;

/// How often a change is tried that the server undoes for the sake of another one.
const ATTEMPTS: u32 = 5;

pub(crate) type Steps<'c, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'c>>;

/// The steps of an operation. No closure, so that they can be taken again.
pub(crate) type Work<C, A, T> = for<'c> fn(&'c mut C, &'c A) -> Steps<'c, T>;

/// What an operation needs around its steps.
pub(crate) enum Frame {
    /// Nothing.
    Read,
    /// A transaction.
    Change,
    /// A transaction that holds the lock of this name to its end.
    Locked(String),
}

impl<M, P: ServerPool> DieselStore<M, P>
where
    M: KeyModel,
{
    /// Runs an operation as a task of the runtime.
    ///
    /// Once started it runs to its end, also when the caller's future is dropped: no transaction is left
    /// open, no lock held, and no connection has to be thrown away.
    pub(crate) async fn run<A, T>(
        &self,
        names: TableNames,
        frame: Frame,
        args: A,
        work: Work<P::Connection, A, T>,
    ) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let pool = self.pool.clone();
        let task = async move {
            operate(&pool, names, &frame, &args, work).await.map_err(|failure| {
                let failure = match failure {
                    Failure::Query(error) => Failure::Query(P::Backend::without_values(error)),
                    failure @ Failure::Store(_) => failure,
                };
                failure.into_store_error(names)
            })
        };
        self.runtime()?.spawn(task).await.map_err(unavailable)?
    }
}

/// Runs an operation, on a new connection if the first turns out to be dead before anything was done.
async fn operate<P, A, T>(
    pool: &P,
    names: TableNames,
    frame: &Frame,
    args: &A,
    work: Work<P::Connection, A, T>,
) -> Result<T, Failure>
where
    P: ServerPool,
{
    let mut is_first = true;
    loop {
        let mut conn = pool.lend().await?;
        let mut begun = false;
        let outcome = repeat(&mut *conn, frame, &mut begun, args, work).await;
        let Err(Failure::Query(error)) = &outcome else { return outcome };
        if !P::Backend::is_lost(error) {
            return match outcome {
                Err(failure) => Err(explain(&mut *conn, names, begun, failure).await),
                outcome => outcome,
            };
        }
        // Pools look at this state; the server closed the other connections too, if it was restarted.
        discard(&mut *conn);
        drop(conn);
        pool.close_idle();
        if begun || !is_first {
            return outcome;
        }
        is_first = false;
    }
}

/// Takes the steps of an operation until they are not undone for the sake of another one.
async fn repeat<C, A, T>(
    conn: &mut C,
    frame: &Frame,
    begun: &mut bool,
    args: &A,
    work: Work<C, A, T>,
) -> Result<T, Failure>
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    if let Frame::Read = frame {
        return work(conn, args).await;
    }
    let mut attempts = 0;
    loop {
        attempts += 1;
        C::TransactionManager::begin_transaction(conn).await?;
        *begun = true;
        let outcome = change(conn, frame, args, work).await;
        match outcome {
            // Undone for the sake of another one.
            Err(Failure::Query(Error::DatabaseError(
                DatabaseErrorKind::SerializationFailure,
                _,
            ))) if attempts < ATTEMPTS => {}
            outcome => return outcome,
        }
    }
}

/// Takes the steps of an operation in a transaction that has begun, and ends it.
async fn change<C, A, T>(
    conn: &mut C,
    frame: &Frame,
    args: &A,
    work: Work<C, A, T>,
) -> Result<T, Failure>
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    let Frame::Locked(name) = frame else {
        let outcome = work(conn, args).await;
        return end(conn, outcome).await;
    };
    let outcome = match <C::Backend as Dialect>::lock(conn, name).await {
        Ok(()) => work(conn, args).await,
        Err(error) => Err(error.into()),
    };
    let outcome = end(conn, outcome).await;
    if <C::Backend as Dialect>::unlock(conn, name).await.is_err() {
        // The lock ends with the connection.
        discard(conn);
    }
    outcome
}

async fn end<C, T>(conn: &mut C, outcome: Result<T, Failure>) -> Result<T, Failure>
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    match outcome {
        Ok(value) => match C::TransactionManager::commit_transaction(conn).await {
            Ok(()) => Ok(value),
            Err(error) => Err(<C::Backend as Dialect>::explain(conn, error).await.into()),
        },
        Err(failure) => {
            let failure = match failure {
                Failure::Query(error) => {
                    Failure::Query(<C::Backend as Dialect>::explain(conn, error).await)
                }
                failure @ Failure::Store(_) => failure,
            };
            let undone: QueryResult<()> = C::TransactionManager::rollback_transaction(conn).await;
            if undone.is_err() {
                discard(conn);
            }
            Err(failure)
        }
    }
}

/// Finds out more about a failure that Diesel has no kind for, after the transaction if one had begun.
async fn explain<C>(conn: &mut C, names: TableNames, begun: bool, failure: Failure) -> Failure
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    let failure = if begun { own_rule(conn, names.table, failure).await } else { failure };
    match failure {
        Failure::Query(error @ Error::DatabaseError(DatabaseErrorKind::Unknown, _)) => {
            match <C::Backend as Dialect>::columns(conn, names.table).await {
                Ok(columns) => blame_table(error, names, &columns),
                Err(_) => error.into(),
            }
        }
        failure => failure,
    }
}

/// Gives what a rule of the application's own says the kind of a violated constraint.
async fn own_rule<C>(conn: &mut C, table: &str, failure: Failure) -> Failure
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    match failure {
        Failure::Query(Error::DatabaseError(DatabaseErrorKind::Unknown, info))
            if <C::Backend as Dialect>::is_own_rule(conn, table, info.message()).await =>
        {
            Error::DatabaseError(DatabaseErrorKind::CheckViolation, info).into()
        }
        failure => failure,
    }
}

/// Marks a connection as broken, so that its pool throws it away.
fn discard<C: AsyncConnection>(conn: &mut C) {
    C::TransactionManager::transaction_manager_status_mut(conn).set_in_error();
}
