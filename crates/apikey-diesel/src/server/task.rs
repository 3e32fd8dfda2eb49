//! Running an operation: as a task, on a connection, as one change, again where that is safe.

use std::pin::Pin;
use std::time::Duration;

use apikey_core::{KeyModel, StoreError};
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::{AsyncConnection, TransactionManager};
use thiserror::Error as ThisError;
use tokio::time::{Instant, timeout_at};

use crate::failure::{Failure, unavailable, without_hashes};
use crate::model::TableNames;
use crate::server::blame::blame_table;
use crate::server::dialect::Dialect;
use crate::server::frame::{Around, Frame, Pace};
use crate::server::pool::ServerPool;
use crate::server::verdict::{Progress, Verdict};
use crate::store::DieselStore;

/// How often a change is tried that the server undoes for the sake of another one.
const ATTEMPTS: u32 = 5;

pub(crate) type Steps<'c, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'c>>;

/// The steps of an operation. No closure, so that they can be taken again.
pub(crate) type Work<C, A, T> = for<'c> fn(&'c mut C, &'c A) -> Steps<'c, T>;

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
                    Failure::Query(error) => {
                        Failure::Query(without_hashes(P::Backend::without_values(error)))
                    }
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

/// Why an operation failed, and what that means.
struct Failed {
    failure: Failure,
    verdict: Verdict,
}

impl Failed {
    fn new(failure: impl Into<Failure>, verdict: Verdict) -> Self {
        Self { failure: failure.into(), verdict }
    }

    /// Asks the connection on which it happened.
    async fn judged<C>(conn: &mut C, failure: Failure) -> Self
    where
        C: AsyncConnection,
        C::Backend: Dialect,
    {
        match failure {
            Failure::Query(error) => {
                let (verdict, error) = <C::Backend as Dialect>::judge(conn, error).await;
                Self::new(error, verdict)
            }
            failure @ Failure::Store(_) => Self::new(failure, Verdict::Settled),
        }
    }
}

impl<C, A, T> Operation<'_, C, A, T>
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    /// Runs the operation, and once more on a fresh connection if the first turns out to be of no more use before
    /// anything was done.
    async fn run<P>(&self, pool: &P) -> Result<T, Failure>
    where
        P: ServerPool<Backend = C::Backend, Connection = C>,
    {
        let until = Instant::now() + self.deadline;
        let mut is_fresh = false;
        loop {
            let mut conn = self.lend(pool, is_fresh, until).await?;
            let mut progress = Progress::Nothing;
            let failed = match self.attempt(&mut *conn, &mut progress, until, is_fresh).await {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            if !failed.verdict.closes(progress) {
                return Err(failed.failure);
            }
            discard(&mut *conn);
            P::close(conn);
            // What became of this one became of the others, if the server was restarted.
            pool.close_idle();
            if is_fresh || !progress.can_repeat() || Instant::now() >= until {
                return Err(failed.failure);
            }
            is_fresh = true;
        }
    }

    async fn lend<P>(&self, pool: &P, is_fresh: bool, until: Instant) -> Result<P::Lent, Failure>
    where
        P: ServerPool<Backend = C::Backend, Connection = C>,
    {
        let lent = async { if is_fresh { pool.lend_fresh().await } else { pool.lend().await } };
        let lent = timeout_at(until, lent).await;
        Ok(lent.map_err(|_| self.late())??)
    }

    fn late(&self) -> Failure {
        unavailable(Late { deadline: self.deadline }).into()
    }

    /// Runs the operation on this connection for as long as there is time.
    ///
    /// A connection that was idle may be dead without a sign: a firewall that forgot it lets nothing pass. So what
    /// takes no time on a good one, a lookup or the beginning of a transaction, has half of what is left on one that is
    /// not fresh.
    async fn attempt(
        &self,
        conn: &mut C,
        progress: &mut Progress,
        until: Instant,
        is_fresh: bool,
    ) -> Result<T, Failed> {
        // In the middle of a statement.
        let late = |_| Failed::new(self.late(), Verdict::Stale);
        let half = if is_fresh { until } else { Instant::now() + left(until) / 2 };
        if let Around::Nothing = self.frame.around {
            let until = if self.frame.pace == Pace::Quick { half } else { until };
            return timeout_at(until, self.read(conn)).await.map_err(late)?;
        }
        timeout_at(half, self.begin(conn, progress)).await.map_err(late)??;
        timeout_at(until, self.repeat(conn, progress, until)).await.map_err(late)?
    }

    async fn read(&self, conn: &mut C) -> Result<T, Failed> {
        match (self.work)(conn, self.args).await {
            Ok(value) => Ok(value),
            Err(failure) => {
                let failed = Failed::judged(conn, failure).await;
                Err(self.explain(conn, failed).await)
            }
        }
    }

    async fn begin(&self, conn: &mut C, progress: &mut Progress) -> Result<(), Failed> {
        match C::TransactionManager::begin_transaction(conn).await {
            Ok(()) => {
                *progress = Progress::Begun;
                Ok(())
            }
            Err(error) => Err(Failed::judged(conn, error.into()).await),
        }
    }

    /// Takes the steps in the transaction that has begun, and in others, until they are not undone for the sake of
    /// another operation.
    async fn repeat(
        &self,
        conn: &mut C,
        progress: &mut Progress,
        until: Instant,
    ) -> Result<T, Failed> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.change(conn, progress, until).await {
                Ok(value) => return Ok(value),
                Err(failed) if failed.verdict == Verdict::Undone && attempts < ATTEMPTS => {}
                Err(failed) => return Err(self.explain(conn, failed).await),
            }
            self.begin(conn, progress).await?;
        }
    }

    /// Takes the steps in a transaction that has begun, and ends it.
    async fn change(
        &self,
        conn: &mut C,
        progress: &mut Progress,
        until: Instant,
    ) -> Result<T, Failed> {
        // Shorter than what is left, so that the connection is of further use.
        let patience = left(until) / 2;
        let mut begin = C::Backend::bound(conn, patience).await;
        let Around::Lock(name) = &self.frame.around else {
            return self.finish(conn, begin, progress).await;
        };
        if begin.is_ok() {
            begin = C::Backend::lock(conn, name, patience).await;
        }
        let outcome = self.finish(conn, begin, progress).await;
        if C::Backend::unlock(conn, name).await.is_err() {
            // The lock ends with the connection.
            discard(conn);
        }
        outcome
    }

    /// Takes the steps if all before them went well, and ends the transaction.
    async fn finish(
        &self,
        conn: &mut C,
        begin: QueryResult<()>,
        progress: &mut Progress,
    ) -> Result<T, Failed> {
        let outcome = match begin {
            Ok(()) => (self.work)(conn, self.args).await,
            Err(error) => Err(error.into()),
        };
        end(conn, outcome, progress).await
    }

    /// Finds out more about a failure that Diesel has no kind for, after the transaction if one had begun.
    async fn explain(&self, conn: &mut C, failed: Failed) -> Failed {
        let Failed { failure, verdict: Verdict::Unclear } = failed else { return failed };
        let failure = match self.frame.around {
            Around::Nothing => failure,
            Around::Transaction | Around::Lock(_) => own_rule(conn, self.names, failure).await,
        };
        match failure {
            Failure::Query(error @ Error::DatabaseError(DatabaseErrorKind::Unknown, _)) => {
                let failure = match <C::Backend as Dialect>::columns(conn, self.names).await {
                    Ok(columns) => blame_table(without_hashes(error), self.names, &columns),
                    Err(_) => error.into(),
                };
                match failure {
                    Failure::Store(_) => Failed::new(failure, Verdict::Settled),
                    Failure::Query(_) => Failed::new(failure, Verdict::Unclear),
                }
            }
            failure => Failed::new(failure, Verdict::Settled),
        }
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// Ends the transaction. What fails before its commit is sent is undone.
async fn end<C, T>(
    conn: &mut C,
    outcome: Result<T, Failure>,
    progress: &mut Progress,
) -> Result<T, Failed>
where
    C: AsyncConnection,
    C::Backend: Dialect,
{
    match outcome {
        Ok(value) => {
            *progress = Progress::Committed;
            match C::TransactionManager::commit_transaction(conn).await {
                Ok(()) => Ok(value),
                Err(error) => Err(Failed::judged(conn, error.into()).await),
            }
        }
        Err(failure) => {
            let failed = Failed::judged(conn, failure).await;
            let undone: QueryResult<()> = C::TransactionManager::rollback_transaction(conn).await;
            if undone.is_err() {
                discard(conn);
            }
            Err(failed)
        }
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
