//! The pool of bb8.

/// Accepts bb8's pool of one type of connection.
macro_rules! bb8_of {
    ($connection:ty, $backend:ty) => {
        impl $crate::store::Sealed for Bb8<$connection> {}

        impl $crate::store::Pool for Bb8<$connection> {
            type Queue = ();

            fn queue(&self) {}
        }

        impl $crate::server::pool::ServerPool for Bb8<$connection> {
            type Backend = $backend;
            type Connection = $connection;
            type Lent = Lent<$connection>;

            async fn lend(&self) -> Result<Self::Lent, apikey_core::BoxError> {
                Ok(Lent::of_pool(self.get_owned().await?))
            }

            /// This pool tells the age of none, so it is one beside the pool, in place of the one just closed.
            async fn lend_fresh(&self) -> Result<Self::Lent, apikey_core::BoxError> {
                Ok(Lent::apart(self.dedicated_connection().await?))
            }

            /// What is marked as broken does not return to this pool.
            fn close(lent: Self::Lent) {
                drop(lent);
            }

            /// This pool finds them one by one.
            fn close_idle(&self) {}
        }
    };
}

pub(crate) use bb8_of;
