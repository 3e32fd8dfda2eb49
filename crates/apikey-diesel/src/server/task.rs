//! Running an operation: as a task, on a connection, as one change, again where that is safe.

use std::pin::Pin;
use std::time::Duration;

use apikey_core::{KeyModel, StoreError};
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::{AsyncConnection, TransactionManager};
use thiserror::Error as ThisError;
use tokio::time::{Instant, timeout_at};

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
pub(crate) struct Frame {
    around: Around,
    is_long: bool,
}

enum Around {
    Nothing,
    Transaction,
    /// A transaction that holds the lock of this name to its end.
    Lock(String),
}

/// So many times the deadline of others is that of long work.
const LONG: u32 = 10;

impl Frame {
    pub(crate) fn read() -> Self {
        Self { around: Around::Nothing, is_long: false }
    }

    pub(crate) fn change() -> Self {
        Self { around: Around::Transaction, is_long: false }
    }

    /// A change under the lock of this name.
    pub(crate) fn locked(name: String) -> Self {
        Self { around: Around::Lock(name), is_long: false }
    }

    /// The same for work that takes its time.
    pub(crate) fn long(self) -> Self {
        Self { is_long: true, ..self }
    }

    fn deadline(&self, usual: Duration) -> Duration {
        if self.is_long { usual.saturating_mul(LONG) } else { usual }
    }
}

/// An operation took too long.
#[derive(Debug, ThisError)]
#[error("the database did not answer within {} ms", deadline.as_millis())]
struct Late {
    deadline: Duration,
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
        let deadline = frame.deadline(self.deadline);
        let task = async move {
            let operation = Operation { names, frame: &frame, deadline, args: &args, work };
            operation.run(&pool).await.map_err(|failure| {
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

/// An operation to run.
struct Operation<'a, C, A, T> {
    names: TableNames,
    frame: &'a Frame,
    deadline: Duration,
    args: &'a A,
    work: Work<C, A, T>,
}

impl<C, A, T> Operation<'_, C, A, T>
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    /// Runs the operation, on other connections if the first turns out to be dead before anything was done.
    async fn run<P>(&self, pool: &P) -> Result<T, Failure>
    where
        P: ServerPool<Backend = C::Backend, Connection = C>,
    {
        let late = || Failure::from(unavailable(Late { deadline: self.deadline }));
        let until = Instant::now() + self.deadline;
        let mut retries = None;
        loop {
            let lent = timeout_at(until, pool.lend()).await;
            let mut conn = lent.map_err(|_| late())??;
            let mut begun = false;
            let outcome = timeout_at(until, self.attempt(&mut *conn, &mut begun)).await;
            let is_lost = match &outcome {
                // It is in the middle of a statement.
                Err(_) => true,
                Ok(Err(Failure::Query(error))) => C::Backend::is_lost(error),
                Ok(_) => false,
            };
            if !is_lost {
                return outcome.map_err(|_| late())?;
            }
            discard(&mut *conn);
            P::close(conn);
            // What became of this one became of the others, if the server was restarted.
            let dead = pool.close_idle();
            let outcome = outcome.map_err(|_| late())?;
            let retries = retries.get_or_insert(1 + dead);
            if begun || *retries == 0 {
                return outcome;
            }
            *retries -= 1;
        }
    }

    /// Runs the operation on this connection, and finds out why it fails.
    async fn attempt(&self, conn: &mut C, begun: &mut bool) -> Result<T, Failure> {
        match self.repeat(conn, begun).await {
            Err(Failure::Query(error)) if !C::Backend::is_lost(&error) => {
                Err(explain(conn, self.names, *begun, error.into()).await)
            }
            outcome => outcome,
        }
    }

    /// Takes the steps until they are not undone for the sake of another operation.
    async fn repeat(&self, conn: &mut C, begun: &mut bool) -> Result<T, Failure> {
        if let Around::Nothing = self.frame.around {
            return (self.work)(conn, self.args).await;
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            C::TransactionManager::begin_transaction(conn).await?;
            *begun = true;
            let outcome = self.change(conn).await;
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

    /// Takes the steps in a transaction that has begun, and ends it.
    async fn change(&self, conn: &mut C) -> Result<T, Failure> {
        // Shorter than the deadline, so that the connection is of further use.
        let patience = self.deadline / 2;
        let mut begin = C::Backend::bound(conn, patience).await;
        let Around::Lock(name) = &self.frame.around else {
            return self.finish(conn, begin).await;
        };
        if begin.is_ok() {
            begin = C::Backend::lock(conn, name, patience).await;
        }
        let outcome = self.finish(conn, begin).await;
        if C::Backend::unlock(conn, name).await.is_err() {
            // The lock ends with the connection.
            discard(conn);
        }
        outcome
    }

    /// Takes the steps if all before them went well, and ends the transaction.
    async fn finish(&self, conn: &mut C, begin: QueryResult<()>) -> Result<T, Failure> {
        let outcome = match begin {
            Ok(()) => (self.work)(conn, self.args).await,
            Err(error) => Err(error.into()),
        };
        end(conn, outcome).await
    }
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
    let failure = if begun { own_rule(conn, names, failure).await } else { failure };
    match failure {
        Failure::Query(error @ Error::DatabaseError(DatabaseErrorKind::Unknown, _)) => {
            match <C::Backend as Dialect>::columns(conn, names).await {
                Ok(columns) => blame_table(error, names, &columns),
                Err(_) => error.into(),
            }
        }
        failure => failure,
    }
}

/// Gives what a rule of the application's own says the kind of a violated constraint.
async fn own_rule<C>(conn: &mut C, names: TableNames, failure: Failure) -> Failure
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    match failure {
        Failure::Query(Error::DatabaseError(DatabaseErrorKind::Unknown, info))
            if <C::Backend as Dialect>::is_own_rule(conn, names, info.message()).await =>
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
