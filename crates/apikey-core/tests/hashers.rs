//! What the stored keys are hashed with, and how far a change of hasher has come.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use apikey_core::chrono::DateTime;
use apikey_core::{
    ApiKeys, Found, HashError, HashedKey, Hashers, HmacSha256, KeyHasher, KeyPatch, KeyQuery,
    KeyRecord, KeyStore, ManualClock, MemoryStore, NewRecord, Page, Pepper, Rotation, Sha256,
    Sha512, Standing, StoreError, Timestamp, async_trait,
};
use futures::executor::block_on;

/// Counts the rows it hands out, and the queries.
#[derive(Clone, Default)]
struct Counting {
    inner: Arc<MemoryStore>,
    rows: Arc<AtomicU64>,
    queries: Arc<AtomicU64>,
    /// Whether it forgets what it was told to leave out.
    is_forgetful: bool,
}

type Stored<T> = Result<T, StoreError>;

#[async_trait]
impl KeyStore<KeyRecord> for Counting {
    async fn list(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Stored<Page<KeyRecord>> {
        let mut query = query.clone();
        if self.is_forgetful {
            query.not_encodings.clear();
        }
        let page = self.inner.list(&query, now).await?;
        self.queries.fetch_add(1, Ordering::SeqCst);
        self.rows.fetch_add(page.keys.len() as u64, Ordering::SeqCst);
        Ok(page)
    }

    async fn count(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Stored<u64> {
        self.queries.fetch_add(1, Ordering::SeqCst);
        self.inner.count(query, now).await
    }

    async fn find_by_prefix(&self, prefix: &str) -> Stored<Option<Found<KeyRecord>>> {
        self.inner.find_by_prefix(prefix).await
    }

    async fn get(&self, prefix: &str, owner: Option<&Infallible>) -> Stored<Option<KeyRecord>> {
        self.inner.get(prefix, owner).await
    }

    async fn insert(&self, new: &NewRecord<()>, limit: Option<u32>) -> Stored<KeyRecord> {
        self.inner.insert(new, limit).await
    }

    async fn update(
        &self,
        id: &i64,
        owner: Option<&Infallible>,
        patch: &KeyPatch,
    ) -> Stored<Option<KeyRecord>> {
        self.inner.update(id, owner, patch).await
    }

    async fn rotate(
        &self,
        id: &i64,
        owner: Option<&Infallible>,
        rotation: &Rotation<()>,
    ) -> Stored<KeyRecord> {
        self.inner.rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Stored<()> {
        self.inner.touch(ids, at).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Stored<u64> {
        self.inner.delete_expired(before, limit).await
    }
}

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// Stores keys with these hashes: of each four an active, a disabled, an expired and a revoked one.
fn store(hashes: &[&str]) -> Counting {
    let store = Counting::default();
    for (number, hash) in hashes.iter().enumerate() {
        for state in 0..4 {
            let created_at = at(i64::try_from(number).unwrap() - 100);
            let hash = HashedKey::new(*hash);
            let prefix = format!("key{number:04}{state}");
            let new = NewRecord::new(prefix, hash, "key", created_at, ());
            let new = match state {
                0 => new,
                1 => new.with_disabled_at(Some(at(0))),
                2 => new.with_expires_at(Some(at(0))),
                _ => new.with_revoked_at(Some(at(0))),
            };
            block_on(store.insert(&new, None)).unwrap();
        }
    }
    store
}

fn keys(store: &Counting, hashers: Hashers) -> ApiKeys {
    ApiKeys::builder(store.clone()).hashers(hashers).clock(ManualClock::at(at(1))).build().unwrap()
}

fn pepper(version: u32) -> Pepper {
    Pepper::new(version, [7; 32]).unwrap()
}

#[test]
fn counts_each_encoding_and_judges_it() {
    let store = store(&[
        "sha256$$00",
        "sha256$$01",
        "hmac-sha256$v=2$00",
        "hmac-sha256$v=1$00",
        "hmac-sha256$v=3$00",
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA",
        "$argon2id$v=19$m=16,t=1,p=1$c2FsdA$aGFzaA",
        "garbage",
        "md5$c2FsdA$00",
    ]);
    let hmac = HmacSha256::new(pepper(2)).accept(pepper(1)).unwrap();
    let report = block_on(keys(&store, Hashers::new(hmac).accept(Sha256)).hashers()).unwrap();
    let mut found: Vec<_> = report
        .encodings
        .iter()
        .map(|it| (it.encoding.as_str(), it.standing, it.keys, it.live, it.newest.unwrap()))
        .collect();
    assert!(found.is_sorted_by_key(|it| std::cmp::Reverse(it.3)), "{found:?}");
    found.sort_by_key(|it| it.0);
    assert_eq!(
        found,
        [
            ("", Standing::Unreadable, 8, 4, at(-92)),
            ("$argon2id$v=19$m=16,t=1,p=1$", Standing::NotConfigured, 4, 2, at(-94)),
            ("$argon2id$v=19$m=8,t=1,p=1$", Standing::NotConfigured, 4, 2, at(-95)),
            ("hmac-sha256$v=1$", Standing::Outdated, 4, 2, at(-97)),
            ("hmac-sha256$v=2$", Standing::Preferred, 4, 2, at(-98)),
            ("hmac-sha256$v=3$", Standing::NotConfigured, 4, 2, at(-96)),
            ("sha256$$", Standing::Accepted, 8, 4, at(-99)),
        ]
    );
    assert_eq!((report.preferred(), report.live()), (2, 18));
}

#[test]
fn an_empty_table_has_no_encodings() {
    let report = block_on(keys(&store(&[]), Hashers::default()).hashers()).unwrap();
    assert_eq!((report.preferred(), report.live(), report.encodings.len()), (0, 0, 0));
}

#[test]
fn a_rehash_moves_a_key_to_the_preferred_hasher() {
    let store = Counting::default();
    let before = keys(&store, Hashers::new(Sha512));
    let created = block_on(before.create("reports")).unwrap();
    let now = keys(&store, Hashers::new(Sha256).accept(Sha512));
    let report = block_on(now.hashers()).unwrap();
    assert_eq!((report.preferred(), report.live()), (0, 1));
    assert_eq!(report.encodings[0].standing, Standing::Accepted);
    block_on(now.verify(created.plaintext.expose())).unwrap();
    let report = block_on(now.hashers()).unwrap();
    assert_eq!((report.preferred(), report.live()), (1, 1));
}

#[test]
fn neither_rows_nor_queries_grow_with_the_table() {
    let small = store(&["sha256$$00", "sha512$$00"]);
    let many: Vec<_> = (0..500).flat_map(|_| ["sha256$$00", "sha512$$00"]).collect();
    let large = store(&many);
    let read = |store: &Counting| {
        block_on(keys(store, Hashers::default()).hashers()).unwrap();
        (store.rows.load(Ordering::SeqCst), store.queries.load(Ordering::SeqCst))
    };
    let (rows, queries) = read(&small);
    assert_eq!((rows, queries), read(&large));
    assert_eq!(rows, 2, "one row to an encoding");
}

#[test]
fn comes_to_an_end_on_a_table_of_nothing_but_different_parameters() {
    let hashes: Vec<_> =
        (1..=100).map(|rounds| format!("pbkdf2_sha256${rounds}$c2FsdA$aGFzaA==")).collect();
    let store = store(&hashes.iter().map(String::as_str).collect::<Vec<_>>());
    let report = block_on(keys(&store, Hashers::default()).hashers()).unwrap();
    assert_eq!(report.encodings.len(), 65);
    assert_eq!(report.encodings.iter().map(|it| it.keys).sum::<u64>(), 400);
    assert_eq!(report.encodings[0].encoding, "pbkdf2_sha256$", "the rest, by the algorithm");
}

#[test]
fn comes_to_an_end_on_a_store_that_leaves_nothing_out() {
    let store = Counting { is_forgetful: true, ..store(&["sha256$$00", "sha512$$00"]) };
    let report = block_on(keys(&store, Hashers::default()).hashers()).unwrap();
    let found: Vec<_> = report.encodings.iter().map(|it| (it.encoding.as_str(), it.keys)).collect();
    assert_eq!(found, [("sha256$$", 4), ("sha512$$", 4), ("", 0)]);
}

#[test]
fn a_damaged_row_does_not_stand_for_the_good_ones_of_its_algorithm() {
    let store = store(&["hmac-sha256$v=1$00", "hmac-sha256$v=x$00"]);
    let hashers = Hashers::new(HmacSha256::new(pepper(1)));
    let report = block_on(keys(&store, hashers).hashers()).unwrap();
    assert_eq!((report.preferred(), report.live()), (2, 4));
}

/// Reads the strings of Argon2id, by their beginning.
#[derive(Debug)]
struct Argon;

impl KeyHasher for Argon {
    fn encodings(&self) -> Vec<String> {
        vec!["$argon2id$".to_owned()]
    }

    fn hash(&self, _: &[u8]) -> Result<HashedKey, HashError> {
        Err(HashError::QueueFull)
    }

    fn verify(&self, _: &[u8], _: &str) -> Result<bool, HashError> {
        Err(HashError::Malformed)
    }
}

/// Rows that were cut off are the newest, so they are met first.
#[test]
fn a_row_that_was_cut_off_does_not_stand_for_others_of_its_algorithm() {
    let sound = [
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA",
        "$argon2id$v=19$m=16,t=1,p=1$c2FsdA$aGFzaA",
        "hmac-sha256$v=1$00",
        "hmac-sha256$v=2$00",
    ];
    let cut = ["$argon2id$", "$argon2id$v=19$", "$argon2id$v=19$m=8", "hmac-sha256$v="];
    let store = store(&[&sound[..], &cut[..]].concat());
    let peppered = Hashers::new(Sha256).accept(HmacSha256::new(pepper(1)));
    for hashers in [Hashers::default(), peppered, Hashers::new(Sha256).accept(Argon)] {
        let report = block_on(keys(&store, hashers).hashers()).unwrap();
        let keys = |wanted: &str| {
            let found = report.encodings.iter().find(|it| it.encoding == wanted);
            found.map(|found| (found.keys, found.live))
        };
        for head in ["$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$v=19$m=16,t=1,p=1$"] {
            assert_eq!(keys(head), Some((4, 2)), "{head} of {report:?}");
        }
        for head in ["hmac-sha256$v=1$", "hmac-sha256$v=2$"] {
            assert_eq!(keys(head), Some((4, 2)), "{head} of {report:?}");
        }
        assert_eq!(report.live(), 16, "each is counted once");
    }
}

#[test]
fn a_row_that_was_cut_off_is_unreadable() {
    let store = store(&["$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=8"]);
    let standing = |hashers: Hashers| {
        let report = block_on(keys(&store, hashers).hashers()).unwrap();
        let cut = report.encodings.iter().find(|it| it.encoding == "$argon2id$v=19$").unwrap();
        cut.standing
    };
    assert_eq!(standing(Hashers::new(Sha256).accept(Argon)), Standing::Unreadable);
    assert_eq!(standing(Hashers::default()), Standing::Unreadable);
}

#[test]
fn many_rows_that_were_cut_off_are_no_endless_search() {
    let hashes = vec!["$argon2id$"; 200];
    let store = store(&hashes);
    let report = block_on(keys(&store, Hashers::default()).hashers()).unwrap();
    let found: Vec<_> = report.encodings.iter().map(|it| (it.encoding.as_str(), it.keys)).collect();
    assert_eq!(found, [("$argon2id$", 800)]);
    assert!(store.rows.load(Ordering::SeqCst) < 100);
}

/// What `check` says of rows is what becomes of their keys.
#[test]
fn check_tells_what_is_not_configured_from_what_nobody_reads() {
    let text = "FbY8NwcU.qRyUDt1EQZAZb0qi2VmOYnlbUjvuE6Tp";
    let of = |hash: &str| {
        let store = store(&["sha256$$00"]);
        let new = NewRecord::new("FbY8NwcU", HashedKey::new(hash), "key", at(0), ());
        block_on(store.insert(&new, None)).unwrap();
        let keys = keys(&store, Hashers::default());
        let answer = block_on(keys.verify(text)).unwrap_err().status();
        let findings = block_on(keys.check()).unwrap();
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        assert!(finding.problem.starts_with("1 stored key"), "{finding:?}");
        let says = [503, 401].map(|status| finding.fix.contains(&status.to_string()));
        assert_eq!(says, [answer == 503, answer == 401], "{finding:?}");
        answer
    };
    assert_eq!(of("hmac-sha256$v=1$00"), 503);
    assert_eq!(of("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"), 503);
    assert_eq!(of("garbage"), 401);
    assert_eq!(of(""), 401);
}

#[test]
fn check_counts_once_where_all_is_well_and_twice_where_not() {
    let store = store(&["sha256$$00", "hmac-sha256$v=1$00", "garbage"]);
    let problems = |hashers: Hashers| {
        let findings = block_on(keys(&store, hashers).check()).unwrap();
        let queries = store.queries.swap(0, Ordering::SeqCst);
        (findings.iter().map(|found| found.problem.clone()).collect::<Vec<_>>(), queries)
    };
    let (found, queries) = problems(Hashers::default());
    // And one page of rows, which are read for those that cannot be.
    assert_eq!((found.len(), queries), (2, 2 + 1), "{found:?}");
    assert!(found.iter().all(|problem| problem.starts_with("4 stored keys")), "{found:?}");
    let (found, _) = problems(Hashers::new(Sha256).accept(HmacSha256::new(pepper(1))));
    assert!(found.len() == 1 && found[0].contains("damaged"), "{found:?}");
    let sound = self::store(&["sha256$$00"]);
    assert_eq!(block_on(keys(&sound, Hashers::default()).check()).unwrap(), []);
    assert_eq!(sound.queries.load(Ordering::SeqCst), 1 + 1);
}
