//! Messages that wait to be sent or read: never more than a few, since one can stand for all.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Invalidation;

/// More waiting messages than these become one.
const MOST: usize = 256;

pub(super) struct Mailbox<O> {
    state: Mutex<State<O>>,
}

struct State<O> {
    waiting: VecDeque<Invalidation<O>>,
    /// How many messages are on their way out.
    outgoing: usize,
    readers: Vec<Waker>,
}

/// A message on its way out. It goes back to the front of the mailbox unless something became of it.
pub(super) struct Outgoing<'a, O: Eq> {
    mailbox: &'a Mailbox<O>,
    pub(super) message: Invalidation<O>,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Unknown,
    Sent,
    Refused,
}

impl<O: Eq> Mailbox<O> {
    pub(super) fn new() -> Self {
        let state = State { waiting: VecDeque::new(), outgoing: 0, readers: Vec::new() };
        Self { state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State<O>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message behind the others, and wakes who waits for one.
    pub(super) fn put(&self, message: Invalidation<O>) {
        let mut state = self.lock();
        if state.make_room(&message) {
            state.waiting.push_back(message);
        }
        wake_readers(state);
    }

    /// Waits for the oldest message, and takes it.
    pub(super) async fn next(&self) -> Invalidation<O> {
        poll_fn(|context| self.poll(context, |state| state.waiting.pop_front())).await
    }

    /// Waits for the oldest message, to send it.
    pub(super) async fn next_to_send(&self) -> Outgoing<'_, O> {
        let message = poll_fn(|context| self.poll(context, State::send)).await;
        Outgoing { mailbox: self, message, fate: Fate::Unknown }
    }

    /// Takes the oldest message, to send it; `None` as soon as no message waits and those that others
    /// send have been sent.
    pub(super) async fn rest_to_send(&self) -> Option<Outgoing<'_, O>> {
        let message = poll_fn(|context| self.poll(context, State::send_rest)).await?;
        Some(Outgoing { mailbox: self, message, fate: Fate::Unknown })
    }

    /// How many messages have to be sent, or are being sent.
    pub(super) fn unsent(&self) -> usize {
        let state = self.lock();
        state.waiting.len() + state.outgoing
    }

    /// Takes something, or has the task woken at the next change.
    fn poll<T>(
        &self,
        context: &Context<'_>,
        take: impl FnOnce(&mut State<O>) -> Option<T>,
    ) -> Poll<T> {
        let mut state = self.lock();
        if let Some(taken) = take(&mut state) {
            return Poll::Ready(taken);
        }
        let waker = context.waker();
        if !state.readers.iter().any(|reader| reader.will_wake(waker)) {
            state.readers.push(waker.clone());
        }
        Poll::Pending
    }
}

impl<O: Eq> State<O> {
    fn send(&mut self) -> Option<Invalidation<O>> {
        let message = self.waiting.pop_front()?;
        self.outgoing += 1;
        Some(message)
    }

    /// `None` while others are sending; then whether there is one.
    fn send_rest(&mut self) -> Option<Option<Invalidation<O>>> {
        let message = self.send();
        (message.is_some() || self.outgoing == 0).then_some(message)
    }

    /// Whether the message still has to be added, now that there is room for it.
    fn make_room(&mut self, message: &Invalidation<O>) -> bool {
        let says_all = self.waiting.contains(&Invalidation::All);
        if says_all || self.waiting.contains(message) {
            return false;
        }
        if *message == Invalidation::All {
            self.waiting.clear();
        } else if self.waiting.len() >= MOST {
            self.waiting.clear();
            self.waiting.push_back(Invalidation::All);
            return false;
        }
        true
    }
}

/// Wakes all who wait, outside of the lock.
fn wake_readers<O>(mut state: MutexGuard<'_, State<O>>) {
    let readers = std::mem::take(&mut state.readers);
    drop(state);
    readers.into_iter().for_each(Waker::wake);
}

impl<O: Eq> Outgoing<'_, O> {
    pub(super) fn sent(mut self) {
        self.fate = Fate::Sent;
    }

    /// Puts it behind the others, which may be accepted.
    pub(super) fn refused(mut self) {
        self.fate = Fate::Refused;
    }
}

impl<O: Eq> Drop for Outgoing<'_, O> {
    fn drop(&mut self) {
        let message = std::mem::replace(&mut self.message, Invalidation::All);
        let mut state = self.mailbox.lock();
        state.outgoing -= 1;
        if self.fate != Fate::Sent && state.make_room(&message) {
            match self.fate {
                Fate::Refused => state.waiting.push_back(message),
                _ => state.waiting.push_front(message),
            }
        }
        wake_readers(state);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use futures::FutureExt;

    use super::*;

    fn prefix(number: usize) -> Invalidation<i32> {
        Invalidation::Prefix(number.to_string())
    }

    fn drain(mailbox: &Mailbox<i32>) -> Vec<Invalidation<i32>> {
        std::iter::from_fn(|| mailbox.next().now_or_never()).collect()
    }

    #[test]
    fn keeps_the_order_and_no_message_twice() {
        let mailbox = Mailbox::new();
        for message in [prefix(1), Invalidation::Owner(7), prefix(2), prefix(1)] {
            mailbox.put(message);
        }
        assert_eq!(drain(&mailbox), [prefix(1), Invalidation::Owner(7), prefix(2)]);
    }

    #[test]
    fn one_message_for_all_replaces_too_many() {
        let mailbox = Mailbox::new();
        (0..=MOST).for_each(|number| mailbox.put(prefix(number)));
        mailbox.put(prefix(1));
        assert_eq!(drain(&mailbox), [Invalidation::All]);
        mailbox.put(prefix(1));
        mailbox.put(Invalidation::All);
        assert_eq!(drain(&mailbox), [Invalidation::All]);
    }

    #[test]
    fn a_message_that_was_not_sent_stays_the_first() {
        let mailbox = Mailbox::new();
        mailbox.put(prefix(1));
        mailbox.put(prefix(2));
        drop(mailbox.next_to_send().now_or_never().unwrap());
        assert_eq!(drain(&mailbox), [prefix(1), prefix(2)]);
    }

    #[test]
    fn a_message_that_was_refused_becomes_the_last() {
        let mailbox = Mailbox::new();
        mailbox.put(prefix(1));
        mailbox.put(prefix(2));
        assert_eq!(mailbox.unsent(), 2);
        let refused = mailbox.next_to_send().now_or_never().unwrap();
        assert_eq!(mailbox.unsent(), 2);
        refused.refused();
        assert_eq!(drain(&mailbox), [prefix(2), prefix(1)]);
    }

    #[test]
    fn a_change_during_the_sending_of_the_same_prefix_is_sent_again() {
        let mailbox = Mailbox::new();
        mailbox.put(prefix(1));
        let sending = mailbox.next_to_send().now_or_never().unwrap();
        mailbox.put(prefix(1));
        sending.sent();
        assert_eq!(drain(&mailbox), [prefix(1)]);
    }

    #[test]
    fn the_rest_includes_what_another_could_not_send() {
        let mailbox = Mailbox::new();
        mailbox.put(prefix(1));
        let elsewhere = mailbox.next_to_send().now_or_never().unwrap();
        let mut rest = Box::pin(mailbox.rest_to_send());
        assert!(rest.as_mut().now_or_never().is_none());
        drop(elsewhere);
        let sending = rest.now_or_never().flatten().unwrap();
        assert_eq!(sending.message, prefix(1));
        sending.sent();
        assert!(matches!(mailbox.rest_to_send().now_or_never(), Some(None)));
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn wakes_who_waits() {
        let (mailbox, woken) = (Mailbox::new(), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let mut waiting = Box::pin(mailbox.next());
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(!woken.0.load(Ordering::SeqCst));
        mailbox.put(prefix(1));
        assert!(woken.0.load(Ordering::SeqCst));
        assert_eq!(waiting.now_or_never(), Some(prefix(1)));
    }
}
