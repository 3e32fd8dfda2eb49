//! What an answer's time tells about a key, to whoever lacks its secret: `cargo xtask bench timing`.
//!
//! In process: requests with a wrong secret for keys that are active, revoked, disabled, expired or of an
//! owner who is not usable, in random order. Welch's t says whether two means differ; below 4.5 they cannot
//! be told apart (the threshold of dudect, Reparaz et al. 2017, whose cropping of slow samples is also used).
//! Which key is in which state is drawn anew a thousand times, so that no place in memory stands for a state.
//!
//! Over loopback: a known prefix against an unknown one, beside the time of one hash.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::unwrap_used, reason = "a failed step ends the benchmark")]

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use apikey_core::{
    ApiKeys, Argon2id, DenyReason, HashedKey, Hashers, KeyHasher, KeyPatch, KeyRecord, KeyStore,
    MemoryStore, NewRecord, Sha256, Timestamp,
};
use futures::executor::block_on;

/// The states, and two rows more: a second sample of the first, which must not differ, and a prefix that
/// is not there, which may.
const CLASSES: [&str; 7] =
    ["wrong", "wrong again", "revoked", "disabled", "expired", "owner not usable", "unknown"];
const UNKNOWN: usize = 6;
const KEYS: usize = 20 * CLASSES.len();
const DRAWS: usize = 1_000;
/// How many of a thousand samples each crop keeps, the fastest.
const CROPS: [usize; 7] = [500, 750, 900, 950, 990, 999, 1_000];
const DISTINCT: f64 = 4.5;
/// The part of a slow hash that shows whether there was one.
const HASH_SIZED: f64 = 0.25;

fn main() {
    let samples = samples();
    let verdict = in_process(samples);
    println!(
        "\n{:<18}{:>9}{:>12}{:>13}{:>22}{:>12}",
        "over loopback", "samples", "wrong us", "unknown us", "difference us", "a hash us"
    );
    over_loopback("SHA-256", || Sha256, samples.min(20_000));
    let hashes = over_loopback("Argon2id", Argon2id::default, samples.min(200));
    println!("\n{verdict}");
    if hashes.abs() < HASH_SIZED {
        println!(
            "Over loopback, an unknown prefix costs what a wrong secret does, as far as a hash shows."
        );
    } else {
        println!(
            "An unknown prefix CAN be told over loopback: the difference is {hashes:.2} hashes."
        );
    }
}

/// Samples of each class: what follows `--samples`.
fn samples() -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--samples").skip(1);
    arguments.next().map_or(1_000_000, |number| number.parse().unwrap())
}

/// A small generator of its own: the order must only be unrelated to what is measured.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Measures in this process, prints the table, and returns the verdict.
fn in_process(samples: usize) -> String {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let mut times = CLASSES.map(|_| Vec::with_capacity(samples + KEYS));
    let mut classes: Vec<usize> = (0..KEYS).map(|key| key % CLASSES.len()).collect();
    let texts: Vec<String> =
        (0..KEYS).map(|key| format!("key{key:0>5}.{}", "0".repeat(32))).collect();
    while times[0].len() < samples {
        random.shuffle(&mut classes);
        let keys = block_on(table(&texts, &classes));
        for _ in 0..(samples * CLASSES.len()).div_ceil(DRAWS) {
            let key = random.below(KEYS);
            let start = Instant::now();
            let outcome = block_on(keys.verify(black_box(&texts[key])));
            let time = start.elapsed();
            let expected = [DenyReason::WrongSecret, DenyReason::UnknownPrefix];
            let expected = expected[usize::from(classes[key] == UNKNOWN)];
            assert_eq!(outcome.unwrap_err().reason(), expected);
            times[classes[key]].push(time.as_secs_f64() * 1e9);
        }
    }
    report(&times)
}

/// A handle over a table with a key for each text, in the state of its class.
async fn table(texts: &[String], classes: &[usize]) -> ApiKeys {
    let store = MemoryStore::<KeyRecord>::new().usable_if(|key| key.name != CLASSES[5]);
    let hash = Sha256.hash(b"another text").unwrap();
    for (text, class) in texts.iter().zip(classes) {
        if *class == UNKNOWN {
            continue;
        }
        let name = if *class == 5 { CLASSES[5] } else { "owner is usable!" };
        let hash = HashedKey::new(hash.as_str());
        let new = NewRecord::new(&text[..8], hash, name, Timestamp::default(), ());
        let key = store.insert(&new, None).await.unwrap();
        let patch = match CLASSES[*class] {
            "revoked" => KeyPatch::default().revoked_at(Timestamp::default()),
            "disabled" => KeyPatch::default().disabled_at(Some(Timestamp::default())),
            "expired" => KeyPatch::default().expires_at(Some(Timestamp::default())),
            _ => KeyPatch::default(),
        };
        store.update(&key.id, None, &patch).await.unwrap();
    }
    ApiKeys::new(store)
}

fn report(times: &[Vec<f64>]) -> String {
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_unstable_by(f64::total_cmp);
    let limits =
        CROPS.map(|kept| all.get(all.len() * kept / 1_000).copied().unwrap_or(f64::INFINITY));
    print!("{:<18}{:>9}{:>12}", "t against wrong", "samples", "median ns");
    CROPS.iter().for_each(|kept| print!("{:>8}%", *kept as f64 / 10.0));
    println!();
    let mut verdict = "Without the secret, no state can be told from another.".to_owned();
    for (name, sample) in CLASSES.iter().zip(times) {
        let t =
            limits.map(|limit| welch(&Moments::of(sample, limit), &Moments::of(&times[0], limit)));
        print!("{name:<18}{:>9}{:>12.0}", sample.len(), median(sample));
        t.iter().for_each(|t| print!("{t:>9.2}"));
        println!();
        if *name != CLASSES[UNKNOWN] && t.iter().any(|t| t.abs() >= DISTINCT) {
            verdict =
                format!("A key that is {name} CAN be told from an active one: |t| >= {DISTINCT}");
        }
    }
    verdict
}

struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Of the samples below a limit.
    fn of(sample: &[f64], limit: f64) -> Self {
        let kept = || sample.iter().filter(|time| **time < limit);
        let count = kept().count() as f64;
        let mean = kept().sum::<f64>() / count;
        let variance = kept().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self { count, mean, variance }
    }
}

/// Welch's t of two samples.
fn welch(one: &Moments, other: &Moments) -> f64 {
    let error = (one.variance / one.count + other.variance / other.count).sqrt();
    if error > 0.0 { (one.mean - other.mean) / error } else { 0.0 }
}

fn median(sample: &[f64]) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Asks a server on 127.0.0.1 about a known and an unknown prefix, in random order, prints a row, and returns the
/// difference in hashes.
fn over_loopback<H: KeyHasher>(name: &str, hasher: impl Fn() -> H, samples: usize) -> f64 {
    let stored = hasher().hash(b"another text").unwrap();
    let texts = [format!("known000.{}", "0".repeat(32)), format!("unknown0.{}", "0".repeat(32))];
    let store = MemoryStore::<KeyRecord>::new();
    let new = NewRecord::new("known000", stored.clone(), "known", Timestamp::default(), ());
    block_on(store.insert(&new, None)).unwrap();
    let keys = ApiKeys::builder(store).hashers(Hashers::new(hasher())).build().unwrap();
    let mut connection = serve(keys);
    let mut ask = |text: &str| {
        let start = Instant::now();
        connection.write_all(text.as_bytes()).unwrap();
        connection.read_exact(&mut [0]).unwrap();
        start.elapsed().as_secs_f64() * 1e6
    };
    texts.iter().cycle().take(8).for_each(|text| _ = ask(text));
    let (mut random, mut times) = (Random(0x9E37_79B9_7F4A_7C15), [Vec::new(), Vec::new()]);
    while times[0].len() < samples {
        let which = random.below(2);
        times[which].push(ask(&texts[which]));
    }
    let [wrong, unknown] = times.map(|times| {
        let mut sorted = times.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        Moments::of(&times, sorted[sorted.len() * 95 / 100])
    });
    let error = (wrong.variance / wrong.count + unknown.variance / unknown.count).sqrt();
    let hash = time_of_a_hash(&hasher(), &stored);
    let difference = format!("{:.2} +- {:.2}", wrong.mean - unknown.mean, 1.96 * error);
    println!(
        "{name:<18}{samples:>9}{:>12.2}{:>13.2}{difference:>22}{hash:>12.2}",
        wrong.mean, unknown.mean,
    );
    (wrong.mean - unknown.mean) / hash
}

/// Starts a server that reads keys of 41 bytes and answers each with one byte.
fn serve(keys: ApiKeys) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    for end in [&connection, &server] {
        end.set_nodelay(true).unwrap();
    }
    thread::spawn(move || {
        let mut text = [0; 41];
        while server.read_exact(&mut text).is_ok() {
            let is_good = block_on(keys.verify(text)).is_ok();
            server.write_all(&[u8::from(is_good)]).unwrap();
        }
    });
    connection
}

/// The median of a few, in microseconds.
fn time_of_a_hash(hasher: &impl KeyHasher, stored: &HashedKey) -> f64 {
    let times = (0..25).map(|_| {
        let start = Instant::now();
        let _ = black_box(
            hasher.verify(b"a text of forty-one bytes, like a real key", stored.as_str()),
        );
        start.elapsed().as_secs_f64() * 1e6
    });
    median(&times.collect::<Vec<_>>())
}
