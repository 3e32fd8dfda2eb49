//! More slow hashes than there is room for: what clients and the log hear of it.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use apikey_core::{
    ApiKeys, Authenticate, DenyReason, HashError, HashedKey, Hashers, HashingThreads, KeyHasher,
    KeyRecord, ManualClock, MemoryStore,
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
