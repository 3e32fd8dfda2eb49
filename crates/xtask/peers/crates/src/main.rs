//! What other crates take to verify one key, printed as the benchmarks of `apikey-core` print theirs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use api_keys_simplified::{ApiKeyManagerV0, Environment, ExposeSecret, KeyStatus, SecureString};
use jiff::Timestamp;
use sha2::Digest;
use tollgate_auth::{CredentialVerifier, HmacRegistry, SessionCredential};
use tollgate_core::KeyId;

/// How often a slow row is measured.
const ROUNDS: usize = 7;

/// How often a fast row is: whatever else the machine does is as long as some of its rounds.
const FAST_ROUNDS: usize = 41;

/// How long a fast row takes in one round.
const ROUND: Duration = Duration::from_millis(2);

struct Row {
    name: &'static str,
    call: Box<dyn Fn()>,
    calls: u32,
    rounds: Vec<Duration>,
}

impl Row {
    fn new(name: &'static str, call: impl Fn() + 'static) -> Self {
        let mut row = Self { name, call: Box::new(call), calls: 1, rounds: Vec::new() };
        // The first call is slower than the others.
        row.time();
        let calls = ROUND.as_nanos() / row.time().as_nanos().max(1);
        row.calls = u32::try_from(calls).unwrap_or(u32::MAX).max(1);
        row
    }

    /// Returns the time of one call.
    fn time(&self) -> Duration {
        let start = Instant::now();
        for _ in 0..self.calls {
            (self.call)();
        }
        start.elapsed() / self.calls
    }

    fn nanoseconds(&mut self) -> f64 {
        self.rounds.sort_unstable();
        self.rounds[self.rounds.len() / 2].as_secs_f64() * 1e9
    }

    fn allocations(&self) -> u64 {
        allocation_counter::measure(|| (self.call)()).count_total
    }
}

/// Keeps the optimizer from dropping a result that nobody reads.
fn keep<T>(value: T) {
    let _ = black_box(value);
}

/// A registry of one key, and its secret.
fn tollgate() -> (HmacRegistry, Vec<u8>) {
    let registry = HmacRegistry::new(b"the secret of a measurement");
    let key = registry.mint(KeyId(1)).expect("there is randomness");
    let secret = key.secret.as_slice().to_vec();
    registry.install([(key.principal, key.digest, None)]);
    (registry, secret)
}

fn rows() -> [Row; 4] {
    let (registry, secret) = tollgate();
    assert!(registry.verify(&secret).is_some());
    let verify = move || keep(registry.verify(black_box(&secret)));

    let ((registry, secret), session) = (tollgate(), SessionCredential::new());
    let now = Timestamp::from_second(1_755_600_000).expect("a time");
    assert!(session.authenticate(Some(&secret), &registry, now).is_some());
    let recall =
        move || keep(session.authenticate(Some(black_box(secret.as_slice())), &registry, now));

    let manager = ApiKeyManagerV0::init_default_config("bench").expect("a prefix");
    let key = manager.generate(Environment::production()).expect("there is randomness");
    let (text, stored) = (key.key().expose_secret().to_owned(), key.expose_hash().hash().clone());
    let wrong = SecureString::from(text.replace("-live-", "-test-"));
    let good = SecureString::from(text);
    assert!(matches!(manager.verify(&good, &stored), Ok(KeyStatus::Valid)));
    assert!(matches!(manager.verify_checksum(&wrong), Ok(false)));
    let other = ApiKeyManagerV0::init_default_config("bench").expect("a prefix");

    [
        Row::new("tollgate-auth 0.32.2: verify", verify),
        Row::new("tollgate-auth 0.32.2: same session", recall),
        Row::new("api-keys-simplified 0.5.1: verify", move || {
            keep(manager.verify(black_box(&good), &stored));
        }),
        Row::new("api-keys-simplified 0.5.1: bad checksum", move || {
            keep(other.verify_checksum(black_box(&wrong)));
        }),
    ]
}

fn main() {
    let mut yardstick = Row::new("SHA-256", || {
        let _ = black_box(sha2::Sha256::digest(black_box(&[b'k'; 41])));
    });
    let mut rows = rows();
    for round in 0..FAST_ROUNDS {
        for row in rows.iter_mut().chain([&mut yardstick]) {
            if round < ROUNDS || row.calls > 1 {
                let time = row.time();
                row.rounds.push(time);
            }
        }
    }
    let yardstick = yardstick.nanoseconds();
    for row in &mut rows {
        let time = row.nanoseconds();
        println!("{:<44}{time:>12.0}{:>12.1}{:>14}", row.name, time / yardstick, row.allocations());
    }
}
