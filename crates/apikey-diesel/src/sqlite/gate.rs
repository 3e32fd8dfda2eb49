//! The queue in front of the connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets as many operations run as there are connections. The others wait here, where a waiting one
/// costs a few bytes, and not in the pool, where it would hold one of the runtime's threads.
#[derive(Debug, Clone)]
pub struct Gate {
    turns: Arc<Semaphore>,
    patience: Duration,
}

/// No turn came in time.
#[derive(Debug, Error)]
#[error("all connections were busy for {} ms", patience.as_millis())]
pub(crate) struct Busy {
    patience: Duration,
}

impl Gate {
    pub(crate) fn new(connections: u32, patience: Duration) -> Self {
        let connections = usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS);
        let turns = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        Self { turns, patience }
    }

    /// Waits for a turn.
    ///
    /// Whether it came in time is judged when it comes. So no timer is needed, which a runtime may
    /// lack, and still nobody waits much longer: those who waited too long give their turn back at once,
    /// and those who hold one are bounded by the busy timeout.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, Busy> {
        let busy = Busy { patience: self.patience };
        let since = Instant::now();
        match Arc::clone(&self.turns).acquire_owned().await {
            Ok(turn) if since.elapsed() <= self.patience => Ok(turn),
            // The semaphore is never closed.
            Ok(_) | Err(_) => Err(busy),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn lets_in_as_many_as_there_are_connections() {
        let gate = Gate::new(2, Duration::from_secs(3600));
        let (first, _second) = (gate.enter().await.unwrap(), gate.enter().await.unwrap());
        let mut third = Box::pin(gate.enter());
        assert!(poll!(&mut third).is_pending());
        drop(first);
        let _third = third.await.unwrap();
    }

    #[tokio::test]
    async fn refuses_who_waited_too_long_and_goes_on_with_the_next() {
        let gate = Gate::new(1, Duration::from_secs(3600));
        let hasty = Gate { patience: Duration::ZERO, ..gate.clone() };
        let turn = gate.enter().await.unwrap();
        let (mut late, mut next) = (Box::pin(hasty.enter()), Box::pin(gate.enter()));
        assert!(poll!(&mut late).is_pending() && poll!(&mut next).is_pending());
        drop(turn);
        late.await.unwrap_err();
        let _next = next.await.unwrap();
    }
}
