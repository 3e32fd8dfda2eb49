//! What each hasher costs: `cargo bench -p apikey-core --all-features --bench hashers`.
//!
//! The rows are printed as those of `hot_path` are, with the same yardstick. A call hashes a key and compares it
//! with a stored string: what a request costs whose key is in no memory.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::unwrap_used, reason = "a failed step ends the benchmark")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use apikey_core::{
    Argon2id, Bcrypt, Django, HmacSha256, KeyHasher, Pbkdf2, Pepper, Scrypt, Sha256, Sha512,
};
use sha2::Digest;

/// How often a slow row is measured.
const ROUNDS: usize = 7;

/// How often a fast row is: whatever else the machine does is as long as some of its rounds.
const FAST_ROUNDS: usize = 41;

/// How long a fast row takes in one round.
const ROUND: Duration = Duration::from_millis(2);

const KEY: &[u8] = b"k3Xp9QaB.n1qtHUckwuOjowRPkpaSzx8uN628VDGz";

/// What Django 5.2 stores for this key unless it is told otherwise: a million rounds of PBKDF2.
const BY_DJANGO: &str =
    "pbkdf2_sha256$1000000$cGVwcGVyYW5kc2FsdA$mN528YCDe/oiiDVsyUXEhiSJ44sZQbU+O1qBd2tyE88=";

struct Row {
    name: String,
    call: Box<dyn Fn()>,
    calls: u32,
    rounds: Vec<Duration>,
}

impl Row {
    fn new(name: &str, call: impl Fn() + 'static) -> Self {
        let mut row =
            Self { name: name.to_owned(), call: Box::new(call), calls: 1, rounds: Vec::new() };
        // The first call is slower than the others.
        row.time();
        let calls = ROUND.as_nanos() / row.time().as_nanos().max(1);
        row.calls = u32::try_from(calls).unwrap().max(1);
        row
    }

    fn of(name: &str, hasher: impl KeyHasher, stored: &str) -> Self {
        let stored = stored.to_owned();
        assert!(hasher.verify(KEY, &stored).unwrap());
        let name = format!("hash: {name}");
        Self::new(&name, move || {
            let _ = black_box(hasher.verify(black_box(KEY), &stored));
        })
    }

    fn with(name: &str, hasher: impl KeyHasher) -> Self {
        let stored = hasher.hash(KEY).unwrap();
        Self::of(name, hasher, stored.as_str())
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

fn main() {
    let pepper = Pepper::new(1, [7; 32]).unwrap();
    let mut yardstick = Row::new("SHA-256", || {
        let _ = black_box(sha2::Sha256::digest(black_box(KEY)));
    });
    let mut rows = [
        Row::with("SHA-256", Sha256),
        Row::with("SHA-512", Sha512),
        Row::with("HMAC-SHA-256 with pepper", HmacSha256::new(pepper)),
        Row::with("Django API key, SHA-512", Django::default()),
        Row::with("Argon2id", Argon2id::default()),
        Row::with("PBKDF2", Pbkdf2::default()),
        Row::with("scrypt", Scrypt::default()),
        Row::with("bcrypt", Bcrypt),
        Row::of("Django password, PBKDF2", Django::default(), BY_DJANGO),
    ];
    for round in 0..FAST_ROUNDS {
        for row in rows.iter_mut().chain([&mut yardstick]) {
            if round < ROUNDS || row.calls > 1 {
                let time = row.time();
                row.rounds.push(time);
            }
        }
    }
    let yardstick = yardstick.nanoseconds();
    println!("{:<32}{:>12}{:>12}{:>14}", "", "ns a call", "x SHA-256", "allocations");
    for row in &mut rows {
        let time = row.nanoseconds();
        println!("{:<32}{time:>12.0}{:>12.1}{:>14}", row.name, time / yardstick, row.allocations());
    }
}
