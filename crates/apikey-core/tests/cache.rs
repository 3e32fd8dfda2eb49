//! The cache of verified keys: what it saves, and what it never hides.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use apikey_conformance::{Held, Operation, SpyStore};
use apikey_core::{
    ApiKeys, AuthError, Cache, Clock, CreatedKey, DenyReason, Invalidation, InvalidationBus,
    KeyRecord, KeyUpdate, LocalBus, ManualClock, NewKey, Timestamp, Verified,
};
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::join_all;

const TTL: Duration = Duration::from_secs(5);

struct Fixture {
    keys: ApiKeys,
    /// Another process on the same store.
    elsewhere: ApiKeys,
    store: Arc<SpyStore>,
    clock: ManualClock,
    bus: LocalBus,
    created: CreatedKey<KeyRecord>,
}

fn fixture() -> Fixture {
    let (store, clock) = (Arc::<SpyStore>::default(), ManualClock::default());
    let bus = LocalBus::new();
    let keys = ApiKeys::builder(Arc::clone(&store))
        .cache(Cache::new().time_to_live(TTL))
        .invalidation_bus(bus.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    let elsewhere = ApiKeys::builder(Arc::clone(&store)).clock(clock.clone()).build().unwrap();
    let created = block_on(keys.create(NewKey::new("k").expires_in(12 * TTL))).unwrap();
    Fixture { keys, elsewhere, store, clock, bus, created }
}

impl Fixture {
    fn text(&self) -> &str {
        self.created.plaintext.expose()
    }

    fn prefix(&self) -> &str {
        &self.created.key.prefix
    }

    fn verify(&self) -> Result<Verified<KeyRecord>, AuthError> {
        block_on(self.keys.verify(self.text()))
    }

    fn reason(&self) -> Option<DenyReason> {
        self.verify().err().map(|error| error.reason())
    }

    /// Holds the next lookup with its row in hand.
    fn hold_lookup(&self) -> Held {
        self.store.hold(Operation::FindByPrefix, 1)
    }

    fn lookups(&self) -> usize {
        self.store.begun(Operation::FindByPrefix)
    }
}

#[test]
fn a_hit_asks_neither_the_store_nor_the_allocator() {
    let f = fixture();
    assert!(f.verify().is_ok());
    let cost = allocation_counter::measure(|| {
        let hit = f.keys.verify(f.text()).now_or_never();
        assert!(hit.is_some_and(|hit| hit.is_ok()));
    });
    assert_eq!((f.lookups(), cost.count_total), (1, 0));
}

#[test]
fn an_entry_lives_for_its_time_and_no_longer() {
    let f = fixture();
    assert!(f.verify().is_ok());
    f.clock.advance(TTL - Duration::from_micros(1));
    assert!(f.verify().is_ok());
    assert_eq!(f.lookups(), 1);
    f.clock.advance(Duration::from_micros(1));
    assert!(f.verify().is_ok());
    assert_eq!(f.lookups(), 2);
}

/// A clock that stands, until it is set back by some seconds.
#[derive(Debug, Clone, Default)]
struct SetBack(ManualClock, Arc<AtomicUsize>);

impl Clock for SetBack {
    fn now(&self) -> Timestamp {
        self.0.now() - Duration::from_secs(self.1.load(Ordering::SeqCst) as u64)
    }
}

#[test]
fn a_clock_that_is_set_back_makes_no_entry_live_longer() {
    for seconds in [1, 3600] {
        let (store, clock) = (Arc::<SpyStore>::default(), SetBack::default());
        let cache = Cache::new().time_to_live(TTL);
        let keys =
            ApiKeys::builder(Arc::clone(&store)).cache(cache).clock(clock.clone()).build().unwrap();
        let created = block_on(keys.create("ci")).unwrap();
        let text = created.plaintext.expose();
        assert!(block_on(keys.verify(text)).is_ok());
        clock.0.advance(TTL / 2);
        assert!(block_on(keys.verify(text)).is_ok());
        assert_eq!(store.begun(Operation::FindByPrefix), 1);
        clock.1.store(seconds, Ordering::SeqCst);
        assert!(block_on(keys.verify(text)).is_ok());
        assert_eq!(store.begun(Operation::FindByPrefix), 2, "set back by {seconds} s");
    }
}

#[test]
fn a_cancelled_change_counts_from_when_it_was_given_up() {
    let f = fixture();
    let held = f.store.hold(Operation::Update, 1);
    let mut revoking = Box::pin(f.keys.revoke(f.prefix()));
    assert!((&mut revoking).now_or_never().is_none());
    f.clock.advance(TTL);
    drop((revoking, held));
    assert!(f.verify().is_ok());
    block_on(f.elsewhere.revoke(f.prefix())).unwrap();
    assert_eq!(f.reason(), Some(DenyReason::Revoked), "it was not cached");
}

#[test]
fn expiry_is_judged_on_every_request() {
    let f = fixture();
    f.clock.advance(11 * TTL + Duration::from_secs(1));
    assert!(f.verify().is_ok());
    f.clock.advance(TTL - Duration::from_secs(1));
    assert_eq!(f.reason(), Some(DenyReason::Expired));
}

#[test]
fn another_secret_never_meets_the_entry() {
    let f = fixture();
    assert!(f.verify().is_ok());
    let end = if f.text().ends_with('A') { "B" } else { "A" };
    let wrong = format!("{}{end}", &f.text()[..f.text().len() - 1]);
    let refused = block_on(f.keys.verify(&wrong)).unwrap_err();
    assert_eq!((refused.reason(), f.lookups()), (DenyReason::WrongSecret, 2));
    block_on(f.keys.verify(&wrong)).unwrap_err();
    assert_eq!(f.lookups(), 3, "only proven keys get in");
}

#[test]
fn the_next_request_sees_every_change_through_the_handle() {
    type Change = fn(&Fixture) -> Option<DenyReason>;
    let changes: [Change; 4] = [
        |f| block_on(f.keys.revoke(f.prefix())).map(|_| Some(DenyReason::Revoked)).unwrap(),
        |f| block_on(f.keys.disable(f.prefix())).map(|_| Some(DenyReason::Disabled)).unwrap(),
        |f| {
            let rotated = block_on(f.keys.clone().rotate(f.prefix(), Duration::ZERO));
            rotated.map(|_| Some(DenyReason::Expired)).unwrap()
        },
        |f| {
            block_on(f.keys.update(f.prefix(), KeyUpdate::new().name("new"))).map(|_| None).unwrap()
        },
    ];
    for change in changes {
        let f = fixture();
        assert!(f.verify().is_ok());
        let expected = change(&f);
        assert_eq!(f.reason(), expected);
        if expected.is_none() {
            assert_eq!(f.verify().unwrap().name, "new");
        }
    }
}

#[test]
fn a_change_elsewhere_is_seen_in_time_or_when_told() {
    let f = fixture();
    assert!(f.verify().is_ok());
    block_on(f.elsewhere.revoke(f.prefix())).unwrap();
    assert!(f.verify().is_ok());
    f.clock.advance(TTL);
    assert_eq!(f.reason(), Some(DenyReason::Revoked));
    type Tell = fn(&Fixture);
    let tellings: [Tell; 2] = [|f| f.keys.invalidate(f.prefix()), |f| f.keys.invalidate_all()];
    for tell in tellings {
        let f = fixture();
        assert!(f.verify().is_ok());
        block_on(f.elsewhere.revoke(f.prefix())).unwrap();
        tell(&f);
        assert_eq!(f.reason(), Some(DenyReason::Revoked));
    }
}

#[test]
fn a_late_fill_never_brings_a_revoked_key_back() {
    type Change = fn(&Fixture);
    let changes: [Change; 3] = [
        |f| drop(block_on(f.keys.revoke(f.prefix())).unwrap()),
        |f| {
            block_on(f.elsewhere.revoke(f.prefix())).unwrap();
            f.keys.invalidate(f.prefix());
        },
        |f| {
            block_on(f.elsewhere.revoke(f.prefix())).unwrap();
            f.keys.invalidate_all();
        },
    ];
    for change in changes {
        let f = fixture();
        let held = f.hold_lookup();
        let mut late = f.keys.verify(f.text());
        assert!((&mut late).now_or_never().is_none(), "the row is read, and held");
        change(&f);
        drop(held);
        let _ = block_on(late);
        assert_eq!(f.reason(), Some(DenyReason::Revoked));
    }
}

#[test]
fn a_request_joins_no_lookup_from_before_a_change() {
    let f = fixture();
    let _held = f.hold_lookup();
    let mut before = f.keys.verify(f.text());
    assert!((&mut before).now_or_never().is_none());
    block_on(f.keys.revoke(f.prefix())).unwrap();
    assert_eq!(f.reason(), Some(DenyReason::Revoked));
}

#[test]
fn a_message_of_the_bus_voids_what_is_being_looked_up() {
    let f = fixture();
    let mut listening = Box::pin(f.keys.maintain());
    assert!((&mut listening).now_or_never().is_none());
    let held = f.hold_lookup();
    let mut late = f.keys.verify(f.text());
    assert!((&mut late).now_or_never().is_none(), "the row is read, and held");
    block_on(f.elsewhere.revoke(f.prefix())).unwrap();
    let message = Invalidation::Prefix(f.prefix().to_owned());
    block_on(f.bus.publish(&message)).unwrap();
    assert!((&mut listening).now_or_never().is_none());
    drop(held);
    assert!(block_on(late).is_ok(), "the row was read before the change");
    assert_eq!(f.reason(), Some(DenyReason::Revoked));
}

/// Begins to revoke, and hangs up before the store has written.
fn cancel_a_revocation(f: &Fixture) {
    let _held = f.store.hold(Operation::Update, 1);
    let mut revoking = Box::pin(f.keys.revoke(f.prefix()));
    assert!((&mut revoking).now_or_never().is_none());
}

#[test]
fn a_cancelled_change_keeps_the_key_out_of_the_cache() {
    type Meanwhile = fn(&Fixture);
    let whiles: [Meanwhile; 3] =
        [|_| (), |f| f.keys.invalidate(f.prefix()), |f| f.keys.invalidate_all()];
    for meanwhile in whiles {
        let f = fixture();
        assert!(f.verify().is_ok());
        cancel_a_revocation(&f);
        meanwhile(&f);
        assert!(f.verify().is_ok());
        block_on(f.elsewhere.revoke(f.prefix())).unwrap();
        assert_eq!(f.reason(), Some(DenyReason::Revoked), "the write happened late, and is seen");
    }
}

#[test]
fn a_cancelled_change_is_told_to_others() {
    let f = fixture();
    let mut feed = block_on(f.bus.subscribe()).unwrap();
    cancel_a_revocation(&f);
    block_on(f.keys.flush()).unwrap();
    let heard = feed.next().now_or_never().unwrap().unwrap();
    assert_eq!(heard, Invalidation::Prefix(f.prefix().to_owned()));
}

#[test]
fn many_who_ask_at_once_share_one_lookup_that_survives_the_first() {
    let f = fixture();
    let held = f.hold_lookup();
    let mut first = f.keys.verify(f.text());
    assert!((&mut first).now_or_never().is_none());
    let mut others: Vec<_> = (0..50).map(|_| f.keys.verify(f.text())).collect();
    assert!(others.iter_mut().all(|other| other.now_or_never().is_none()));
    drop(first);
    drop(held);
    assert!(block_on(join_all(others)).iter().all(Result::is_ok));
    assert_eq!(f.lookups(), 1);
}

#[test]
fn without_a_cache_every_request_asks_the_store() {
    let f = fixture();
    for _ in 0..3 {
        block_on(f.elsewhere.verify(f.text())).unwrap();
    }
    assert_eq!(f.lookups(), 3);
}

#[test]
fn no_output_of_the_cache_holds_a_key() {
    let f = fixture();
    assert!(f.verify().is_ok());
    let shown = format!("{:?} {:?}", f.keys, Cache::new());
    assert!(!shown.contains(&f.text()[9..]));
}
