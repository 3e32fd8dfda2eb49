//! The pool of deadpool.

/// Accepts deadpool's pool of one type of connection. For all types at once, Diesel's own bounds on its
/// manager would become everybody's.
macro_rules! deadpool_of {
    ($connection:ty, $backend:ty) => {
        impl $crate::store::Sealed for Deadpool<$connection> {}

        impl $crate::store::Pool for Deadpool<$connection> {
            type Queue = ();

            fn queue(&self) {}
        }

        impl $crate::server::pool::ServerPool for Deadpool<$connection> {
            type Backend = $backend;
            type Connection = $connection;
            type Lent = Object<$connection>;

            async fn lend(&self) -> Result<Self::Lent, apikey_core::BoxError> {
                Ok(self.get().await?)
            }

            /// Those that somebody returns meanwhile are closed on the way.
            async fn lend_fresh(&self) -> Result<Self::Lent, apikey_core::BoxError> {
                loop {
                    let lent = self.get().await?;
                    if Object::metrics(&lent).recycle_count == 0 {
                        return Ok(lent);
                    }
                    drop(Object::take(lent));
                }
            }

            fn close(lent: Self::Lent) {
                drop(Object::take(lent));
            }

            fn close_idle(&self) {
                self.retain(|_, _| false);
            }
        }
    };
}

pub(crate) use deadpool_of;
