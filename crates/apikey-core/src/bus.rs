//! `InvalidationBus`: how the processes of a service tell each other what their caches must forget.

pub(crate) mod link;
pub(crate) mod local;
mod mailbox;

use std::time::Duration;

use async_trait::async_trait;

use crate::store::BoxError;

/// What caches must forget, since it has been changed.
///
/// An encoder that meets a variant it does not know sends [`All`](Self::All), which is always right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalidation<O> {
    /// The key with this prefix.
    Prefix(String),
    /// The keys of this owner.
    Owner(O),
    /// Every key.
    All,
}

/// Carries [`Invalidation`]s between the handles that share a table: between the processes of a service,
/// over what they have in common (Redis, PostgreSQL's `NOTIFY`, a message broker).
///
/// Without one, a change in one process is seen by the [`Cache`](crate::Cache) of another within
/// `time_to_live`. With one, it is seen as soon as the message arrives, and within `time_to_live` where a
/// message is lost: a bus makes caches fresher, and nothing rests on it. [`ApiKeys::maintain`] has to be
/// spawned, since it does all the talking; requests and changes never wait for a bus.
///
/// - A change is published after it has been written, and so is one that failed or was cancelled, which
///   may still have happened.
/// - What cannot be published is tried again, behind what else waits. If too much piles up, one
///   [`Invalidation::All`] replaces it.
/// - When a feed ends, the cache goes on with its `time_to_live`. After each subscription it forgets all
///   that it knows, since it may have missed anything before.
/// - Messages may be repeated, reordered, and come back to their sender.
///
/// # Security
/// Whoever can publish can make caches forget, which costs lookups, and can never let a key in. Messages
/// name prefixes and owners, no secrets. The errors of a bus are logged: they must not hold the credentials of
/// its connection, as an error would that prints a URL with a password.
///
/// # Examples
/// Two handles in one process, by [`LocalBus`](crate::LocalBus):
/// ```
/// use std::sync::Arc;
/// use apikey_core::{ApiKeys, Cache, KeyRecord, LocalBus, MemoryStore};
///
/// let (store, bus) = (Arc::new(MemoryStore::<KeyRecord>::new()), LocalBus::new());
/// let handle = || {
///     ApiKeys::builder(Arc::clone(&store)).cache(Cache::new()).invalidation_bus(bus.clone()).build()
/// };
/// let (public_api, admin) = (handle()?, handle()?);
/// // tokio::spawn(public_api.maintain());
/// // tokio::spawn(admin.maintain());
/// # Ok::<(), apikey_core::BuildError>(())
/// ```
///
/// [`ApiKeys::maintain`]: crate::ApiKeys::maintain
#[async_trait]
pub trait InvalidationBus<O>: Send + Sync + 'static
where
    O: Send + Sync + 'static,
{
    /// Hands a message to the bus, one at a time. It should end in bounded time: while it hangs, nothing
    /// else is published.
    ///
    /// # Errors
    /// Where the bus does not take the message now: it is tried again after [`patience`](Self::patience), for
    /// ever, and what came after it first. A message that the bus can never carry, since it is too
    /// long or cannot be encoded, is therefore no error: publish [`Invalidation::All`] in its place, which says
    /// more than enough. The error is logged, and must hold no credentials.
    async fn publish(&self, invalidation: &Invalidation<O>) -> Result<(), BoxError>;

    /// Begins to listen. What is published after it has answered must come by the feed, or end it.
    ///
    /// # Errors
    /// Where nothing can be heard now: it is tried again after [`patience`](Self::patience). The error is
    /// logged, and must hold no credentials.
    async fn subscribe(&self) -> Result<Box<dyn InvalidationFeed<O>>, BoxError>;

    /// Returns how long to wait after a failure before the next attempt, and how long
    /// [`ApiKeys::flush`](crate::ApiKeys::flush) waits for the bus at most: one second.
    fn patience(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// What others publish, as it arrives.
#[async_trait]
pub trait InvalidationFeed<O>: Send
where
    O: Send + Sync + 'static,
{
    /// Waits for the next message.
    ///
    /// # Errors
    /// An error ends the feed: messages may be missing from now on, and the handle subscribes anew. It is
    /// logged, and must hold no credentials.
    async fn next(&mut self) -> Result<Invalidation<O>, BoxError>;
}
