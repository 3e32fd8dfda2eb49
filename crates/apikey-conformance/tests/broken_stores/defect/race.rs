//! Brings about what races: a defect goes on as soon as whoever it races with has come, however long that takes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use apikey_core::StoreError;
use tokio::task::yield_now;

use super::{BrokenStore, OwnedKey};

/// Yields before a defect goes on although nobody came. In its own case somebody does.
const MOST_YIELDS: usize = 1_000_000;

/// What operations on one store know of each other.
#[derive(Default)]
pub(super) struct Race {
    looked: AtomicUsize,
    is_full: AtomicBool,
}

impl Race {
    /// Says that one more has looked at the rows, and has yet to act upon it.
    pub(super) fn look(&self) {
        self.looked.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until so many have looked.
    pub(super) async fn until_looked(&self, times: usize) {
        for _ in 0..MOST_YIELDS {
            if self.looked.load(Ordering::SeqCst) >= times {
                return;
            }
            yield_now().await;
        }
    }

    /// Says what became of an insert: one that is refused finds no room.
    pub(super) fn inserted(&self, result: &Result<OwnedKey, StoreError>) {
        if matches!(result, Err(StoreError::LimitReached { .. })) {
            self.is_full.store(true, Ordering::SeqCst);
        }
    }

    /// Waits until an insert was refused.
    pub(super) async fn until_full(&self) {
        for _ in 0..MOST_YIELDS {
            if self.is_full.load(Ordering::SeqCst) {
                return;
            }
            yield_now().await;
        }
    }
}

impl BrokenStore {
    /// Waits until a row is as it is waited for, and returns it.
    pub(super) async fn until(
        &self,
        id: i64,
        is_waited_for: impl Fn(&OwnedKey) -> bool,
    ) -> Result<Option<OwnedKey>, StoreError> {
        for _ in 0..MOST_YIELDS {
            let key = self.by_id(id).await?;
            if key.as_ref().is_none_or(&is_waited_for) {
                return Ok(key);
            }
            yield_now().await;
        }
        self.by_id(id).await
    }

    pub(super) async fn by_id(&self, id: i64) -> Result<Option<OwnedKey>, StoreError> {
        Ok(self.all().await?.into_iter().find(|key| key.record.id == id))
    }
}
