//! `LocalBus`: the handles of one process.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;

use super::mailbox::Mailbox;
use super::{Invalidation, InvalidationBus, InvalidationFeed};
use crate::store::BoxError;

/// Connects handles within one process that share a table and have a cache each: one for a public API and
/// one for its administration, say, or the handles of a test. Its clones are one bus.
///
/// See [`InvalidationBus`] for an example.
pub struct LocalBus<O = Infallible> {
    feeds: Arc<Mutex<Vec<Weak<Mailbox<O>>>>>,
}

struct LocalFeed<O>(Arc<Mailbox<O>>);

impl<O> LocalBus<O> {
    /// Creates a bus that nobody listens to yet.
    #[must_use]
    pub fn new() -> Self {
        Self { feeds: Arc::default() }
    }

    fn feeds(&self) -> MutexGuard<'_, Vec<Weak<Mailbox<O>>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that somebody listens to; the others are forgotten.
    fn heard(&self) -> Vec<Arc<Mailbox<O>>> {
        let mut heard = Vec::new();
        self.feeds().retain(|feed| {
            let feed = feed.upgrade();
            feed.inspect(|feed| heard.push(Arc::clone(feed))).is_some()
        });
        heard
    }
}

impl<O> Default for LocalBus<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O> Clone for LocalBus<O> {
    fn clone(&self) -> Self {
        Self { feeds: Arc::clone(&self.feeds) }
    }
}

impl<O> fmt::Debug for LocalBus<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalBus").field("feeds", &self.feeds().len()).finish()
    }
}

#[async_trait]
impl<O: Clone + Eq + Send + Sync + 'static> InvalidationBus<O> for LocalBus<O> {
    async fn publish(&self, invalidation: &Invalidation<O>) -> Result<(), BoxError> {
        // Outside of the lock, since each message wakes who waits for it.
        for feed in self.heard() {
            feed.put(invalidation.clone());
        }
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn InvalidationFeed<O>>, BoxError> {
        let mailbox = Arc::new(Mailbox::new());
        self.feeds().push(Arc::downgrade(&mailbox));
        Ok(Box::new(LocalFeed(mailbox)))
    }
}

#[async_trait]
impl<O: Eq + Send + Sync + 'static> InvalidationFeed<O> for LocalFeed<O> {
    async fn next(&mut self) -> Result<Invalidation<O>, BoxError> {
        Ok(self.0.next().await)
    }
}
