//! What a request costs: `cargo bench -p apikey-core`.
//!
//! Every row is measured in turn with the others, round by round, so that the ratios hold on a
//! machine whose speed drifts. The yardstick is one SHA-256 of the same 41 bytes.
//!
//! With `-- --only "authenticate, cached"` one row is run for some seconds and nothing is printed: for a profiler.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::unwrap_used, reason = "a failed step ends the benchmark")]

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use apikey_core::{ApiKeys, Cache, KeyFormat, KeyHasher, KeyRecord, NewKey, RequestHead, Sha256};
use sha2::Digest;

const ROUNDS: usize = 60;
const CALLS: u32 = 2_000;

/// The rounds of a row that is run for a profiler.
const LONG: usize = 5_000;

struct Head(Option<String>);

impl RequestHead for Head {
    fn header_lines(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        if let Some(line) = self.0.as_ref().filter(|_| name == "authorization") {
            each(line.as_bytes());
        }
    }

    fn query(&self) -> Option<&str> {
        None
    }
}

/// The name of a row: what follows `--only`.
fn only() -> Option<String> {
    std::env::args().skip_while(|argument| argument != "--only").nth(1)
}

/// Runs a future that never waits: the store is in memory.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a store in memory does not wait"),
    }
}

/// Keeps the optimizer from dropping a result that nobody reads.
fn keep<T>(value: T) {
    let _ = black_box(value);
}

struct Row<'a> {
    name: &'static str,
    call: Box<dyn Fn() + 'a>,
    rounds: Vec<Duration>,
}

impl Row<'_> {
    fn measure(&mut self) {
        let start = Instant::now();
        for _ in 0..CALLS {
            (self.call)();
        }
        self.rounds.push(start.elapsed());
    }

    fn nanoseconds(&mut self) -> f64 {
        self.rounds.sort_unstable();
        self.rounds[ROUNDS / 2].as_secs_f64() * 1e9 / f64::from(CALLS)
    }

    fn allocations(&self) -> u64 {
        allocation_counter::measure(|| (self.call)()).count_total
    }
}

fn row<'a>(name: &'static str, call: impl Fn() + 'a) -> Row<'a> {
    Row { name, call: Box::new(call), rounds: Vec::with_capacity(ROUNDS) }
}

fn main() {
    let keys = ApiKeys::in_memory();
    let created = run(keys.create(NewKey::new("bench").scopes(["reports:read"]))).unwrap();
    let text = created.plaintext.expose();
    let stored = Sha256.hash(text.as_bytes()).unwrap();
    let (plain, branded) = (KeyFormat::default(), KeyFormat::branded("acme").unwrap());
    let branded_text = "acme_n4Amzb2J_n1qtHUckwuOjowRPkpaSzx8uN628VDGz4Tt8v4";
    let mistyped = branded_text.replace("v4", "v5");
    let branded_keys =
        ApiKeys::builder(apikey_core::MemoryStore::new()).format(branded.clone()).build().unwrap();
    let head = |key: &str| Head(Some(format!("Api-Key {key}")));
    let good = head(text);
    let wrong = head(&format!("{}{}", &text[..40], if text.ends_with('A') { 'B' } else { 'A' }));
    let unknown = head("unknown0.00000000000000000000000000000000");
    let (malformed, bad_sum) = (head(&text[1..]), head(&mistyped));
    let large = head(&"a".repeat(4_000));
    let cached_keys = ApiKeys::builder(apikey_core::MemoryStore::<KeyRecord>::new())
        .cache(Cache::new().time_to_live(Duration::from_secs(3600)))
        .build()
        .unwrap();
    let cached = run(cached_keys.create(NewKey::new("cached"))).unwrap();
    let hit = head(cached.plaintext.expose());
    run(cached_keys.authenticate(&hit)).unwrap();
    let authenticate = |keys: &ApiKeys, head: &Head| keep(run(keys.authenticate(head)));

    let mut rows = [
        row("SHA-256 of 41 bytes", || keep(sha2::Sha256::digest(black_box(text)))),
        row("parse, default layout", || {
            keep(plain.prefix_of(black_box(text.as_bytes())));
        }),
        row("parse, branded layout", || {
            keep(branded.prefix_of(black_box(branded_text.as_bytes())));
        }),
        row("verify a stored SHA-256", || {
            keep(Sha256.verify(text.as_bytes(), stored.as_str()));
        }),
        row("reject: no key", || authenticate(&keys, &Head(None))),
        row("reject: malformed", || authenticate(&keys, &malformed)),
        row("reject: bad checksum", || authenticate(&branded_keys, &bad_sum)),
        row("reject: 4 kB", || authenticate(&keys, &large)),
        row("reject: unknown prefix", || authenticate(&keys, &unknown)),
        row("reject: wrong secret", || authenticate(&keys, &wrong)),
        row("authenticate, in memory", || authenticate(&keys, &good)),
        row("authenticate, cached", || authenticate(&cached_keys, &hit)),
    ];
    if let Some(name) = only() {
        let mut named = rows.iter_mut().filter(|row| row.name == name).peekable();
        assert!(named.peek().is_some(), "no row is named {name:?}");
        named.for_each(|row| (0..LONG).for_each(|_| row.measure()));
        return;
    }
    for _ in 0..ROUNDS {
        rows.iter_mut().for_each(Row::measure);
    }
    let yardstick = rows[0].nanoseconds();
    println!("{:<26}{:>12}{:>12}{:>14}", "", "ns a call", "x SHA-256", "allocations");
    for row in &mut rows {
        let time = row.nanoseconds();
        println!("{:<26}{time:>12.0}{:>12.1}{:>14}", row.name, time / yardstick, row.allocations());
    }
}
