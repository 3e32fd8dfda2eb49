//! What a pool lends.

use std::ops::{Deref, DerefMut};

/// A connection of a pool that tells the age of none, or a fresh one beside it.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "a connection has nothing to show")]
pub struct Lent<C>(Box<dyn DerefMut<Target = C> + Send>);

impl<C: 'static> Lent<C> {
    #[allow(dead_code, reason = "without bb8 there is no such pool")]
    pub(crate) fn of_pool(pooled: impl DerefMut<Target = C> + Send + 'static) -> Self {
        Self(Box::new(pooled))
    }

    #[allow(dead_code, reason = "without bb8 there is no such pool")]
    pub(crate) fn apart(conn: C) -> Self
    where
        C: Send,
    {
        Self(Box::new(Apart(conn)))
    }
}

impl<C> Deref for Lent<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C> DerefMut for Lent<C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.0
    }
}

#[allow(dead_code, reason = "without bb8 there is no such pool")]
struct Apart<C>(C);

impl<C> Deref for Apart<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C> DerefMut for Apart<C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.0
    }
}
