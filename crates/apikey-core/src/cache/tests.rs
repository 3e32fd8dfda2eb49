//! What piles up in flights, and marks of one prefix upon each other. Not in the files they test, which another
//! test runs under a scheduler.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt;

use crate::cache::flight::Flights;
use crate::cache::generation::Generations;
use crate::cache::joint::Joint;

/// As many as are kept without a look at which have ended.
const FEW: usize = 256;

type Numbers = Flights<usize, usize>;

fn join(flights: &Numbers, key: usize) -> Joint<usize> {
    flights.join(key, |()| true, || ((), Box::pin(async move { key })))
}

/// What is kept, whether it has ended or not.
fn entries(flights: &Numbers) -> usize {
    let shown = format!("{flights:?}");
    shown.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

#[test]
fn what_has_ended_or_was_given_up_does_not_pile_up() {
    for ends in [true, false] {
        let flights = Numbers::new();
        for key in 0..100 * FEW {
            let work = join(&flights, key);
            if ends {
                assert_eq!(work.now_or_never(), Some(key));
            }
        }
        // A map that has seen removals may grow once more before it is full.
        assert!(entries(&flights) <= 4 * FEW, "{} entries", entries(&flights));
    }
}

#[test]
fn what_is_under_way_is_kept_however_much_ends_beside_it() {
    let flights = Numbers::new();
    let pending: Vec<_> = (0..FEW).map(|key| join(&flights, key)).collect();
    for key in FEW..100 * FEW {
        drop(join(&flights, key));
    }
    for (key, work) in pending.iter().enumerate() {
        assert!(join(&flights, key).is_with(work), "{key} was begun a second time");
    }
    assert!(entries(&flights) <= 4 * FEW, "{} entries", entries(&flights));
}

fn is_cached(generations: &Generations<u8, u64>, prefix: u8, time: u64) -> bool {
    let (ticket, mut is_cached) = (generations.ticket(), false);
    generations.fill(&prefix, ticket, time, || is_cached = true);
    is_cached
}

#[test]
fn a_second_change_of_a_marked_prefix_needs_no_more_room() {
    let generations = Generations::new(2);
    generations.begin(1, 0, 10, || ());
    generations.begin(2, 0, 10, || ());
    // Were there no room, nothing at all could be cached for a while.
    for _ in 0..10 {
        generations.begin(1, 0, 10, || ());
    }
    assert!(is_cached(&generations, 3, 0));
    assert!(!is_cached(&generations, 1, 9) && !is_cached(&generations, 2, 9));
    assert!(is_cached(&generations, 1, 10) && is_cached(&generations, 2, 10));
}

#[test]
fn a_second_change_shortens_no_mark_and_voids_what_began_between() {
    let generations = Generations::new(2);
    generations.begin(1, 0, 10, || ());
    let between = generations.ticket();
    generations.begin(1, 0, 5, || ());
    assert!(!generations.is_current(&1, between));
    assert!(!is_cached(&generations, 1, 9), "the first change may still happen");
    generations.begin(1, 0, 20, || ());
    assert!(!is_cached(&generations, 1, 19));
    assert!(is_cached(&generations, 1, 20));
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The work is woken while the first polls it; the second joins just then, and the first hangs up.
#[test]
fn who_joins_while_the_work_is_woken_is_woken_though_the_first_hangs_up() {
    let flights = Arc::new(Numbers::new());
    let [first, second] = [(); 2].map(|()| Arc::<Woken>::default());
    let joined = Arc::new(Mutex::new(None));
    let begin = {
        let (flights, second, joined) =
            (Arc::clone(&flights), Waker::from(Arc::clone(&second)), Arc::clone(&joined));
        let mut is_begun = false;
        let work = poll_fn(move |context| {
            if std::mem::replace(&mut is_begun, true) {
                return Poll::Ready(7_usize);
            }
            context.waker().wake_by_ref();
            let mut other = join(&flights, 0);
            assert!(other.poll_unpin(&mut Context::from_waker(&second)).is_pending());
            *joined.lock().unwrap() = Some(other);
            Poll::Pending
        });
        || ((), Box::pin(work) as _)
    };
    let mut leader = flights.join(0, |()| true, begin);
    let waker = Waker::from(Arc::clone(&first));
    assert!(leader.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    drop(leader);
    assert!(second.0.load(Ordering::SeqCst) > 0, "nobody would ever answer it");
    let other = joined.lock().unwrap().take().unwrap();
    assert_eq!(other.now_or_never(), Some(7));
}
