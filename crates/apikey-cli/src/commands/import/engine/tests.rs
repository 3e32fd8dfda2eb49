//! Imports that are whole, dry, interrupted, repeated and refused.

use std::collections::BTreeMap;
use std::sync::Mutex;

use apikey_core::async_trait;
use apikey_core::chrono::DateTime;
use apikey_core::{
    Finding, Found, HashedKey, KeyQuery, MAX_PAGE, MemoryStore, Page, Rotation, Scopes,
};

use super::*;

/// Some keys, in pages of three.
struct Keys(Vec<Entry>, usize);

impl Keys {
    fn new(keys: impl IntoIterator<Item = ForeignKey>) -> Self {
        let entry = |key: ForeignKey| Entry { prefix: key.prefix.clone(), key: Ok(key) };
        Self(keys.into_iter().map(entry).collect(), 0)
    }
}

impl Source for Keys {
    async fn count(&mut self) -> Result<u64, Failure> {
        Ok(self.0.len() as u64)
    }

    async fn count_without_prefix(&mut self) -> Result<u64, Failure> {
        Ok(0)
    }

    async fn page(&mut self) -> Result<Vec<Entry>, Failure> {
        let page: Vec<_> = self.0.iter().skip(self.1).take(3).cloned().collect();
        self.1 += page.len();
        Ok(page)
    }

    fn algorithm(&self, stored: &HashedKey) -> Option<String> {
        stored.as_str().split_once("$$").map(|(name, _)| name.to_owned())
    }
}

/// Fails at a write: before it, or so late that it has happened.
struct Failing {
    inner: &'static MemoryStore,
    writes_left: Mutex<usize>,
    is_late: bool,
}

impl Failing {
    fn fails(&self) -> bool {
        let mut left = self.writes_left.lock().unwrap();
        *left = left.wrapping_sub(1);
        *left == usize::MAX
    }
}

fn lost<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("the connection is lost".into()))
}

type NoOwner<'a> = Option<&'a std::convert::Infallible>;
type Stored<T> = Result<T, StoreError>;

#[async_trait]
impl KeyStore<KeyRecord> for Failing {
    async fn insert(&self, new: &NewRecord<()>, limit: Option<u32>) -> Stored<KeyRecord> {
        if self.fails() {
            if self.is_late {
                self.inner.insert(new, limit).await?;
            }
            return lost();
        }
        self.inner.insert(new, limit).await
    }

    async fn update(
        &self,
        id: &i64,
        owner: NoOwner<'_>,
        patch: &KeyPatch,
    ) -> Stored<Option<KeyRecord>> {
        if self.fails() {
            if self.is_late {
                self.inner.update(id, owner, patch).await?;
            }
            return lost();
        }
        self.inner.update(id, owner, patch).await
    }

    async fn get(&self, prefix: &str, owner: NoOwner<'_>) -> Stored<Option<KeyRecord>> {
        self.inner.get(prefix, owner).await
    }

    async fn find_by_prefix(&self, prefix: &str) -> Stored<Option<Found<KeyRecord>>> {
        self.inner.find_by_prefix(prefix).await
    }

    async fn rotate(&self, _: &i64, _: NoOwner<'_>, _: &Rotation<()>) -> Stored<KeyRecord> {
        lost()
    }

    async fn touch(&self, _: &[i64], _: Timestamp) -> Stored<()> {
        lost()
    }

    async fn list(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Stored<Page<KeyRecord>> {
        self.inner.list(query, now).await
    }

    async fn count(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Stored<u64> {
        self.inner.count(query, now).await
    }

    async fn delete_expired(&self, _: Timestamp, _: u32) -> Stored<u64> {
        lost()
    }

    async fn check(&self) -> Stored<Vec<Finding>> {
        lost()
    }
}

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn key(number: usize) -> ForeignKey {
    ForeignKey {
        prefix: format!("key{number:05}"),
        hashed_key: HashedKey::new(format!("sha512$${number:0128}")),
        name: format!("client {number}"),
        scopes: Scopes::default(),
        created_at: at(i64::try_from(number).unwrap()),
        expires_at: None,
        disabled_at: None,
        revoked_at: None,
    }
}

/// One key in each state, twice.
fn keys() -> Vec<ForeignKey> {
    let mut keys: Vec<_> = (0..8).map(key).collect();
    for number in [0, 4] {
        keys[number].revoked_at = Some(at(100));
        keys[number + 1].expires_at = Some(at(50));
        keys[number + 2].disabled_at = Some(at(60));
        keys[number + 3].expires_at = Some(at(1000));
    }
    keys
}

async fn import(
    target: &dyn KeyStore<KeyRecord>,
    keys: impl IntoIterator<Item = ForeignKey>,
    is_dry: bool,
) -> (Report, Result<(), Failure>) {
    let mut engine = Engine::new(target, at(100), is_dry);
    let unavailable = |error| Failure::Manage(apikey_core::ManageError::Store(error));
    let result = engine.run(&mut Keys::new(keys), unavailable).await;
    (engine.into_report(), result)
}

async fn all(store: &MemoryStore) -> Vec<KeyRecord> {
    store.list(&KeyQuery::new().limit(MAX_PAGE), at(0)).await.unwrap().keys
}

/// Everything but the numbers that a database gives.
fn content(rows: &[KeyRecord]) -> Vec<String> {
    let rows = rows.iter().map(|row| {
        let hash = row.hashed_key.as_str();
        let times = [Some(row.created_at), row.expires_at, row.disabled_at, row.revoked_at];
        format!("{} {} {hash} {times:?}", row.prefix, row.name)
    });
    rows.collect()
}

#[tokio::test]
async fn imports_each_key_in_its_state_once() {
    let store = MemoryStore::new();
    let (report, result) = import(&store, keys(), false).await;
    result.unwrap();
    assert_eq!((report.read, report.imported, report.already_there), (8, 8, 0));
    let states = [("active", 2), ("disabled", 2), ("expired", 2), ("revoked", 2)];
    assert_eq!(report.states, BTreeMap::from(states));
    assert_eq!(report.hashes, BTreeMap::from([("sha512".to_owned(), 8)]));
    let first = all(&store).await;
    for (key, row) in keys().iter().zip(first.iter().rev()) {
        assert_eq!(row.revoked_at, key.revoked_at);
        assert_eq!((row.disabled_at, row.expires_at), (key.disabled_at, key.expires_at));
    }

    let (report, result) = import(&store, keys(), false).await;
    result.unwrap();
    assert_eq!((report.read, report.imported, report.already_there), (8, 0, 8));
    assert_eq!((report.revoked, report.refused), (0, 0));
    assert!(report.differences.is_empty());
    assert_eq!(content(&all(&store).await), content(&first));
}

#[tokio::test]
async fn a_dry_run_reports_the_same_and_writes_nothing() {
    let store = MemoryStore::new();
    let (dry, result) = import(&store, keys(), true).await;
    result.unwrap();
    assert!(all(&store).await.is_empty());
    let (wet, _) = import(&store, keys(), false).await;
    assert_eq!(Report { dry_run: false, ..dry }, wet);

    let mut later = keys();
    later[3].revoked_at = Some(at(200));
    let before = content(&all(&store).await);
    let (report, _) = import(&store, later, true).await;
    assert_eq!((report.revoked, report.already_there), (1, 7));
    assert_eq!(content(&all(&store).await), before);
}

#[tokio::test]
async fn an_import_that_stops_anywhere_is_completed_by_the_next() {
    let whole = MemoryStore::new();
    import(&whole, keys(), false).await.1.unwrap();
    let whole = content(&all(&whole).await);
    for writes in 0..keys().len() {
        for is_late in [false, true] {
            let inner: &'static MemoryStore = Box::leak(Box::new(MemoryStore::new()));
            let failing = Failing { inner, writes_left: Mutex::new(writes), is_late };
            let (report, result) = import(&failing, keys(), false).await;
            assert!(result.is_err(), "it stops after {writes} writes");
            assert_eq!(report.imported, writes as u64);
            for row in all(inner).await {
                let source = keys().into_iter().find(|key| key.prefix == row.prefix).unwrap();
                assert_eq!(row.revoked_at, source.revoked_at, "never live, not for a moment");
                assert_eq!(row.disabled_at, source.disabled_at);
                assert_eq!(row.expires_at, source.expires_at);
            }
            let (report, result) = import(inner, keys(), false).await;
            result.unwrap();
            assert_eq!(report.imported + report.already_there, 8);
            assert_eq!(report.refused, 0);
            assert_eq!(content(&all(inner).await), whole, "after {writes} writes");
        }
    }
}

#[tokio::test]
async fn a_second_run_that_stops_anywhere_revokes_in_the_end() {
    let mut later = keys();
    later.iter_mut().for_each(|key| key.revoked_at = Some(at(200)));
    for writes in 0..keys().len() {
        for is_late in [false, true] {
            let inner: &'static MemoryStore = Box::leak(Box::new(MemoryStore::new()));
            import(inner, keys(), false).await.1.unwrap();
            let failing = Failing { inner, writes_left: Mutex::new(writes), is_late };
            // Each key is a refused insert and, if it is live, an update.
            let _ = import(&failing, later.clone(), false).await;
            import(inner, later.clone(), false).await.1.unwrap();
            for row in all(inner).await {
                let first = keys().into_iter().find(|key| key.prefix == row.prefix).unwrap();
                let expected = first.revoked_at.or(Some(at(200)));
                assert_eq!(row.revoked_at, expected, "a revocation does not move");
            }
        }
    }
}

#[tokio::test]
async fn revokes_what_was_revoked_since_and_brings_nothing_back() {
    let store = MemoryStore::new();
    import(&store, keys(), false).await.1.unwrap();
    let mut later = keys();
    later[3].revoked_at = Some(at(200));
    later[0].revoked_at = None;
    let (report, _) = import(&store, later, false).await;
    assert_eq!((report.revoked, report.already_there, report.imported), (1, 7, 0));
    let rows = all(&store).await;
    let row = |prefix| rows.iter().find(|row| row.prefix == prefix).unwrap();
    assert_eq!(row("key00003").revoked_at, Some(at(200)));
    assert_eq!(row("key00000").revoked_at, Some(at(100)), "a revoked key stays revoked");
    let differences: Vec<_> =
        report.differences.iter().map(|it| (&*it.prefix, &*it.difference)).collect();
    assert_eq!(differences, [("key00000", "is revoked here, and not at the source")]);
}

#[tokio::test]
async fn reports_other_differences_and_changes_nothing() {
    let store = MemoryStore::new();
    import(&store, keys(), false).await.1.unwrap();
    let before = content(&all(&store).await);
    let mut later = keys();
    later[3].expires_at = Some(at(500));
    later[7].name = "renamed".to_owned();
    later[7].expires_at = None;
    // The other system hashed it anew.
    later[2].hashed_key = HashedKey::new("sha256$$00");
    let (report, _) = import(&store, later, false).await;
    assert_eq!((report.already_there, report.refused), (8, 0));
    let differences: Vec<_> =
        report.differences.iter().map(|it| format!("{} {}", it.prefix, it.difference)).collect();
    assert_eq!(
        differences,
        [
            "key00003 ends 2027-01-15T08:08:20Z at the source, and ends 2027-01-15T08:16:40Z here",
            "key00007 does not end at the source, and ends 2027-01-15T08:16:40Z here",
            "key00007 has another name at the source",
        ]
    );
    assert_eq!(content(&all(&store).await), before);
}

#[tokio::test]
async fn knows_a_key_whose_hash_was_replaced_here() {
    let store = MemoryStore::new();
    import(&store, keys(), false).await.1.unwrap();
    let row = &all(&store).await[0];
    let patch = KeyPatch::default().rehash(row.hashed_key.clone(), HashedKey::new("sha256$$11"));
    store.update(&row.id, None, &patch).await.unwrap().unwrap();
    let (report, _) = import(&store, keys(), false).await;
    assert_eq!((report.already_there, report.refused), (8, 0));
    assert_eq!(all(&store).await[0].hashed_key.as_str(), "sha256$$11");
}

#[tokio::test]
async fn refuses_what_cannot_be_a_key_here_and_imports_the_rest() {
    let store = MemoryStore::new();
    import(&store, [key(5)], false).await.1.unwrap();
    let changed = |number, change: fn(&mut ForeignKey)| {
        let mut key = key(number);
        change(&mut key);
        key
    };
    let source = [
        changed(1, |key| key.prefix = "ab_d".to_owned()),
        changed(2, |key| key.prefix = "with\u{1b}[2J.esc".to_owned()),
        changed(3, |key| key.hashed_key = HashedKey::new("!unusable")),
        changed(4, |key| key.name = "n".repeat(201)),
        changed(5, |key| {
            key.hashed_key = HashedKey::new("sha512$$another");
            key.created_at = at(77);
        }),
        key(6),
        changed(7, |key| key.name = "a\0b".to_owned()),
    ];
    let (report, result) = import(&store, source, false).await;
    result.unwrap();
    assert_eq!((report.read, report.imported, report.refused), (7, 1, 6));
    let refusals: Vec<_> =
        report.refusals.iter().map(|refusal| (&*refusal.prefix, &*refusal.reason)).collect();
    let prefix = "its prefix is not 1 to 32 letters and digits, so that no format reads the key";
    assert_eq!(
        refusals,
        [
            ("ab_d", prefix),
            ("with\\u{1b}[2J.esc", prefix),
            ("key00003", "no hasher reads its stored hash"),
            ("key00004", "its name has more than 200 characters"),
            ("key00005", "its prefix is taken by another key"),
            ("key00007", "its name has a NUL character, which not every database takes"),
        ]
    );
    let rows = all(&store).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].name, "client 5", "the key that was there is as it was");
}

#[tokio::test]
async fn takes_names_as_they_are() {
    let store = MemoryStore::new();
    let mut source = [key(0), key(1), key(2)];
    for (key, name) in source.iter_mut().zip(["Ünïcode – client", "", "two\nlines"]) {
        name.clone_into(&mut key.name);
    }
    source[0].name.push_str(&"a".repeat(50));
    let (report, _) = import(&store, source.clone(), false).await;
    assert_eq!(report.imported, 3);
    let mut rows = all(&store).await;
    rows.reverse();
    assert!(rows.iter().zip(&source).all(|(row, key)| row.name == key.name));
}
