//! Which results may still be believed: generations of prefixes, and marks that changes leave.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

/// The generation under which a lookup began. What it found counts only while no change of its prefix
/// has happened since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// Orders lookups and changes. A lookup takes a [`Ticket`] before it asks the store; a change moves the
/// generation of its prefix before and after it writes. So a lookup that overlaps a change is noticed,
/// whichever ends first.
///
/// Generic over prefix `P` and time `T`, so that it can be tested alone, under every interleaving.
#[derive(Debug)]
pub(crate) struct Generations<P, T> {
    state: Mutex<State<P, T>>,
    most_marks: usize,
}

#[derive(Debug)]
struct State<P, T> {
    /// Counts changes of any prefix.
    now: u64,
    /// Tickets below are void for every prefix.
    floor: u64,
    marks: HashMap<P, Mark<T>>,
    /// Until when nothing may be cached at all: set where there are too many marks.
    closed_until: Option<T>,
}

/// A prefix that was changed lately.
#[derive(Debug)]
struct Mark<T> {
    generation: u64,
    /// Until when the prefix may not be cached: a change that was cancelled may still happen.
    until: T,
}

impl<P: Eq + Hash, T: Copy + Ord> Generations<P, T> {
    /// Keeps at most so many marks.
    pub(crate) fn new(most_marks: usize) -> Self {
        let state = State { now: 0, floor: 0, marks: HashMap::new(), closed_until: None };
        Self { state: Mutex::new(state), most_marks }
    }

    fn lock(&self) -> MutexGuard<'_, State<P, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the beginning of a lookup.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.lock().now)
    }

    /// Whether no change of the prefix has begun or ended since the ticket was taken.
    pub(crate) fn is_current(&self, prefix: &P, ticket: Ticket) -> bool {
        self.lock().is_current(prefix, ticket)
    }

    /// Runs `insert` if what was looked up under the ticket may be cached.
    pub(crate) fn fill(&self, prefix: &P, ticket: Ticket, time: T, insert: impl FnOnce()) {
        let state = self.lock();
        let is_open = state.marks.get(prefix).is_none_or(|mark| mark.until <= time)
            && state.closed_until.is_none_or(|until| until <= time);
        if is_open && state.is_current(prefix, ticket) {
            insert();
        }
    }

    /// Marks a prefix whose change begins, and runs `forget`, which drops what is cached of it. A mark that
    /// stands longer already is not shortened: the change that left it may still happen.
    pub(crate) fn begin(&self, prefix: P, time: T, until: T, forget: impl FnOnce()) {
        let mut state = self.lock();
        // One that is marked already needs no more room.
        if !state.marks.contains_key(&prefix) {
            state.make_room(self.most_marks, time, until);
        }
        let generation = state.advance();
        let until = state.marks.get(&prefix).map_or(until, |mark| mark.until.max(until));
        state.marks.insert(prefix, Mark { generation, until });
        forget();
    }

    /// Notes that the change has been written, and runs `forget` again: a write may outlast its mark, and
    /// the row be read and cached meanwhile. A mark whose time is not over stays.
    pub(crate) fn end(&self, prefix: &P, forget: impl FnOnce()) {
        let mut state = self.lock();
        let generation = state.advance();
        match state.marks.get_mut(prefix) {
            Some(mark) => mark.generation = generation,
            // The mark was dropped for want of room.
            None => state.floor = generation,
        }
        forget();
    }

    /// Voids every ticket, and runs `forget`, which drops all that is cached.
    pub(crate) fn invalidate(&self, forget: impl FnOnce()) {
        let mut state = self.lock();
        state.floor = state.advance();
        forget();
    }
}

impl<P: Eq + Hash, T: Copy + Ord> State<P, T> {
    fn advance(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn is_current(&self, prefix: &P, ticket: Ticket) -> bool {
        let generation = self.marks.get(prefix).map_or(0, |mark| mark.generation);
        ticket.0 >= generation.max(self.floor)
    }

    /// Drops the marks whose time is over, and all of them if that is not enough. A dropped mark's
    /// generation lives on as the floor of all.
    fn make_room(&mut self, most: usize, time: T, until: T) {
        if self.marks.len() < most {
            return;
        }
        let mut floor = self.floor;
        self.marks.retain(|_, mark| {
            let stays = mark.until > time;
            if !stays {
                floor = floor.max(mark.generation);
            }
            stays
        });
        self.floor = floor;
        if self.marks.len() >= most {
            let last = self.marks.values().map(|mark| mark.until).max();
            self.closed_until = last.max(Some(until)).max(self.closed_until);
            self.marks.clear();
            self.floor = self.advance();
        }
    }
}
