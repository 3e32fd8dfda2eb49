//! Two handles with a cache each over one table, as in two processes, and the bus between them.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apikey_core::{
    ApiKeys, BoxError, Cache, CreatedKey, DenyReason, Invalidation, InvalidationBus,
    InvalidationFeed, KeyModel, KeyRecord, KeyStore, LocalBus, ManualClock, MemoryStore, NewKey,
    async_trait,
};
use futures::FutureExt;
use futures::executor::{LocalPool, block_on};
use futures::future::pending;
use futures::task::LocalSpawnExt;

const TTL: Duration = Duration::from_secs(5);

type Message = Invalidation<Infallible>;

/// A bus that can fail, hang, lose messages and lose its connections.
#[derive(Clone)]
struct Unsteady(Arc<State>);

struct State {
    bus: LocalBus,
    store: Arc<MemoryStore>,
    mood: Mutex<Mood>,
    /// Every message, and whether its key was revoked in the table when it was published.
    published: Mutex<Vec<(Message, bool)>>,
    refusals: AtomicUsize,
    subscriptions: AtomicUsize,
    /// How many feeds are to end at their next message.
    lost_connections: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Works,
    Loses,
    Fails,
    Hangs,
    /// Refuses one message, for ever.
    Refuses(&'static str),
}

#[async_trait]
impl InvalidationBus<Infallible> for Unsteady {
    async fn publish(&self, message: &Message) -> Result<(), BoxError> {
        let mood = *self.0.mood.lock().unwrap();
        match mood {
            Mood::Fails => return Err("the broker is down".into()),
            Mood::Hangs => pending().await,
            Mood::Refuses(prefix) if *message == Invalidation::Prefix(prefix.to_owned()) => {
                self.0.refusals.fetch_add(1, Ordering::SeqCst);
                return Err("the message cannot be encoded".into());
            }
            Mood::Works | Mood::Loses | Mood::Refuses(_) => {}
        }
        let is_revoked = match message {
            Invalidation::Prefix(prefix) => {
                let key = self.0.store.get(prefix, None).await?;
                key.is_some_and(|key| key.revoked_at.is_some())
            }
            _ => false,
        };
        self.0.published.lock().unwrap().push((message.clone(), is_revoked));
        if mood != Mood::Loses { self.0.bus.publish(message).await } else { Ok(()) }
    }

    async fn subscribe(&self) -> Result<Box<dyn InvalidationFeed<Infallible>>, BoxError> {
        self.0.subscriptions.fetch_add(1, Ordering::SeqCst);
        let feed = self.0.bus.subscribe().await?;
        Ok(Box::new(UnsteadyFeed { state: Arc::clone(&self.0), feed }))
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(1)
    }
}

struct UnsteadyFeed {
    state: Arc<State>,
    feed: Box<dyn InvalidationFeed<Infallible>>,
}

#[async_trait]
impl InvalidationFeed<Infallible> for UnsteadyFeed {
    async fn next(&mut self) -> Result<Message, BoxError> {
        let message = self.feed.next().await?;
        let is_lost = |lost: usize| lost.checked_sub(1);
        match self.state.lost_connections.fetch_update(Ordering::SeqCst, Ordering::SeqCst, is_lost)
        {
            Ok(_) => Err("the connection is lost".into()),
            Err(_) => Ok(message),
        }
    }
}

struct Fixture {
    here: ApiKeys,
    there: ApiKeys,
    bus: Unsteady,
    clock: ManualClock,
    created: CreatedKey<KeyRecord>,
    pool: LocalPool,
}

/// Both handles know the key, and talk.
fn fixture() -> Fixture {
    let store = Arc::new(MemoryStore::new());
    let clock = ManualClock::default();
    let bus = Unsteady(Arc::new(State {
        bus: LocalBus::new(),
        store: Arc::clone(&store),
        mood: Mutex::new(Mood::Works),
        published: Mutex::default(),
        refusals: AtomicUsize::new(0),
        subscriptions: AtomicUsize::new(0),
        lost_connections: AtomicUsize::new(0),
    }));
    let handle = || -> ApiKeys {
        ApiKeys::builder(Arc::clone(&store))
            .cache(Cache::new().time_to_live(TTL))
            .clock(clock.clone())
            .invalidation_bus(bus.clone())
            .build()
            .unwrap()
    };
    let (here, there, pool) = (handle(), handle(), LocalPool::new());
    for keys in [&here, &there] {
        pool.spawner().spawn_local(keys.maintain()).unwrap();
    }
    let created = block_on(here.create(NewKey::new("k"))).unwrap();
    let mut fixture = Fixture { here, there, bus, clock, created, pool };
    fixture.deliver();
    assert_eq!([fixture.reason_here(), fixture.reason_there()], [None, None]);
    fixture
}

fn reason<M: KeyModel>(keys: &ApiKeys<M>, text: &str) -> Option<DenyReason> {
    let outcome = keys.verify(text).now_or_never().unwrap();
    outcome.err().map(|error| error.reason())
}

impl Fixture {
    fn prefix(&self) -> &str {
        &self.created.key.prefix
    }

    fn reason_here(&self) -> Option<DenyReason> {
        reason(&self.here, self.created.plaintext.expose())
    }

    fn reason_there(&self) -> Option<DenyReason> {
        reason(&self.there, self.created.plaintext.expose())
    }

    /// Revokes without ever waiting: a store in memory does not, and the bus must not matter.
    fn revoke(&self) {
        self.here.revoke(self.prefix()).now_or_never().unwrap().unwrap();
    }

    fn set(&self, mood: Mood) {
        *self.bus.0.mood.lock().unwrap() = mood;
    }

    /// Lets all messages arrive that can.
    fn deliver(&mut self) {
        self.pool.run_until_stalled();
    }

    /// Lets both handles run until something has happened.
    fn wait_until(&mut self, happened: impl Fn(&Self) -> bool) {
        while !happened(self) {
            self.pool.run_until(futures_timer::Delay::new(Duration::from_millis(1)));
        }
    }

    fn published(&self) -> Vec<(Message, bool)> {
        self.bus.0.published.lock().unwrap().clone()
    }

    /// Only prefixes have been published: these.
    fn published_prefixes(&self) -> Vec<String> {
        let prefix = |(message, _)| match message {
            Invalidation::Prefix(prefix) => Some(prefix),
            _ => None,
        };
        self.published().into_iter().map(prefix).collect::<Option<_>>().unwrap()
    }

    /// Revokes in a process that tells nobody.
    fn revoke_elsewhere(&self) {
        let elsewhere: ApiKeys = ApiKeys::builder(Arc::clone(&self.bus.0.store)).build().unwrap();
        block_on(elsewhere.revoke(self.prefix())).unwrap();
    }

    /// A handle that nothing runs for but its own flush.
    fn alone(&self) -> ApiKeys {
        ApiKeys::builder(Arc::clone(&self.bus.0.store))
            .clock(self.clock.clone())
            .invalidation_bus(self.bus.clone())
            .build()
            .unwrap()
    }
}

#[test]
fn a_revocation_is_seen_elsewhere_by_the_next_request_after_the_message() {
    let mut f = fixture();
    f.revoke();
    assert_eq!([f.reason_here(), f.reason_there()], [Some(DenyReason::Revoked), None]);
    f.deliver();
    assert_eq!(f.reason_there(), Some(DenyReason::Revoked));
}

#[test]
fn a_change_is_published_after_it_is_written_and_by_its_author_alone() {
    let mut f = fixture();
    f.revoke();
    f.deliver();
    assert_eq!(f.published(), [(Invalidation::Prefix(f.prefix().to_owned()), true)]);
}

#[test]
fn a_lost_message_is_made_up_for_by_the_time_to_live() {
    let mut f = fixture();
    f.set(Mood::Loses);
    f.revoke();
    f.deliver();
    f.clock.advance(TTL - Duration::from_micros(1));
    assert_eq!(f.reason_there(), None);
    f.clock.advance(Duration::from_micros(1));
    assert_eq!(f.reason_there(), Some(DenyReason::Revoked));
}

#[test]
fn a_hanging_bus_holds_up_nobody_and_does_not_keep_the_handle_alive() {
    let mut f = fixture();
    f.set(Mood::Hangs);
    f.revoke();
    f.deliver();
    f.revoke();
    assert_eq!([f.reason_here(), f.reason_there()], [Some(DenyReason::Revoked), None]);
    block_on(f.here.flush()).unwrap();
    let Fixture { here, there, mut pool, .. } = f;
    drop((here, there));
    pool.run();
}

#[test]
fn what_cannot_be_published_is_published_later() {
    let mut f = fixture();
    f.set(Mood::Fails);
    f.revoke();
    f.deliver();
    assert_eq!(f.reason_there(), None);
    f.set(Mood::Works);
    f.wait_until(|f| f.reason_there().is_some());
    assert_eq!(f.reason_there(), Some(DenyReason::Revoked));
}

#[test]
fn a_message_that_is_refused_for_ever_holds_up_no_other() {
    let mut f = fixture();
    f.set(Mood::Refuses("refused0"));
    f.here.invalidate("refused0");
    f.revoke();
    f.wait_until(|f| f.bus.0.refusals.load(Ordering::SeqCst) >= 3);
    assert_eq!(f.reason_there(), Some(DenyReason::Revoked));
    assert_eq!(f.published_prefixes(), [f.prefix()]);
}

#[test]
fn flush_publishes_what_comes_after_a_message_that_is_refused() {
    let f = fixture();
    f.set(Mood::Refuses("refused0"));
    let alone = f.alone();
    for prefix in ["waiting0", "refused0", "waiting1"] {
        alone.invalidate(prefix);
    }
    block_on(alone.flush()).unwrap();
    assert_eq!(f.published_prefixes(), ["waiting0", "waiting1"]);
    assert_eq!(f.bus.0.refusals.load(Ordering::SeqCst), 1, "each is tried once");
}

#[test]
fn flush_passes_a_message_that_hangs_and_publishes_it_when_it_is_given_up() {
    let mut f = fixture();
    f.set(Mood::Hangs);
    f.here.invalidate("hanging0");
    f.deliver();
    f.set(Mood::Works);
    f.here.invalidate("waiting0");
    block_on(f.here.flush()).unwrap();
    assert_eq!(f.published_prefixes(), ["waiting0"]);
    // With the futures that maintain both handles.
    f.pool = LocalPool::new();
    block_on(f.here.flush()).unwrap();
    assert_eq!(f.published_prefixes(), ["waiting0", "hanging0"]);
}

#[test]
fn too_much_to_publish_is_told_in_one_message() {
    let mut f = fixture();
    f.set(Mood::Fails);
    f.revoke_elsewhere();
    for number in 0..1000 {
        f.here.invalidate(&format!("many{number:04}"));
    }
    f.deliver();
    assert_eq!(f.reason_there(), None);
    f.set(Mood::Works);
    f.wait_until(|f| !f.published().is_empty());
    f.deliver();
    assert_eq!(f.published(), [(Invalidation::All, false)]);
    assert_eq!(f.reason_there(), Some(DenyReason::Revoked));
}

#[test]
fn two_futures_that_maintain_one_handle_publish_each_change_once() {
    let mut f = fixture();
    f.pool.spawner().spawn_local(f.here.maintain()).unwrap();
    f.deliver();
    f.revoke();
    f.deliver();
    assert_eq!(f.published_prefixes(), [f.prefix()]);
    assert_eq!(f.reason_there(), Some(DenyReason::Revoked));
    let Fixture { here, there, mut pool, .. } = f;
    drop((here, there));
    pool.run();
}

#[test]
fn whoever_lost_the_connection_forgets_all_when_it_is_back() {
    let mut f = fixture();
    f.set(Mood::Loses);
    f.revoke();
    f.deliver();
    f.set(Mood::Works);
    f.bus.0.lost_connections.store(2, Ordering::SeqCst);
    f.here.invalidate("another0");
    f.wait_until(|f| f.bus.0.subscriptions.load(Ordering::SeqCst) >= 4);
    assert_eq!(f.reason_there(), Some(DenyReason::Revoked));
}

#[test]
fn flush_publishes_what_nobody_else_did() {
    let mut f = fixture();
    let alone = f.alone();
    block_on(alone.revoke(f.prefix())).unwrap();
    f.deliver();
    assert_eq!(f.reason_there(), None);
    block_on(alone.flush()).unwrap();
    f.deliver();
    assert_eq!(f.reason_there(), Some(DenyReason::Revoked));
}

#[test]
fn every_invalidation_reaches_the_others() {
    type Tell = fn(&Fixture);
    let tellings: [Tell; 2] = [|f| f.here.invalidate(f.prefix()), |f| f.here.invalidate_all()];
    for tell in tellings {
        let mut f = fixture();
        f.revoke_elsewhere();
        assert_eq!(f.reason_there(), None);
        tell(&f);
        f.deliver();
        assert_eq!(f.reason_there(), Some(DenyReason::Revoked));
        assert_eq!(f.published().len(), 1, "what is heard is not published again");
    }
}
