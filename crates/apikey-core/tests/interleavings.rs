//! The order of lookups and changes, under many interleavings: a revoked key never comes back.
//!
//! Runs the very files that the cache rests on, with the locks of a deterministic scheduler in place of the
//! standard ones. What breaks is printed with the schedule that broke it.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use shuttle::future::{block_on, yield_now};
use shuttle::sync::atomic::{AtomicBool, AtomicU64};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

/// Stands in for the module of this name in the crate.
mod sync {
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};
}

#[path = "../src/cache/generation.rs"]
#[allow(dead_code, unreachable_pub, reason = "not all of it is of interest here")]
mod generation;

#[path = "../src/cache/joint.rs"]
#[allow(dead_code, unreachable_pub, reason = "not all of it is of interest here")]
mod joint;

#[path = "../src/cache/flight.rs"]
#[allow(dead_code, unreachable_pub, reason = "not all of it is of interest here")]
mod flight;

use flight::Flights;
use generation::{Generations, Ticket};

const KEY: u8 = 7;
const SCHEDULES: usize = 2_000;

/// A store with one key, and a cache in front of it, reduced to what races.
struct World {
    is_revoked: AtomicBool,
    cache: Mutex<HashMap<u8, bool>>,
    generations: Generations<u8, u64>,
    lookups: Flights<u8, bool, Ticket>,
    time: AtomicU64,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            is_revoked: AtomicBool::new(false),
            cache: Mutex::new(HashMap::new()),
            generations: Generations::new(2),
            lookups: Flights::new(),
            time: AtomicU64::new(0),
        })
    }

    /// A request: whether it is let in.
    fn request(self: &Arc<Self>) -> bool {
        let cached = self.cache.lock().unwrap().get(&KEY).copied();
        cached.unwrap_or_else(|| block_on(self.join()))
    }

    /// Joins the lookup that is under way, or begins one.
    fn join(self: &Arc<Self>) -> impl Future<Output = bool> {
        let begin = || {
            let ticket = self.generations.ticket();
            let world = Arc::clone(self);
            let work = async move { world.look_up(ticket).await };
            (ticket, Box::pin(work) as _)
        };
        let counts = |ticket| self.generations.is_current(&KEY, ticket);
        self.lookups.join(KEY, counts, begin)
    }

    /// Reads the row, and caches what it says.
    async fn look_up(&self, ticket: Ticket) -> bool {
        let time = self.time.load(Ordering::SeqCst);
        let is_active = !self.is_revoked.load(Ordering::SeqCst);
        // As where a store or a hasher has to be waited for, with the row in hand.
        yield_now().await;
        self.generations.fill(&KEY, ticket, time, || {
            self.cache.lock().unwrap().insert(KEY, is_active);
        });
        is_active
    }

    fn request_and_forget(self: &Arc<Self>) {
        self.request();
    }

    /// A request whose client hangs up while it waits.
    fn request_and_hang_up(self: &Arc<Self>) {
        let _ = self.join().now_or_never();
    }

    fn forget(&self) {
        self.cache.lock().unwrap().remove(&KEY);
    }

    /// A revocation through the handle, whose mark stays for `mark`.
    fn revoke(&self, mark: u64) {
        let now = self.time.load(Ordering::SeqCst);
        self.generations.begin(KEY, now, now + mark, || self.forget());
        self.is_revoked.store(true, Ordering::SeqCst);
        self.generations.end(&KEY, || self.forget());
    }

    /// Changes of other keys, more than there is room to mark.
    fn change_others(self: &Arc<Self>) {
        for other in 0..3 {
            let now = self.time.fetch_add(1, Ordering::SeqCst);
            self.generations.begin(other, now, now + 1, || ());
            self.generations.end(&other, || ());
        }
    }
}

fn beside(world: &Arc<World>, work: fn(&Arc<World>)) -> thread::JoinHandle<()> {
    let world = Arc::clone(world);
    thread::spawn(move || work(&world))
}

#[test]
fn a_request_after_a_revocation_is_refused_whatever_overlaps_it() {
    let scenario = |mark: u64| {
        move || {
            let world = World::new();
            let others = [
                beside(&world, World::request_and_forget),
                beside(&world, World::request_and_forget),
                beside(&world, World::change_others),
            ];
            world.revoke(mark);
            assert!(!world.request(), "a revoked key was let in");
            for other in others {
                other.join().unwrap();
            }
            assert!(!world.request(), "a late lookup brought a revoked key back");
        }
    };
    shuttle::check_random(scenario(0), SCHEDULES);
    shuttle::check_random(scenario(2), SCHEDULES);
    shuttle::check_pct(scenario(0), SCHEDULES, 3);
}

/// Whoever began a lookup may be gone: those who joined it drive it to its end.
#[test]
fn clients_that_hang_up_leave_nobody_waiting_and_bring_nothing_back() {
    let scenario = || {
        let world = World::new();
        let others = [
            beside(&world, World::request_and_hang_up),
            beside(&world, World::request_and_forget),
            beside(&world, World::request_and_hang_up),
        ];
        world.revoke(0);
        assert!(!world.request(), "a revoked key was let in");
        for other in others {
            other.join().unwrap();
        }
        assert!(!world.request(), "a late lookup brought a revoked key back");
    };
    shuttle::check_random(scenario, SCHEDULES);
    shuttle::check_pct(scenario, SCHEDULES, 3);
}

#[test]
fn an_invalidation_is_final_for_every_lookup_before_it() {
    let scenario = || {
        let world = World::new();
        let lookup = beside(&world, World::request_and_forget);
        world.is_revoked.store(true, Ordering::SeqCst);
        world.generations.invalidate(|| world.forget());
        assert!(!world.request());
        lookup.join().unwrap();
        assert!(!world.request());
    };
    shuttle::check_random(scenario, SCHEDULES);
}

/// The writer is cancelled after its mark; the write itself happens later, as it does where a database
/// driver has taken it over. An invalidation meanwhile, by whom it may be, does not end the mark.
#[test]
fn a_cancelled_change_that_happens_later_is_not_hidden_while_its_mark_stands() {
    let scenario = || {
        let world = World::new();
        assert!(world.request());
        world.generations.begin(KEY, 0, 5, || world.forget());
        let told = beside(&world, |world| {
            world.generations.begin(KEY, 0, 0, || world.forget());
        });
        let late = beside(&world, |world| world.is_revoked.store(true, Ordering::SeqCst));
        world.request();
        late.join().unwrap();
        told.join().unwrap();
        assert!(!world.request(), "a row that was read before the write was cached");
    };
    shuttle::check_random(scenario, SCHEDULES);
}

#[test]
fn a_request_joins_only_lookups_that_still_count() {
    let scenario = || {
        let world = World::new();
        let ticket = world.generations.ticket();
        let revoking = beside(&world, |world| world.revoke(0));
        let was_revoked = world.is_revoked.load(Ordering::SeqCst);
        let counts = world.generations.is_current(&KEY, ticket);
        assert!(!(was_revoked && counts), "a lookup from before a change was joined after it");
        revoking.join().unwrap();
        assert!(!world.generations.is_current(&KEY, ticket));
    };
    shuttle::check_random(scenario, SCHEDULES);
}
