//! A piece of work that several wait for: whoever is polled drives it.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use crate::sync::{Mutex, MutexGuard};

/// What is done once for all who wait for it.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One of those who wait for a piece of work. The clones of what comes out are theirs; the work is dropped with
/// the last of them.
///
/// No wake is lost, whoever is dropped and whenever: each wake of the work goes to all who wait, and one
/// that comes while the work is polled goes to those, too, who joined during that poll. (`futures::future::Shared` tells
/// it to those before: rust-lang/futures-rs#2706.)
///
/// # Panics
/// If polling the work panicked, for whoever polled it and for all others. So the work answers its panics itself.
pub(crate) struct Joint<T> {
    work: Arc<Shared<T>>,
    number: u64,
}

/// Finds the work for as long as somebody waits for it.
pub(crate) struct WeakJoint<T>(Weak<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    /// Apart from the work, which holds it as its waker: it must not hold the work.
    bell: Arc<Bell>,
}

enum State<T> {
    Idle(Work<T>),
    /// Somebody has taken the work to poll it.
    Polled,
    Done(T),
    Panicked,
}

/// Wakes all who wait.
struct Bell(Mutex<Ring>);

struct Ring {
    /// Whether the work was woken since it was polled last, or never was polled.
    is_due: bool,
    wakers: HashMap<u64, Waker>,
    last_number: u64,
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Joint<T> {
    pub(crate) fn new(work: Work<T>) -> Self {
        let ring = Ring { is_due: true, wakers: HashMap::new(), last_number: 0 };
        let bell = Arc::new(Bell(Mutex::new(ring)));
        Self::of(Arc::new(Shared { state: Mutex::new(State::Idle(work)), bell }))
    }

    fn of(work: Arc<Shared<T>>) -> Self {
        let mut ring = lock(&work.bell.0);
        ring.last_number += 1;
        let number = ring.last_number;
        drop(ring);
        Self { work, number }
    }

    /// Returns what finds the work again without keeping it.
    pub(crate) fn downgrade(&self) -> WeakJoint<T> {
        WeakJoint(Arc::downgrade(&self.work))
    }

    /// Whether both wait for the same.
    #[cfg(test)]
    pub(crate) fn is_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.work, &other.work)
    }
}

impl<T> WeakJoint<T> {
    /// Joins those who wait, unless the work has ended or nobody is left.
    pub(crate) fn join(&self) -> Option<Joint<T>> {
        self.under_way().map(Joint::of)
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way().is_some()
    }

    fn under_way(&self) -> Option<Arc<Shared<T>>> {
        let work = self.0.upgrade()?;
        let is_under_way = matches!(*lock(&work.state), State::Idle(_) | State::Polled);
        is_under_way.then_some(work)
    }
}

impl<T: Clone> Future for Joint<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Shared { state, bell } = &*self.work;
        // Before the state is looked at: whoever changes it rings afterwards.
        bell.register(self.number, context.waker());
        let mut work = {
            let mut state = lock(state);
            match &*state {
                State::Done(value) => return Poll::Ready(value.clone()),
                State::Panicked => {
                    drop(state);
                    resume_unwind(Box::new("the work that was waited for panicked"));
                }
                State::Polled => return Poll::Pending,
                State::Idle(_) if !bell.take_due() => return Poll::Pending,
                State::Idle(_) => {}
            }
            match std::mem::replace(&mut *state, State::Polled) {
                State::Idle(work) => work,
                other => {
                    *state = other;
                    return Poll::Pending;
                }
            }
        };
        let waker = Waker::from(Arc::clone(bell));
        let mut context = Context::from_waker(&waker);
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(&mut context)));
        self.work.settle(work, polled)
    }
}

impl<T: Clone> Shared<T> {
    /// Puts the work back, or what came out of it, and tells the others.
    fn settle(&self, work: Work<T>, polled: std::thread::Result<Poll<T>>) -> Poll<T> {
        let (next, answer) = match polled {
            Ok(Poll::Ready(value)) => (State::Done(value.clone()), Ok(Poll::Ready(value))),
            Ok(Poll::Pending) => {
                *lock(&self.state) = State::Idle(work);
                // Some may have joined after that wake, found the work taken, and wait for it.
                if self.bell.is_due() {
                    self.bell.ring();
                }
                return Poll::Pending;
            }
            Err(panic) => (State::Panicked, Err(panic)),
        };
        *lock(&self.state) = next;
        self.bell.ring();
        // Last, and not under the lock: what it drops is not ours.
        drop(work);
        answer.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl<T> Drop for Joint<T> {
    fn drop(&mut self) {
        let waker = lock(&self.work.bell.0).wakers.remove(&self.number);
        // Not under the lock.
        drop(waker);
    }
}

impl Bell {
    fn register(&self, number: u64, waker: &Waker) {
        let replaced = lock(&self.0).wakers.insert(number, waker.clone());
        drop(replaced);
    }

    fn is_due(&self) -> bool {
        lock(&self.0).is_due
    }

    /// Takes the wake, to poll for it.
    fn take_due(&self) -> bool {
        std::mem::take(&mut lock(&self.0).is_due)
    }

    /// Wakes all who wait; they register again when they are polled.
    fn ring(&self) {
        let wakers = std::mem::take(&mut lock(&self.0).wakers);
        for waker in wakers.into_values() {
            // One that panics is somebody else's, and costs nobody his wake.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        lock(&self.0).is_due = true;
        self.ring();
    }
}

impl<T> fmt::Debug for Joint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joint").field("number", &self.number).finish_non_exhaustive()
    }
}
