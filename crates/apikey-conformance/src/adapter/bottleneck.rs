//! A handle with a single thread for hashing, a single place in its queue, and a hasher that takes as long
//! as a case wants.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use apikey_core::{HashError, HashedKey, Hashers, HashingThreads, KeyHasher, Sha256};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Harness;
use super::answer::assert_refused;
use super::client::{RawRequest, RawResponse, send};
use super::stage::{Server, Stage};

/// How long it may take until what is over is over for the server, too.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keys that exist, by texts with a secret that does not: a good one is hashed once, and remembered.
pub(crate) const AT_WORK: &str = "wrong";
pub(crate) const WAITING: &str = "disabled_wrong";
pub(crate) const BEYOND: &str = "revoked_wrong";
const LAST: &str = "expired_wrong";

/// The stage, and its narrow part.
pub(crate) struct Bottleneck {
    pub(crate) stage: Stage,
    pub(crate) server: Server,
    pace: Arc<Pace>,
    texts: AtomicUsize,
}

/// Holds every verification until it is dropped.
pub(crate) struct Pause(Arc<Pace>);

impl Bottleneck {
    pub(crate) async fn new<H: Harness>() -> Self {
        let pace = Arc::<Pace>::default();
        let hasher = SlowHasher(Arc::clone(&pace));
        let threads = HashingThreads::default()
            .max_concurrent(NonZeroUsize::MIN)
            .queue_length(NonZeroUsize::MIN);
        let stage =
            Stage::of(|builder| builder.hashers(Hashers::new(hasher)).hashing_threads(threads));
        let stage = stage.await;
        let server = stage.serve::<H>().await;
        Self { stage, server, pace, texts: AtomicUsize::new(0) }
    }

    /// Returns a request with the prefix of a key, and a wrong secret that was never sent before: whoever
    /// sends the same text meanwhile is answered together, without a place of their own.
    pub(crate) fn request(&self, path: &str, key: &str) -> RawRequest {
        let number = self.texts.fetch_add(1, Ordering::Relaxed);
        let mut text = self.stage.text(key).to_owned();
        // The end stays, which makes the secret wrong.
        text.replace_range(9..13, &format!("{number:04}"));
        RawRequest::get(path).key(&text)
    }

    /// Holds every verification from now on.
    pub(crate) fn pause(&self) -> Pause {
        *self.pace.is_held() = true;
        Pause(Arc::clone(&self.pace))
    }

    /// Returns when no verification is under way: one more is served, which comes behind all others.
    pub(crate) async fn settle(&self) {
        let request = self.request("/protected", LAST);
        let start = Instant::now();
        loop {
            let answer = self.server.send(&request).await;
            if answer.status != 503 {
                return assert_refused(&answer, "invalid-api-key", "a wrong secret");
            }
            let is_patient = start.elapsed() < PATIENCE;
            assert!(is_patient, "the place of a request that is over is given back");
        }
    }

    /// Sends one request more to a path than there are places, and returns the answer to that one.
    ///
    /// # Panics
    /// If the others do not get their places.
    pub(crate) async fn crowd(&self, path: &str) -> RawResponse {
        let pause = self.pause();
        let mut requests = JoinSet::new();
        let mut begin = |key: &str| {
            let (address, request) = (self.server.address(), self.request(path, key));
            requests.spawn(async move { send(address, &request).await });
        };
        begin(AT_WORK);
        pause.reached().await;
        // One of these waits, and for the other there is no place.
        begin(WAITING);
        begin(BEYOND);
        let first = requests.join_next().await.expect("there are three");
        drop(pause);
        for other in requests.join_all().await {
            let promise = format!("{path}: as many requests are served as have places");
            assert_refused(&other, "invalid-api-key", &promise);
        }
        first.expect("it is answered")
    }

    /// Fails unless all places are free, each key can be verified, and a good one gets in.
    pub(crate) async fn assert_open(&self) {
        self.settle().await;
        let beyond = self.crowd("/protected").await;
        assert_refused(&beyond, "unavailable", "one request more than there are places");
        for key in [AT_WORK, WAITING, BEYOND] {
            let answer = self.server.send(&self.request("/protected", key)).await;
            assert_refused(&answer, "invalid-api-key", "a key that was under way is free again");
        }
        let good = RawRequest::get("/protected").key(self.stage.text("key"));
        assert_eq!(self.server.send(&good).await.status, 200, "a good key gets in afterwards");
    }
}

impl Pause {
    /// Returns when a verification has begun, and waits.
    pub(crate) async fn reached(&self) {
        let reached = timeout(PATIENCE, self.0.reached.notified()).await;
        reached.expect("a verification begins, since its place is free");
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        *self.0.is_held() = false;
        self.0.released.notify_all();
    }
}

#[derive(Debug, Default)]
struct Pace {
    is_held: Mutex<bool>,
    released: Condvar,
    reached: Notify,
}

impl Pace {
    fn is_held(&self) -> MutexGuard<'_, bool> {
        self.is_held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self) {
        let held = self.is_held();
        if *held {
            self.reached.notify_one();
        }
        let released = self.released.wait_while(held, |held| *held);
        drop(released.unwrap_or_else(PoisonError::into_inner));
    }
}

/// SHA-256 on the threads for slow hashing.
#[derive(Debug)]
struct SlowHasher(Arc<Pace>);

impl KeyHasher for SlowHasher {
    fn encodings(&self) -> Vec<String> {
        Sha256.encodings()
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        Sha256.hash(key)
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        self.0.pass();
        Sha256.verify(key, stored)
    }

    fn is_slow(&self) -> bool {
        true
    }
}
