//! One piece of work for everybody who wants the same at the same time.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::PoisonError;

use super::joint::{Joint, WeakJoint, Work};
use crate::sync::Mutex;

/// Work under way, by what it is about. It is driven by whoever waits for it, so it survives the one who
/// began it, and ends when nobody waits any more.
///
/// `S` says under which circumstances it began, by which a later request judges whether to join it.
pub(crate) struct Flights<K, T, S = ()> {
    under_way: Mutex<HashMap<K, Flight<T, S>>>,
}

type Flight<T, S> = (S, WeakJoint<T>);

/// How many entries pile up at least before those that have ended are dropped.
const SWEEP: usize = 256;

impl<K: Eq + Hash, T, S: Copy> Flights<K, T, S> {
    pub(crate) fn new() -> Self {
        Self { under_way: Mutex::default() }
    }

    /// Joins the work on `key` if it is under way and its beginning still counts, or else begins it.
    pub(crate) fn join(
        &self,
        key: K,
        counts: impl Fn(S) -> bool,
        begin: impl FnOnce() -> (S, Work<T>),
    ) -> Joint<T> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let flight = under_way.get(&key).filter(|(began, _)| counts(*began));
        // One that has ended is not joined: its answer is older than this request.
        let joined = flight.and_then(|(_, work)| work.join());
        joined.unwrap_or_else(|| {
            // Where many are under way, only before the map grows: else all were looked at for each new one.
            if under_way.len() >= SWEEP.max(under_way.capacity()) {
                under_way.retain(|_, (_, work)| work.is_under_way());
            }
            let (began, work) = begin();
            let work = Joint::new(work);
            under_way.insert(key, (began, work.downgrade()));
            work
        })
    }
}

impl<K, T, S> fmt::Debug for Flights<K, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Flights").field("entries", &entries).finish()
    }
}
