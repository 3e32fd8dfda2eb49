//! Slow hashing on threads of its own: bounded, and one verification per prefix at a time.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use futures_channel::oneshot;

use super::HashError;

/// How much slow hashing a handle does at once.
///
/// The threads are named `apikey-hash-<n>`, start with the first slow hash and end with the handle. They
/// serve any runtime, and a client that hangs up gives back its place. Fast hashers never use them.
#[derive(Debug, Clone, Copy)]
pub struct HashingThreads {
    max_concurrent: NonZeroUsize,
    queue_length: NonZeroUsize,
}

impl HashingThreads {
    /// Sets how many hashes run at once; by default half as many as there are processors, rounded up, so that
    /// a flood of bad keys leaves the others to good ones. With Argon2id each takes 19 MiB while it runs.
    #[must_use]
    pub fn max_concurrent(self, max_concurrent: NonZeroUsize) -> Self {
        Self { max_concurrent, ..self }
    }

    /// Sets how many requests may wait, 64 by default. Requests beyond are answered with 503, as are
    /// those that would let one prefix take more than a quarter of the queue; all that hashes new keys together
    /// gets as much as one prefix. Where the queue is full, the prefix with most requests in it gives up a place to
    /// one that has none.
    #[must_use]
    pub fn queue_length(self, queue_length: NonZeroUsize) -> Self {
        Self { queue_length, ..self }
    }
}

impl Default for HashingThreads {
    fn default() -> Self {
        Self {
            max_concurrent: half(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)),
            queue_length: NonZeroUsize::MIN.saturating_add(63),
        }
    }
}

/// Half of it, rounded up.
fn half(number: NonZeroUsize) -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add((number.get() - 1) / 2)
}

/// Runs slow work for the handle that owns it.
pub(crate) struct Gate {
    shared: Arc<Shared>,
}

struct Shared {
    limits: HashingThreads,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// What gave up its place, and has to be told.
    refused: Option<Job>,
    /// The prefixes that are being verified.
    busy: Vec<Arc<str>>,
    /// The turn of the job that began last.
    turn: u64,
    running: usize,
    threads: usize,
    idle: usize,
    closed: bool,
}

struct Job {
    kind: Kind,
    /// Jobs of lower turns go first: those of one kind have one after another, so that a prefix with many
    /// jobs gets no more of the threads than one with few (start-time fair queuing).
    turn: u64,
    task: Box<dyn Task>,
}

/// What competes with its like for places and turns.
#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// Verifying keys with this prefix: one at a time.
    Verify(Arc<str>),
    /// Hashing new keys, or proven ones anew.
    Hash,
    /// What is only done by threads that are idle.
    Dummy,
}

trait Task: Send {
    /// Does the work, and keeps what came out of it.
    fn run(&mut self);
    /// Hands that out, and drops the rest. It never panics.
    fn answer(self: Box<Self>);
    /// Says that there is no room for it after all. It never panics.
    fn refuse(self: Box<Self>);
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
}

struct Call<T, F> {
    work: Option<F>,
    value: Option<T>,
    answer: oneshot::Sender<Result<T, HashError>>,
}

impl<T: Send, F: FnOnce() -> T + Send> Call<T, F> {
    fn new(work: F, answer: oneshot::Sender<Result<T, HashError>>) -> Self {
        Self { work: Some(work), value: None, answer }
    }
}

impl<T, F> Call<T, F> {
    fn tell(self, outcome: Option<Result<T, HashError>>) {
        // What wakes the caller, and what is dropped here, is not ours and may panic.
        let _ = catch_unwind(AssertUnwindSafe(move || {
            let Self { work, value, answer } = self;
            drop((work, value));
            if let Some(outcome) = outcome {
                let _ = answer.send(outcome);
            }
        }));
    }
}

impl<T: Send, F: FnOnce() -> T + Send> Task for Call<T, F> {
    fn run(&mut self) {
        if let Some(work) = self.work.take() {
            // After a panic there is no value; the thread goes on.
            self.value = catch_unwind(AssertUnwindSafe(work)).ok();
        }
    }

    fn answer(mut self: Box<Self>) {
        // Without a value the sender is dropped, which the caller sees.
        let value = self.value.take();
        self.tell(value.map(Ok));
    }

    fn refuse(self: Box<Self>) {
        self.tell(Some(Err(HashError::QueueFull)));
    }

    fn is_abandoned(&self) -> bool {
        self.answer.is_canceled()
    }
}

impl Gate {
    pub(crate) fn new(limits: HashingThreads) -> Self {
        let shared = Shared { limits, state: Mutex::default(), wake: Condvar::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Runs `work` on one of the threads: verifying a prefix, never beside other work for that prefix, or, without
    /// one, hashing.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        prefix: Option<&str>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let kind = prefix.map_or(Kind::Hash, |prefix| Kind::Verify(prefix.into()));
        let answer = self.submit(kind, work, Shared::admits)?;
        answer.await.unwrap_or_else(|source| Err(HashError::Failed(Box::new(source))))
    }

    /// Runs `work` if a thread is free for it, and otherwise not at all: work that only hides a
    /// difference never queues before real work. Where there is a single thread, real work that comes
    /// meanwhile waits for the one piece that has begun.
    pub(crate) async fn run_if_idle(&self, work: impl FnOnce() + Send + 'static) {
        if let Ok(done) = self.submit(Kind::Dummy, work, Shared::is_idle) {
            let _ = done.await;
        }
    }

    /// Hands work over, if `admits` says so while nobody else can.
    fn submit<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnOnce() -> T + Send + 'static,
        admits: fn(&Shared, &mut State, &Job) -> bool,
    ) -> Result<oneshot::Receiver<Result<T, HashError>>, HashError> {
        let (answer, answered) = oneshot::channel();
        let task = Box::new(Call::new(work, answer));
        let mut job = Job { kind, turn: 0, task };
        let mut state = self.shared.lock();
        if !admits(&self.shared, &mut state, &job) {
            return Err(HashError::QueueFull);
        }
        let refused = state.refused.take();
        let started = Shared::start_thread(&self.shared, &mut state);
        if started.is_ok() {
            job.turn = state.turn_of(&job);
            state.waiting.push_back(job);
            self.shared.wake.notify_one();
        }
        drop(state);
        // Not before: its caller may come again at once.
        if let Some(Job { task, .. }) = refused {
            task.refuse();
        }
        started.map(|()| answered)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the queue has a place for real work, of which one prefix, or all hashing, gets a quarter at most.
    fn admits(&self, state: &mut State, job: &Job) -> bool {
        let limit = self.limits.queue_length.get();
        let has_place = |state: &State| {
            let competitors = state.waiting.iter().filter(|other| other.competes_with(job)).count();
            state.waiting.len() < limit && competitors < limit.div_ceil(4)
        };
        if has_place(state) {
            return true;
        }
        // Those who have hung up give back their places.
        state.waiting.retain(|job| !job.task.is_abandoned());
        has_place(state) || state.make_place(job)
    }

    /// Whether dummy work would begin at once, and leaves half of the threads and of the queue to real work.
    fn is_idle(&self, state: &mut State, _: &Job) -> bool {
        let waiting = state.waiting.len();
        state.running + waiting < half(self.limits.max_concurrent).get()
            && waiting < half(self.limits.queue_length).get()
    }

    /// Starts one more thread, if none is idle and there may be one more.
    fn start_thread(this: &Arc<Self>, state: &mut State) -> Result<(), HashError> {
        let limit = this.limits.max_concurrent.get();
        if state.idle > state.waiting.len() || state.threads >= limit {
            return Ok(());
        }
        let shared = Arc::clone(this);
        let name = format!("apikey-hash-{}", state.threads);
        match thread::Builder::new().name(name).spawn(move || shared.serve()) {
            Ok(_) => state.threads += 1,
            Err(source) if state.threads == 0 => return Err(HashError::Failed(Box::new(source))),
            Err(_) => {}
        }
        Ok(())
    }

    /// Gives back the place of work that is done: before its answer, since whoever hears that may come again
    /// at once and would find the place taken.
    fn finish(&self, kind: &Kind) {
        self.lock().finish(kind);
        // The prefix is free again, which may concern work that another thread passed over.
        self.wake.notify_one();
    }

    /// The life of one thread.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(Job { kind, mut task, .. }) = state.take() {
                drop(state);
                if !task.is_abandoned() {
                    task.run();
                }
                self.finish(&kind);
                task.answer();
                state = self.lock();
            } else if state.closed {
                return;
            } else {
                state.idle += 1;
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }
}

impl State {
    /// Returns the turn of a job that comes now: the next one, or the one after the last of its kind.
    fn turn_of(&self, job: &Job) -> u64 {
        let own = self.waiting.iter().filter(|other| other.competes_with(job));
        own.map(|other| other.turn).max().unwrap_or_default().max(self.turn) + 1
    }

    /// Takes the first job of the lowest turn whose prefix is not being verified.
    fn take(&mut self) -> Option<Job> {
        let free = |job: &Job| job.prefix().is_none_or(|prefix| !self.busy.contains(prefix));
        let waiting = self.waiting.iter().enumerate().filter(|(_, job)| free(job));
        let next = waiting.min_by_key(|(_, job)| job.turn).map(|(index, _)| index)?;
        let job = self.waiting.remove(next)?;
        self.turn = self.turn.max(job.turn);
        self.busy.extend(job.prefix().cloned());
        self.running += 1;
        Some(job)
    }

    /// Takes out the last job of the kind that has most waiting, if that is more than the new job's kind
    /// would have: a few prefixes that are flooded do not keep the others out.
    fn make_place(&mut self, job: &Job) -> bool {
        let waiting =
            |of: &Job| self.waiting.iter().filter(|other| other.competes_with(of)).count();
        let last = self.waiting.iter().enumerate().max_by_key(|(_, job)| waiting(job));
        match last.map(|(index, last)| (index, waiting(last))) {
            Some((index, most)) if waiting(job) + 1 < most => {
                self.refused = self.waiting.remove(index);
                true
            }
            _ => false,
        }
    }

    fn finish(&mut self, kind: &Kind) {
        self.running -= 1;
        let is_own = |busy: &Arc<str>| matches!(kind, Kind::Verify(prefix) if prefix == busy);
        if let Some(index) = self.busy.iter().position(is_own) {
            self.busy.swap_remove(index);
        }
    }
}

impl Job {
    fn prefix(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::Verify(prefix) => Some(prefix),
            Kind::Hash | Kind::Dummy => None,
        }
    }

    fn competes_with(&self, other: &Self) -> bool {
        self.kind == other.kind && self.kind != Kind::Dummy
    }
}

#[cfg(test)]
mod tests;
