//! What the stored keys are hashed with, and how far a change of hasher has come.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use apikey_core::chrono::DateTime;
use apikey_core::{
    ApiKeys, Found, HashedKey, Hashers, HmacSha256, KeyPatch, KeyQuery, KeyRecord, KeyStore,
    ManualClock, MemoryStore, NewRecord, Page, Pepper, Rotation, Sha256, Sha512, Standing,
    StoreError, Timestamp, async_trait,
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
    let hmac = HmacSha256::new(pepper(2)).accept(pepper(1));
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

#[test]
fn check_finds_what_no_hasher_reads_in_one_count() {
    let hashes = ["sha256$$00", "hmac-sha256$v=1$00", "garbage"];
    let store = store(&hashes);
    let findings = block_on(keys(&store, Hashers::default()).check()).unwrap();
    assert!(findings[0].problem.starts_with("8 stored keys"), "{findings:?}");
    assert_eq!(store.queries.load(Ordering::SeqCst), 1);
    let configured = Hashers::new(Sha256).accept(HmacSha256::new(pepper(1)));
    let findings = block_on(keys(&store, configured).check()).unwrap();
    assert!(findings[0].problem.starts_with("4 stored keys"), "{findings:?}");
}
