//! Pools of connections to a server.

use std::ops::DerefMut;

use apikey_core::BoxError;
use diesel_async::AsyncConnection;

use crate::server::dialect::Dialect;
use crate::store::Pool;

/// A pool of connections to a server: of deadpool, or with the feature `bb8` of bb8.
///
/// Sealed: the pools that [`DieselStore::new`](crate::DieselStore::new) takes are the ones that
/// implement it.
pub trait ServerPool: Pool {
    /// The kind of server.
    #[doc(hidden)]
    type Backend: Dialect;
    /// A connection to it.
    #[doc(hidden)]
    type Connection: AsyncConnection<Backend = Self::Backend> + 'static;
    /// A connection that returns to the pool.
    #[doc(hidden)]
    type Lent: DerefMut<Target = Self::Connection> + Send;

    /// Waits for a connection.
    #[doc(hidden)]
    fn lend(&self) -> impl Future<Output = Result<Self::Lent, BoxError>> + Send;

    /// Waits for a connection that nobody has used yet.
    #[doc(hidden)]
    fn lend_fresh(&self) -> impl Future<Output = Result<Self::Lent, BoxError>> + Send;

    /// Closes a connection that is of no more use, now and not when the next one asks for it.
    #[doc(hidden)]
    fn close(lent: Self::Lent);

    /// Closes the connections that nobody uses, since one of them was found to be of no more use, where the pool can.
    #[doc(hidden)]
    fn close_idle(&self);
}
