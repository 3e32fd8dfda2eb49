//! What differs between the servers.

use std::time::Duration;

use apikey_core::Finding;
use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::result::Error;
use diesel_async::AsyncConnection;

use crate::model::TableNames;
use crate::server::migration::ServerMigration;
use crate::server::verdict::Verdict;

/// A kind of server.
pub trait Dialect: Backend + Send + Sync + 'static {
    /// The migrations of the built-in table, oldest first.
    const MIGRATIONS: &'static [ServerMigration];

    /// Returns what the built-in table is called.
    fn built_in() -> TableNames;

    /// Bounds the time that a transaction waits for a lock of somebody else's, at its beginning.
    fn bound<C>(conn: &mut C, patience: Duration) -> impl Future<Output = QueryResult<()>> + Send
    where
        C: AsyncConnection<Backend = Self>;

    /// Takes the lock of this name, within a transaction that has not read yet, and sees to it that what
    /// is read next is as new as the lock.
    fn lock<C>(
        conn: &mut C,
        name: &str,
        patience: Duration,
    ) -> impl Future<Output = QueryResult<()>> + Send
    where
        C: AsyncConnection<Backend = Self>;

    /// Releases the lock, after the transaction.
    fn unlock<C>(conn: &mut C, name: &str) -> impl Future<Output = QueryResult<()>> + Send
    where
        C: AsyncConnection<Backend = Self>;

    /// Compares a table with what its model expects.
    fn findings<C>(
        conn: &mut C,
        names: TableNames,
    ) -> impl Future<Output = QueryResult<Vec<Finding>>> + Send
    where
        C: AsyncConnection<Backend = Self>;

    /// Returns the names of a table's columns; none if there is no such table.
    fn columns<C>(
        conn: &mut C,
        names: TableNames,
    ) -> impl Future<Output = QueryResult<Vec<String>>> + Send
    where
        C: AsyncConnection<Backend = Self>;

    /// Returns the versions of the migrations that are noted as applied.
    fn applied<C>(conn: &mut C) -> impl Future<Output = QueryResult<Vec<String>>> + Send
    where
        C: AsyncConnection<Backend = Self>;

    /// Says what a failure means, on the connection on which it happened and before the transaction is undone. An
    /// error that Diesel has no kind for gets the one that comes nearest:
    /// [`CheckViolation`](diesel::result::DatabaseErrorKind::CheckViolation) if the server refuses the values.
    fn judge<C>(conn: &mut C, error: Error) -> impl Future<Output = (Verdict, Error)> + Send
    where
        C: AsyncConnection<Backend = Self>;

    /// Whether a rule of the application's own on this table says so; asked after the transaction, about
    /// what is still unexplained.
    fn is_own_rule<C>(
        conn: &mut C,
        names: TableNames,
        message: &str,
    ) -> impl Future<Output = bool> + Send
    where
        C: AsyncConnection<Backend = Self>;

    /// Says what to do if a row was refused by this unique constraint because of the number that the server gave it.
    fn taken<C>(
        conn: &mut C,
        names: TableNames,
        constraint: &str,
    ) -> impl Future<Output = QueryResult<Option<Finding>>> + Send
    where
        C: AsyncConnection<Backend = Self>;

    /// Takes values out of an error's text, which could be a hash.
    fn without_values(error: Error) -> Error;
}
