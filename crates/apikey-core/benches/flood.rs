//! What a flood of bad keys takes from good ones: `cargo xtask bench flood`.
//!
//! One thread verifies one good key, over and over. Another keeps up to 64 bad requests in flight and begins
//! 2 000 a second, far more than can be hashed. Argon2id runs on the handle's own threads, as many as by
//! default. Quiet and flooded rounds take turns, so that the ratios hold on a machine whose speed drifts.
//!
//! Some rows verify a good key that the process does not remember, as every key after a restart: it takes a
//! hash each time, and shares the threads with the flood.
//!
//! The flood is counted in requests begun, so that its sender takes a few hundredths of one core and not all
//! that it can get: what good keys lose is what the handle spends on bad ones. A program beside it takes from
//! the flooded rounds and hardly from the quiet ones, which leave a core free.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::unwrap_used, reason = "a failed step ends the benchmark")]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use apikey_core::{
    ApiKeys, Argon2id, Cache, DenyReason, Hashers, KeyStore, MemoryStore, NewRecord, Timestamp,
};
use futures::executor::{LocalPool, block_on};
use futures::task::LocalSpawnExt;
use futures_timer::Delay;

/// Unless `--rounds` says another number.
const ROUNDS: usize = 8;
const ROUND: Duration = Duration::from_millis(500);
/// What is left of the throughput of good keys, at least.
const BAR: f64 = 0.8;
/// Bad requests in flight at once.
const ATTACKERS: usize = 64;
/// Bad requests that are begun in each millisecond.
const PER_MILLISECOND: usize = 2;
/// Known prefixes that are flooded at once.
const PREFIXES: u64 = 100;

struct Flood {
    name: &'static str,
    /// The text of the n-th bad key.
    text: fn(u64) -> String,
}

const FLOODS: [Flood; 4] = [
    Flood { name: "wrong secrets, one prefix", text: |n| known(0, n) },
    Flood { name: "wrong secrets, 100 prefixes", text: |n| known(n % PREFIXES, n) },
    Flood { name: "unknown prefixes", text: |n| format!("{n:0>8}.{n:0>32}") },
    Flood { name: "malformed keys", text: |n| format!("malformed{n:0>8}") },
];

/// Each secret is another one: requests with the same text would share one hash.
fn known(prefix: u64, secret: u64) -> String {
    format!("known{prefix:0>3}.{secret:0>32}")
}

/// What became of bad requests.
#[derive(Default)]
struct Answers {
    all: u64,
    /// Those that found no room in the queue.
    unavailable: u64,
}

/// A row of the table.
#[derive(Default)]
struct Figures {
    quiet: Vec<f64>,
    flooded: Vec<f64>,
    answers: Answers,
}

fn main() {
    let (rounds, mut least) = (rounds(), f64::INFINITY);
    println!(
        "{:<30}{:<12}{:>12}{:>12}{:>8}{:>10}{:>10}{:>10}",
        "flood of", "good key", "quiet/s", "flooded/s", "ratio", "bad/s", "503/s", "MiB more"
    );
    for good_key in [GoodKey::Remembered, GoodKey::Cached, GoodKey::New] {
        let (keys, good) = block_on(service(good_key));
        block_on(keys.verify(&good)).unwrap();
        for flood in &FLOODS {
            // Threads, their stacks and 19 MiB for each are no growth.
            flood_for(&keys, flood, || thread::sleep(ROUND));
            let before = resident();
            let figures = measure(&keys, &good, flood, rounds, good_key);
            let ratio = print(flood, good_key, figures, resident().saturating_sub(before));
            if good_key != GoodKey::New {
                least = least.min(ratio);
            }
        }
    }
    let verdict = if least >= BAR { "holds" } else { "does NOT hold" };
    println!(
        "\nGood keys that the process knows keep {least:.2} of their throughput at least; the bar of {BAR:.2} \
         {verdict}."
    );
}

/// What the process knows of the good key.
#[derive(Clone, Copy, PartialEq)]
enum GoodKey {
    /// The text that its hash was proven by; the row is loaded each time.
    Remembered,
    /// The row, too.
    Cached,
    /// Nothing: it is hashed each time.
    New,
}

impl GoodKey {
    fn name(self) -> &'static str {
        match self {
            Self::Remembered => "remembered",
            Self::Cached => "cached",
            Self::New => "new",
        }
    }

    /// How many calls fit between two looks at the time.
    fn batch(self) -> u32 {
        if self == Self::New { 1 } else { 100 }
    }
}

/// What follows `--rounds`.
fn rounds() -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--rounds").skip(1);
    arguments.next().map_or(ROUNDS, |number| number.parse().unwrap())
}

/// A handle with the defaults but for the hasher, and the text of a key that it has verified.
async fn service(good_key: GoodKey) -> (ApiKeys, String) {
    let store: Arc<MemoryStore> = Arc::new(MemoryStore::new());
    let builder = ApiKeys::builder(Arc::clone(&store)).hashers(Hashers::new(Argon2id::default()));
    let builder = match good_key {
        GoodKey::Remembered => builder,
        GoodKey::Cached => builder.cache(Cache::new().time_to_live(Duration::from_secs(3600))),
        GoodKey::New => builder.memo_capacity(0),
    };
    let keys = builder.build().unwrap();
    let created = keys.create("good").await.unwrap();
    for number in 0..PREFIXES {
        let prefix = known(number, 0)[..8].to_owned();
        let hash = created.key.hashed_key.clone();
        let new = NewRecord::new(prefix, hash, "flooded", Timestamp::default(), ());
        store.insert(&new, None).await.unwrap();
    }
    (keys, created.plaintext.expose().to_owned())
}

fn measure(keys: &ApiKeys, good: &str, flood: &Flood, rounds: usize, good_key: GoodKey) -> Figures {
    let mut figures = Figures::default();
    for _ in 0..rounds {
        let serve = || serve(keys, good, good_key.batch());
        figures.quiet.push(serve());
        let (rate, answers) = flood_for(keys, flood, serve);
        figures.flooded.push(rate);
        figures.answers.all += answers.all;
        figures.answers.unavailable += answers.unavailable;
    }
    figures
}

/// Verifies the good key for one round, and returns how often in a second.
fn serve(keys: &ApiKeys, good: &str, batch: u32) -> f64 {
    let (start, mut calls) = (Instant::now(), 0_u32);
    while start.elapsed() < ROUND {
        for _ in 0..batch {
            // One that finds no room does not count.
            calls += u32::from(block_on(keys.verify(good)).is_ok());
        }
    }
    f64::from(calls) / start.elapsed().as_secs_f64()
}

/// Floods the handle while `work` runs.
fn flood_for<T>(keys: &ApiKeys, flood: &Flood, work: impl FnOnce() -> T) -> (T, Answers) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let attack = scope.spawn(|| attack(keys, flood, &is_over));
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        (done, attack.join().unwrap())
    })
}

/// Sends bad keys, at most so many at once, until it is over.
fn attack(keys: &ApiKeys, flood: &Flood, is_over: &AtomicBool) -> Answers {
    let (mut pool, answers) = (LocalPool::new(), Rc::new(RefCell::new(Answers::default())));
    let mut sent = 0;
    while !is_over.load(Ordering::Relaxed) {
        for _ in 0..PER_MILLISECOND {
            let in_flight = sent - answers.borrow().all;
            if in_flight >= ATTACKERS as u64 {
                break;
            }
            let (call, answers) = (keys.verify((flood.text)(sent)), Rc::clone(&answers));
            sent += 1;
            let request = async move {
                let reason = call.await.unwrap_err().reason();
                let mut answers = answers.borrow_mut();
                answers.all += 1;
                answers.unavailable += u64::from(reason == DenyReason::HashQueueFull);
            };
            pool.spawner().spawn_local(request).unwrap();
        }
        pool.run_until(Delay::new(Duration::from_millis(1)));
    }
    drop(pool);
    answers.take()
}

/// Prints a row, and returns its ratio.
fn print(flood: &Flood, good_key: GoodKey, figures: Figures, grown: u64) -> f64 {
    let Figures { quiet, flooded, answers } = figures;
    let seconds = (ROUND * u32::try_from(flooded.len()).unwrap()).as_secs_f64();
    let (quiet, flooded) = (median(quiet), median(flooded));
    println!(
        "{:<30}{:<12}{quiet:>12.0}{flooded:>12.0}{:>8.2}{:>10.0}{:>10.0}{grown:>10}",
        flood.name,
        good_key.name(),
        flooded / quiet,
        answers.all as f64 / seconds,
        answers.unavailable as f64 / seconds,
    );
    flooded / quiet
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The memory of this process in MiB, where the system tells.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() / 1024
}
