//! When keys were last used: noted in memory, written in batches, off the path of requests.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_timer::Delay;
use futures_util::future::{Either, select};

use crate::clock::Timestamp;
use crate::event;
use crate::handle::Inner;
use crate::manage::ManageError;
use crate::model::KeyModel;
use crate::store::StoreError;

/// How often uses are written, unless the handle says otherwise.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// Keys whose use may be pending; the uses of more are not noted until the next flush.
const MOST_PENDING: usize = 100_000;

/// How long the end of a key waits for its last use to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// The keys used since the last flush.
pub(crate) struct Usage<Id> {
    pub(crate) interval: Duration,
    pending: Mutex<Pending<Id>>,
}

struct Pending<Id> {
    keys: HashMap<Id, Noted>,
    /// The latest uses among those that are being written.
    on_the_way: HashMap<Id, i64>,
}

/// The latest use of a key that is pending, in microseconds: lets a cached key be noted without a lock.
#[derive(Debug, Clone)]
pub(crate) struct Noted(Arc<AtomicI64>);

/// By how much a last use may be earlier than it was, in microseconds.
const MOMENT: i64 = 1_000;

/// None is pending.
const NEVER: i64 = i64::MIN;

impl Default for Noted {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(NEVER)))
    }
}

impl Noted {
    /// Notes a use, and returns whether it is the first that is pending. One within the same moment as the last is not
    /// written down: threads that serve one key at the same time would wait for each other.
    fn note(&self, at: i64) -> bool {
        let noted = self.0.load(Ordering::Relaxed);
        let is_news = noted == NEVER || noted.saturating_add(MOMENT) <= at;
        is_news && self.0.fetch_max(at, Ordering::Relaxed) == NEVER
    }

    fn take(&self) -> i64 {
        self.0.swap(NEVER, Ordering::Relaxed)
    }
}

impl<Id: Clone + Ord + Hash> Usage<Id> {
    pub(crate) fn new(interval: Duration) -> Self {
        let pending = Pending { keys: HashMap::new(), on_the_way: HashMap::new() };
        Self { interval, pending: Mutex::new(pending) }
    }

    /// Notes a use.
    pub(crate) fn note(&self, id: &Id, noted: &Noted, now: Timestamp) {
        if !noted.note(now.timestamp_micros()) {
            return;
        }
        let mut pending = self.lock();
        if let Some(other) = pending.keys.get(id) {
            // Noted elsewhere, since the key is not cached, or is anew.
            noted.0.fetch_max(other.take(), Ordering::Relaxed);
        } else if pending.keys.len() >= MOST_PENDING {
            // Not noted: the next use is, if there is room by then.
            noted.take();
            return;
        }
        pending.keys.insert(id.clone(), noted.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Pending<Id>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is pending; uses from now on are noted anew.
    fn take(&self) -> Option<Taken<'_, Id>> {
        let mut pending = self.lock();
        let keys = std::mem::take(&mut pending.keys);
        let uses: Vec<_> = keys.into_iter().map(|(id, noted)| (id, noted.take())).collect();
        self.take_these(pending, uses)
    }

    /// Takes what is pending of one key, and what is being written of it, which may come too late.
    fn take_of(&self, id: &Id) -> Option<Taken<'_, Id>> {
        let mut pending = self.lock();
        let at = pending.keys.remove(id).map_or(NEVER, |noted| noted.take());
        let at = at.max(pending.on_the_way.get(id).copied().unwrap_or(NEVER));
        self.take_these(pending, vec![(id.clone(), at)])
    }

    fn take_these(
        &self,
        mut pending: MutexGuard<'_, Pending<Id>>,
        mut uses: Vec<(Id, i64)>,
    ) -> Option<Taken<'_, Id>> {
        uses.retain(|(_, at)| *at != NEVER);
        if uses.is_empty() {
            return None;
        }
        for (id, at) in &uses {
            let latest = pending.on_the_way.entry(id.clone()).or_insert(*at);
            *latest = (*latest).max(*at);
        }
        drop(pending);
        // In one order everywhere, so that two processes do not wait for each other's rows.
        uses.sort_unstable();
        Some(Taken { usage: self, uses, is_done: false })
    }

    /// Ends the writing of uses, and gives back what could not be written.
    fn end(&self, uses: &[(Id, i64)], is_done: bool) {
        let mut pending = self.lock();
        for (id, at) in uses {
            // Another may be writing a later one.
            if pending.on_the_way.get(id).is_some_and(|latest| latest <= at) {
                pending.on_the_way.remove(id);
            }
            if is_done {
                continue;
            }
            if let Some(noted) = pending.keys.get(id) {
                noted.0.fetch_max(*at, Ordering::Relaxed);
            } else if pending.keys.len() < MOST_PENDING {
                let noted = Noted::default();
                noted.note(*at);
                pending.keys.insert(id.clone(), noted);
            }
        }
    }
}

/// Uses that are being written. They are pending again unless they were, also if nobody waits for the write
/// any more.
struct Taken<'a, Id: Clone + Ord + Hash> {
    usage: &'a Usage<Id>,
    uses: Vec<(Id, i64)>,
    is_done: bool,
}

impl<Id: Clone + Ord + Hash> Taken<'_, Id> {
    fn times(&self) -> Vec<(Id, Timestamp)> {
        let time =
            |(id, at): &(Id, i64)| Some((id.clone(), Timestamp::from_timestamp_micros(*at)?));
        self.uses.iter().filter_map(time).collect()
    }

    fn done(mut self) {
        self.is_done = true;
    }
}

impl<Id: Clone + Ord + Hash> Drop for Taken<'_, Id> {
    fn drop(&mut self) {
        self.usage.end(&self.uses, self.is_done);
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
        self.write(self.usage.take()).await
    }

    /// Writes the last use of a key that is about to end: afterwards it may not be written any more, or the process
    /// not live for long. What becomes of it does not concern the change, which waits for it a moment at most.
    pub(crate) async fn write_use_of(&self, id: &M::Id) {
        let Some(taken) = self.usage.take_of(id) else { return };
        let write = pin!(self.write(Some(taken)));
        if let Either::Left((Err(error), _)) = select(write, Delay::new(PATIENCE)).await {
            event::usage_not_written(&error);
        }
    }

    async fn write(&self, taken: Option<Taken<'_, M::Id>>) -> Result<(), ManageError> {
        let Some(taken) = taken else { return Ok(()) };
        match self.store.touch_each(&taken.times()).await {
            Ok(()) | Err(StoreError::Unsupported { .. }) => taken.done(),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
