//! More slow hashes than there is room for: what clients and the log hear of it.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use apikey_core::{
    ApiKeys, Authenticate, DenyReason, HashError, HashedKey, Hashers, HashingThreads, KeyHasher,
    KeyRecord, ManageError, ManualClock, MemoryStore,
};
use futures::FutureExt;
use futures::executor::block_on;
use tracing::Level;

use crate::log::Log;

#[path = "support/log.rs"]
mod log;

/// Verifies nothing before it is told to, and says when it begins.
#[derive(Debug)]
struct Stuck {
    begun: mpsc::Sender<()>,
    goes_on: Mutex<mpsc::Receiver<()>>,
}

impl KeyHasher for Stuck {
    fn encodings(&self) -> Vec<String> {
        vec!["stuck$".into()]
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        Ok(HashedKey::new(format!("stuck${}", String::from_utf8_lossy(key))))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        let _ = self.begun.send(());
        let _ = self.goes_on.lock().unwrap_or_else(PoisonError::into_inner).recv();
        Ok(stored.as_bytes() == [b"stuck$", key].concat())
    }
}

/// A handle with one thread and room for one to wait, both taken.
struct Fixture {
    keys: ApiKeys,
    clock: ManualClock,
    /// The key's text, and one like it with another secret.
    texts: [String; 2],
    taken: [Authenticate<KeyRecord>; 2],
    /// Dropped, it lets the hasher go on.
    held: mpsc::Sender<()>,
}

fn overloaded() -> Fixture {
    let ((begun, has_begun), (held, goes_on)) = (mpsc::channel(), mpsc::channel());
    let (stuck, clock) = (Stuck { begun, goes_on: Mutex::new(goes_on) }, ManualClock::default());
    let threads =
        HashingThreads::default().max_concurrent(NonZeroUsize::MIN).queue_length(NonZeroUsize::MIN);
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
        .hashers(Hashers::new(stuck))
        .hashing_threads(threads)
        .clock(clock.clone())
        .build()
        .unwrap();
    let text = block_on(keys.create("k")).unwrap().plaintext.expose().to_owned();
    let mut others = ["A", "B", "C"].map(|end| format!("{}{end}", &text[..text.len() - 1]));
    others.sort_by_key(|other| *other == text);
    let [wrong, other, _] = others;
    let mut running = keys.verify(&text);
    assert!((&mut running).now_or_never().is_none());
    has_begun.recv().unwrap();
    let mut waiting = keys.verify(&wrong);
    assert!((&mut waiting).now_or_never().is_none());
    Fixture { keys, clock, texts: [text, other], taken: [running, waiting], held }
}

impl Fixture {
    /// Presents a text that nobody else does, for which there is no room.
    fn refuse(&self) {
        let refused = self.keys.verify(&self.texts[1]).now_or_never().unwrap().unwrap_err();
        assert_eq!((refused.reason(), refused.status()), (DenyReason::HashQueueFull, 503));
    }
}

#[test]
fn a_full_queue_is_unavailable_and_not_a_wrong_key() {
    let f = overloaded();
    // Somebody listens: else the other test, beside this one, could miss the first event of its kind.
    tracing::subscriber::with_default(Log::default(), || f.refuse());
    drop(f.held);
    let [running, waiting] = f.taken;
    assert!(block_on(running).is_ok());
    assert_eq!(block_on(waiting).unwrap_err().reason(), DenyReason::WrongSecret);
    assert!(block_on(f.keys.verify(&f.texts[0])).is_ok(), "there is room again");
}

#[test]
fn a_flood_is_a_warning_now_and_then_and_no_error() {
    let (f, log) = (overloaded(), Log::default());
    let refuse = |times: usize| {
        tracing::subscriber::with_default(log.clone(), || (0..times).for_each(|_| f.refuse()));
        let events = log.take();
        assert_eq!(events.len(), times, "each refusal is one event");
        for (level, fields) in &events {
            assert!(fields.contains("reason=\"hash_queue_full\""), "{fields}");
            assert!(*level >= Level::WARN, "a flood is no error: {fields}");
        }
        let is_warning = |event: &(Level, String)| event.0 == Level::WARN;
        events.into_iter().filter(is_warning).map(|event| event.1).collect::<Vec<_>>()
    };
    let first = refuse(1000);
    assert!(first.len() == 1 && first[0].contains("refused=1"), "{first:?}");
    f.clock.advance(Duration::from_secs(9));
    assert_eq!(refuse(10), [""; 0]);
    f.clock.advance(Duration::from_secs(1));
    let next = refuse(1000);
    assert!(next.len() == 1 && next[0].contains("refused=1010"), "{next:?}");
}

/// Hashes and verifies nothing before it is told to, and says what it does.
#[derive(Debug)]
struct Slow {
    does: mpsc::Sender<&'static str>,
    goes_on: Mutex<mpsc::Receiver<()>>,
}

impl Slow {
    fn wait(&self, what: &'static str) {
        let _ = self.does.send(what);
        let _ = self.goes_on.lock().unwrap_or_else(PoisonError::into_inner).recv();
    }
}

impl KeyHasher for Slow {
    fn encodings(&self) -> Vec<String> {
        vec!["slow$".into()]
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        self.wait("hash");
        Ok(HashedKey::new(format!("slow${}", String::from_utf8_lossy(key))))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        self.wait("verify");
        Ok(stored.as_bytes() == [b"slow$", key].concat())
    }
}

/// A handle with one thread for hashing and the usual queue; what is sent lets one piece of work go on.
fn slow(limit: u32) -> (ApiKeys, mpsc::Receiver<&'static str>, mpsc::Sender<()>) {
    let ((does, is_done), (go_on, goes_on)) = (mpsc::channel(), mpsc::channel());
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
        .hashers(Hashers::new(Slow { does, goes_on: Mutex::new(goes_on) }))
        .hashing_threads(HashingThreads::default().max_concurrent(NonZeroUsize::MIN))
        .max_keys_per_owner(limit)
        .build()
        .unwrap();
    (keys, is_done, go_on)
}

#[test]
fn keys_that_are_created_starve_nobody_who_is_verified() {
    let (keys, does, go_on) = slow(1000);
    go_on.send(()).unwrap();
    let text = block_on(keys.create("k")).unwrap().plaintext.expose().to_owned();
    assert_eq!(does.recv().unwrap(), "hash");
    let mut first = keys.create("k");
    assert!((&mut first).now_or_never().is_none());
    assert_eq!(does.recv().unwrap(), "hash", "it is under way");
    let mut creates: Vec<_> = (0..100).map(|_| keys.create("k")).collect();
    let refused = creates.iter_mut().filter_map(FutureExt::now_or_never);
    let refused =
        refused.map(|answer| assert!(matches!(answer, Err(ManageError::Hash(_))))).count();
    assert_eq!(refused, 100 - 16, "a quarter of the queue is for them");
    let mut verified = keys.verify(&text);
    assert!((&mut verified).now_or_never().is_none(), "there is a place for it");
    go_on.send(()).unwrap();
    let next: Vec<_> = (0..2)
        .map(|_| {
            let next = does.recv().unwrap();
            go_on.send(()).unwrap();
            next
        })
        .collect();
    assert!(next.contains(&"verify"), "it is its turn: {next:?}");
    assert!(block_on(verified).is_ok());
    drop(go_on);
}

#[test]
fn what_the_limit_refuses_is_not_hashed() {
    let (keys, does, go_on) = slow(1);
    go_on.send(()).unwrap();
    let first = block_on(keys.create("k")).unwrap().key.prefix;
    go_on.send(()).unwrap();
    block_on(keys.rotate(&first, Duration::from_secs(60))).unwrap();
    assert_eq!(does.try_iter().count(), 2);
    drop(go_on);
    let refused = block_on(keys.create("k"));
    assert!(matches!(refused, Err(ManageError::LimitReached { limit: 1 })), "{refused:?}");
    let successor = block_on(keys.list(&apikey_core::KeyQuery::new())).unwrap().keys;
    let refused = block_on(keys.rotate(&successor[0].prefix, Duration::from_secs(60)));
    assert!(matches!(refused, Err(ManageError::LimitReached { .. })), "{refused:?}");
    assert_eq!(does.try_iter().count(), 0, "nothing was hashed");
    block_on(keys.rotate(&successor[0].prefix, Duration::ZERO)).unwrap();
}
