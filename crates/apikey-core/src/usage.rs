//! When keys were last used: noted in memory, written in batches, off the path of requests.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Timestamp, to_micros};
use crate::handle::Inner;
use crate::manage::ManageError;
use crate::model::KeyModel;
use crate::store::StoreError;

/// How often uses are written, unless the handle says otherwise.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// Keys whose use may be pending; the uses of more are not noted until the next flush.
const MOST_PENDING: usize = 100_000;

/// The keys used since the last flush.
pub(crate) struct Usage<Id> {
    pub(crate) interval: Duration,
    pending: Mutex<Pending<Id>>,
}

struct Pending<Id> {
    keys: HashMap<Id, Noted>,
    latest: Option<Timestamp>,
}

/// Whether a use has been noted since the last flush: lets a cached key be noted once without a lock.
pub(crate) type Noted = Arc<AtomicBool>;

impl<Id: Clone + Eq + Hash> Usage<Id> {
    pub(crate) fn new(interval: Duration) -> Self {
        let pending = Pending { keys: HashMap::new(), latest: None };
        Self { interval, pending: Mutex::new(pending) }
    }

    /// Notes a use.
    pub(crate) fn note(&self, id: &Id, noted: &Noted, now: Timestamp) {
        if noted.load(Ordering::Relaxed) || noted.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut pending = self.lock();
        if pending.keys.len() < MOST_PENDING {
            pending.latest = pending.latest.max(Some(to_micros(now)));
            pending.keys.insert(id.clone(), Arc::clone(noted));
        } else {
            // Not noted: the next use is, if there is room by then.
            noted.store(false, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending<Id>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is pending; uses from now on are noted anew.
    fn take(&self) -> Option<Taken<'_, Id>> {
        let mut pending = self.lock();
        let keys = std::mem::take(&mut pending.keys);
        let at = pending.latest.take()?;
        drop(pending);
        let forget = |(id, noted): (Id, Noted)| {
            noted.store(false, Ordering::Relaxed);
            id
        };
        Some(Taken { usage: self, ids: keys.into_iter().map(forget).collect(), at, is_done: false })
    }

    /// Gives back what could not be written.
    fn restore(&self, ids: Vec<Id>, at: Timestamp) {
        let mut pending = self.lock();
        pending.latest = pending.latest.max(Some(at));
        for id in ids {
            if pending.keys.len() < MOST_PENDING {
                pending.keys.entry(id).or_default();
            }
        }
    }
}

/// Uses that are being written. They are pending again unless they were, also if nobody waits for the write
/// any more.
struct Taken<'a, Id: Clone + Eq + Hash> {
    usage: &'a Usage<Id>,
    ids: Vec<Id>,
    at: Timestamp,
    is_done: bool,
}

impl<Id: Clone + Eq + Hash> Taken<'_, Id> {
    fn done(mut self) {
        self.is_done = true;
    }
}

impl<Id: Clone + Eq + Hash> Drop for Taken<'_, Id> {
    fn drop(&mut self) {
        if !self.is_done {
            self.usage.restore(std::mem::take(&mut self.ids), self.at);
        }
    }
}

impl<Id> fmt::Debug for Usage<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").field("interval", &self.interval).finish_non_exhaustive()
    }
}

impl<M: KeyModel> Inner<M> {
    /// Writes the uses since the last write. A store that has no place for them loses nothing.
    pub(crate) async fn write_uses(&self) -> Result<(), ManageError> {
        let Some(mut taken) = self.usage.take() else { return Ok(()) };
        // In one order everywhere, so that two processes do not wait for each other's rows.
        taken.ids.sort_unstable();
        match self.store.touch(&taken.ids, taken.at).await {
            Ok(()) | Err(StoreError::Unsupported { .. }) => taken.done(),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
