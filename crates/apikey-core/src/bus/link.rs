//! A handle's end of the bus: what it has to publish, and what it hears of others.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use futures_timer::Delay;
use futures_util::future::{Either, select};

use super::mailbox::Mailbox;
use super::{Invalidation, InvalidationBus};
use crate::event;
use crate::store::BoxError;

pub(crate) struct Link<O: Send + Sync + 'static> {
    bus: Arc<dyn InvalidationBus<O>>,
    outbox: Arc<Mailbox<O>>,
}

impl<O: Send + Sync> Clone for Link<O> {
    fn clone(&self) -> Self {
        Self { bus: Arc::clone(&self.bus), outbox: Arc::clone(&self.outbox) }
    }
}

impl<O: Eq + Send + Sync + 'static> Link<O> {
    pub(crate) fn new(bus: Arc<dyn InvalidationBus<O>>) -> Self {
        Self { bus, outbox: Arc::new(Mailbox::new()) }
    }

    /// Leaves a message for [`publish`](Self::publish): nobody waits here.
    pub(crate) fn post(&self, invalidation: Invalidation<O>) {
        self.outbox.put(invalidation);
    }

    /// Publishes what is posted, for ever.
    pub(crate) async fn publish(self) {
        loop {
            let outgoing = self.outbox.next_to_send().await;
            match self.bus.publish(&outgoing.message).await {
                Ok(()) => outgoing.sent(),
                Err(error) => {
                    event::not_published(&*error);
                    // What the bus refuses for ever holds up nothing else.
                    outgoing.refused();
                    Delay::new(self.bus.patience()).await;
                }
            }
        }
    }

    /// Publishes what is posted now, and waits for what [`publish`](Self::publish) is at, as far as the bus
    /// lets it in the time that it is given.
    pub(crate) async fn publish_rest(&self) {
        let publishing = pin!(async {
            let mut result = Ok(());
            // Each once: a message that is refused comes last.
            for _ in 0..self.outbox.unsent() {
                let Some(outgoing) = self.outbox.rest_to_send().await else { break };
                match self.bus.publish(&outgoing.message).await {
                    Ok(()) => outgoing.sent(),
                    Err(error) => {
                        outgoing.refused();
                        result = Err(error);
                    }
                }
            }
            result
        });
        let result: Result<(), BoxError> =
            match select(publishing, Delay::new(self.bus.patience())).await {
                Either::Left((result, _)) => result,
                Either::Right(_) => Err("the bus did not answer in time".into()),
            };
        if let Err(error) = result {
            event::not_published(&*error);
        }
    }

    /// Hands on what others publish, for ever.
    pub(crate) async fn listen(self, forget: impl Fn(Invalidation<O>)) {
        loop {
            let error = match self.bus.subscribe().await {
                Ok(mut feed) => {
                    // What was published until now has been missed.
                    forget(Invalidation::All);
                    loop {
                        match feed.next().await {
                            Ok(invalidation) => forget(invalidation),
                            Err(error) => break error,
                        }
                    }
                }
                Err(error) => error,
            };
            event::bus_lost(&*error);
            Delay::new(self.bus.patience()).await;
        }
    }
}

impl<O: Send + Sync> fmt::Debug for Link<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
