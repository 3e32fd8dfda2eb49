//! The queue in front of the connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::sqlite::watch::Watch;

/// Lets as many operations run as there are connections. The others wait here, where a waiting one
/// costs a few bytes, and not in the pool, where it would hold one of the runtime's threads.
#[derive(Debug, Clone)]
pub struct Gate {
    turns: Arc<Semaphore>,
    /// Who wants to write waits here first. Only one can write at a time, and one that waits for the lock of another
    /// process holds a connection: all who write would hold all connections, and nobody could read.
    writers: Arc<Semaphore>,
    patience: Duration,
    pub(crate) watch: Watch,
}

/// The right to a connection.
#[derive(Debug)]
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    _writer: Option<OwnedSemaphorePermit>,
    /// When it was asked for.
    pub(crate) since: Instant,
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
        Self { turns, writers: Arc::new(Semaphore::new(1)), patience, watch: Watch::default() }
    }

    /// Waits for a turn to read.
    ///
    /// Whether it came in time is judged when it comes. So no timer is needed, which a runtime may
    /// lack, and still nobody waits much longer: those who waited too long give their turn back at once,
    /// and those who hold one are bounded by the busy timeout.
    pub(crate) async fn enter(&self) -> Result<Turn, Busy> {
        let since = Instant::now();
        let turn = self.pass(&self.turns, since).await?;
        Ok(Turn { _turn: turn, _writer: None, since })
    }

    /// Waits for a turn to write.
    pub(crate) async fn enter_to_write(&self) -> Result<Turn, Busy> {
        let since = Instant::now();
        let writer = self.pass(&self.writers, since).await?;
        let turn = self.pass(&self.turns, since).await?;
        Ok(Turn { _turn: turn, _writer: Some(writer), since })
    }

    async fn pass(
        &self,
        line: &Arc<Semaphore>,
        since: Instant,
    ) -> Result<OwnedSemaphorePermit, Busy> {
        match Arc::clone(line).acquire_owned().await {
            Ok(turn) if since.elapsed() <= self.patience => Ok(turn),
            // The semaphore is never closed.
            Ok(_) | Err(_) => Err(Busy { patience: self.patience }),
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
    async fn lets_in_one_who_writes_beside_those_who_read() {
        let gate = Gate::new(3, Duration::from_secs(3600));
        let writer = gate.enter_to_write().await.unwrap();
        let mut second = Box::pin(gate.enter_to_write());
        assert!(poll!(&mut second).is_pending());
        let (_first, _second) = (gate.enter().await.unwrap(), gate.enter().await.unwrap());
        drop(writer);
        let _writer = second.await.unwrap();
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
