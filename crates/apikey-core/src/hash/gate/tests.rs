//! What the gate promises.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Wake, Waker};

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::join_all;

use super::*;

fn gate(threads: usize, queue: usize) -> Gate {
    let limits = HashingThreads::default()
        .max_concurrent(NonZeroUsize::new(threads).unwrap())
        .queue_length(NonZeroUsize::new(queue).unwrap());
    Gate::new(limits)
}

/// Work that runs until it is told to end, and says when it has begun.
fn held() -> (impl FnOnce() + Send, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (begun, has_begun) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    let work = move || {
        begun.send(()).unwrap();
        let _ = may_end.recv();
    };
    (work, has_begun, end)
}

#[test]
fn runs_on_named_threads_and_answers() {
    let name = block_on(gate(2, 4).run(None, || thread::current().name().map(str::to_owned)));
    assert!(name.unwrap().unwrap().starts_with("apikey-hash-"));
}

#[test]
fn runs_no_more_than_allowed_at_once() {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let gate = gate(3, 64);
    let work = || {
        MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::yield_now();
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    };
    let all = block_on(join_all((0..60).map(|number| {
        let (gate, prefix) = (&gate, number.to_string());
        async move { gate.run(Some(&prefix), work).await }
    })));
    assert!(all.iter().all(Result::is_ok));
    assert!(MOST.load(Ordering::SeqCst) <= 3);
}

#[test]
fn never_verifies_one_prefix_twice_at_a_time() {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    let gate = gate(4, 64);
    let work = || {
        let beside = RUNNING.fetch_add(1, Ordering::SeqCst);
        thread::yield_now();
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        beside
    };
    let all = block_on(join_all((0..16).map(|_| gate.run(Some("prefix"), work))));
    assert!(all.into_iter().all(|beside| beside.unwrap() == 0));
}

#[test]
fn a_waiting_prefix_does_not_hold_up_others() {
    let gate = gate(2, 8);
    let (work, has_begun, end) = held();
    let mut first = Box::pin(gate.run(Some("busy"), work));
    assert!(first.as_mut().now_or_never().is_none());
    has_begun.recv().unwrap();
    let mut second = Box::pin(gate.run(Some("busy"), || ()));
    assert!(second.as_mut().now_or_never().is_none());
    assert_eq!(block_on(gate.run(Some("other"), || 7)).unwrap(), 7);
    drop(end);
    block_on(first).unwrap();
    block_on(second).unwrap();
}

#[test]
fn refuses_work_when_the_queue_is_full() {
    let gate = gate(1, 2);
    let (work, has_begun, end) = held();
    let mut running = Box::pin(gate.run(None, work));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.recv().unwrap();
    let mut waiting: Vec<_> =
        ["a", "b"].map(|prefix| Box::pin(gate.run(Some(prefix), || ()))).into();
    assert!(waiting.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));
    for prefix in [None, Some("c")] {
        assert!(matches!(block_on(gate.run(prefix, || ())), Err(HashError::QueueFull)));
    }
    drop(end);
    block_on(join_all(waiting));
}

#[test]
fn one_prefix_takes_no_more_than_a_quarter_of_the_queue() {
    let gate = gate(1, 8);
    let (work, has_begun, _end) = held();
    let mut running = Box::pin(gate.run(Some("busy"), work));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.recv().unwrap();
    let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(gate.run(Some("busy"), || ()))).collect();
    assert!(waiting.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));
    assert!(matches!(block_on(gate.run(Some("busy"), || ())), Err(HashError::QueueFull)));
    assert!(gate.run(Some("other"), || ()).now_or_never().is_none());
}

#[test]
fn all_hashing_takes_no_more_than_a_quarter_of_the_queue_and_turns_of_its_own() {
    let gate = gate(1, 8);
    let (work, has_begun, end) = held();
    let mut running = Box::pin(gate.run(None, work));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.recv().unwrap();
    let done = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let done = Arc::clone(&done);
        move || done.lock().unwrap().push(name)
    };
    let mut calls: Vec<_> = (0..2).map(|_| Box::pin(gate.run(None, note("hash")))).collect();
    assert!(calls.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));
    assert!(matches!(block_on(gate.run(None, || ())), Err(HashError::QueueFull)));
    let mut verify = Box::pin(gate.run(Some("good"), note("verify")));
    assert!(verify.as_mut().now_or_never().is_none());
    drop(end);
    assert!(block_on(join_all(calls)).iter().all(Result::is_ok));
    block_on(verify).unwrap();
    assert_eq!(*done.lock().unwrap(), ["hash", "verify", "hash"]);
}

#[test]
fn a_flooded_prefix_does_not_go_before_others() {
    let gate = gate(1, 16);
    let (work, has_begun, end) = held();
    let mut running = Box::pin(gate.run(None, work));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.recv().unwrap();
    let done = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let done = Arc::clone(&done);
        move || done.lock().unwrap().push(name)
    };
    let prefixes = ["a", "a", "a", "a", "b", "b", "b", "good"];
    let mut calls: Vec<_> =
        prefixes.map(|prefix| Box::pin(gate.run(Some(prefix), note(prefix)))).into();
    assert!(calls.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));
    drop(end);
    assert!(block_on(join_all(calls)).iter().all(Result::is_ok));
    assert_eq!(*done.lock().unwrap(), ["a", "b", "good", "a", "b", "a", "b", "a"]);
}

#[test]
fn an_abandoned_call_gives_back_its_place() {
    let gate = gate(1, 1);
    let (work, has_begun, end) = held();
    let mut running = Box::pin(gate.run(None, work));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.recv().unwrap();
    assert!(gate.run(None, || panic!("abandoned work must not run")).now_or_never().is_none());
    let mut next = Box::pin(gate.run(None, || 7));
    assert!(next.as_mut().now_or_never().is_none());
    drop(end);
    assert_eq!(block_on(next).unwrap(), 7);
}

#[test]
fn an_abandoned_call_gives_back_its_place_among_those_of_its_prefix() {
    let gate = gate(1, 8);
    let (work, has_begun, end) = held();
    let mut running = Box::pin(gate.run(Some("busy"), work));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.recv().unwrap();
    for _ in 0..2 {
        let abandoned = gate.run(Some("busy"), || panic!("abandoned work must not run"));
        assert!(abandoned.now_or_never().is_none());
    }
    let mut next = Box::pin(gate.run(Some("busy"), || 7));
    assert!(next.as_mut().now_or_never().is_none(), "the queue has room for eight");
    drop(end);
    assert_eq!(block_on(next).unwrap(), 7);
}

#[test]
fn flooded_prefixes_give_up_a_place_to_another_one() {
    let gate = gate(1, 8);
    let (work, has_begun, end) = held();
    let mut running = Box::pin(gate.run(None, work));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.recv().unwrap();
    let flood = ["a", "a", "b", "b", "c", "c", "d", "d"];
    let mut flood: Vec<_> = flood.map(|prefix| Box::pin(gate.run(Some(prefix), || 1))).into();
    assert!(flood.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));

    let mut good = Box::pin(gate.run(Some("good"), || 7));
    assert!(good.as_mut().now_or_never().is_none(), "it has a place");
    let mut create = Box::pin(gate.run(None, || 8));
    assert!(create.as_mut().now_or_never().is_none(), "and so has work without a prefix");
    assert!(matches!(block_on(gate.run(Some("a"), || ())), Err(HashError::QueueFull)));
    let refused = flood.iter_mut().filter_map(|call| call.as_mut().now_or_never());
    assert_eq!(refused.filter(|answer| matches!(answer, Err(HashError::QueueFull))).count(), 2);
    drop(end);
    assert_eq!((block_on(good).unwrap(), block_on(create).unwrap()), (7, 8));
}

#[test]
fn dummy_work_needs_a_free_thread() {
    static RAN: AtomicUsize = AtomicUsize::new(0);
    let dummy = || {
        RAN.fetch_add(1, Ordering::SeqCst);
    };
    let gate = gate(1, 8);
    block_on(gate.run_if_idle(dummy));
    assert_eq!(RAN.load(Ordering::SeqCst), 1);
    let (work, has_begun, _end) = held();
    let mut running = Box::pin(gate.run(None, work));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.recv().unwrap();
    assert_eq!(gate.run_if_idle(dummy).now_or_never(), Some(()));
    assert_eq!(RAN.load(Ordering::SeqCst), 1);
}

#[test]
fn dummy_work_leaves_half_of_the_threads() {
    let gate = gate(4, 8);
    let (mut calls, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (work, has_begun, end) = held();
        let mut call = Box::pin(gate.run_if_idle(work));
        assert!(call.as_mut().now_or_never().is_none());
        has_begun.recv().unwrap();
        calls.push(call);
        ends.push(end);
    }
    let refused = gate.run_if_idle(|| panic!("a third dummy must not run"));
    assert_eq!(refused.now_or_never(), Some(()));
    let real = join_all(["a", "b", "c", "d"].map(|prefix| gate.run(Some(prefix), || ())));
    assert!(block_on(real).into_iter().all(|result| result.is_ok()));
    drop(ends);
    block_on(join_all(calls));
}

#[test]
fn dummy_work_leaves_half_of_the_queue() {
    let gate = gate(8, 2);
    let (work, has_begun, _end) = held();
    let mut running = Box::pin(gate.run(Some("busy"), work));
    assert!(running.as_mut().now_or_never().is_none());
    has_begun.recv().unwrap();
    let mut waiting = Box::pin(gate.run(Some("busy"), || ()));
    assert!(waiting.as_mut().now_or_never().is_none());
    let refused = gate.run_if_idle(|| panic!("dummy work must not fill the queue"));
    assert_eq!(refused.now_or_never(), Some(()));
}

#[test]
fn half_is_never_none() {
    let halves = [1, 2, 3, 4, 64].map(|number| half(NonZeroUsize::new(number).unwrap()).get());
    assert_eq!(halves, [1, 1, 2, 2, 32]);
}

/// Looks at the gate when it is woken, and panics then if it is told to.
struct Caller {
    shared: Arc<Shared>,
    seen: Mutex<Option<(usize, usize)>>,
    panics: bool,
}

impl Wake for Caller {
    fn wake(self: Arc<Self>) {
        let state = self.shared.lock();
        *self.seen.lock().unwrap() = Some((state.running, state.busy.len()));
        drop(state);
        assert!(!self.panics, "a caller panics when it is woken");
    }
}

/// Has work done for a caller, and returns how much was running by the gate's account when it was woken.
fn seen_by_the_caller(gate: &Gate, panics: bool) -> Option<(usize, usize)> {
    let caller =
        Arc::new(Caller { shared: Arc::clone(&gate.shared), seen: Mutex::default(), panics });
    let (work, has_begun, end) = held();
    let mut call = Box::pin(gate.run(Some("prefix"), work));
    let waker = Waker::from(Arc::clone(&caller));
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    has_begun.recv().unwrap();
    drop(end);
    // The only thread is through with the answer when it does something else.
    block_on(gate.run(None, || ())).unwrap();
    assert!(call.now_or_never().is_some_and(|answer| answer.is_ok()));
    *caller.seen.lock().unwrap()
}

#[test]
fn whoever_hears_the_answer_finds_the_place_free() {
    assert_eq!(seen_by_the_caller(&gate(1, 8), false), Some((0, 0)));
}

#[test]
fn a_caller_that_panics_costs_no_thread() {
    let gate = gate(1, 8);
    for _ in 0..3 {
        assert!(seen_by_the_caller(&gate, true).is_some());
    }
    assert_eq!(block_on(gate.run(None, || 7)).unwrap(), 7);
}

#[test]
fn a_panicking_hasher_is_an_error_and_costs_no_thread() {
    let gate = gate(1, 4);
    let panicked = block_on(gate.run(None, || -> u8 { panic!("a hasher panicked") }));
    assert!(matches!(panicked, Err(HashError::Failed(_))));
    assert_eq!(block_on(gate.run(None, || 7)).unwrap(), 7);
}

#[test]
fn its_threads_end_with_it() {
    let gate = gate(2, 4);
    block_on(gate.run(None, || ())).unwrap();
    let shared = Arc::downgrade(&gate.shared);
    drop(gate);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while shared.strong_count() > 0 {
        assert!(std::time::Instant::now() < deadline, "a thread outlived its gate");
        thread::yield_now();
    }
}
