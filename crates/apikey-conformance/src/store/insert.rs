//! Inserting: every column comes back, a prefix is taken once.

use apikey_core::chrono::DateTime;
use apikey_core::{HashedKey, KeyModel, Scopes, StoreError, Timestamp};

use crate::fixture::{StoreFixture, Table, assert_duplicate, assert_same, at, hash_of, numbered};

/// What is inserted is returned, and comes back the same from every way of reading.
pub async fn returns_every_column_as_it_was_inserted<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let full = table
        .new_key("full0000")
        .with_scopes(Scopes::parse("reports:read admin a-b.c/d*e%f_g'h").expect("these are scopes"))
        .with_expires_at(Some(at(77)))
        .with_rotated_from(Some("before00".to_owned()));
    for new in [table.new_key("bare0000"), full, table.new_key_of(2, "other000")] {
        let key = table.insert(&new).await;
        let record = key.record();
        assert_eq!(record.prefix, new.prefix, "`prefix` is returned as given");
        assert_eq!(
            record.hashed_key.as_str(),
            new.hashed_key.as_str(),
            "`hashed_key` is returned as given"
        );
        assert_eq!(record.name, new.name, "`name` is returned as given");
        assert_eq!(record.scopes, new.scopes, "`scopes` is returned as given");
        assert_eq!(record.created_at, new.created_at, "`created_at` is returned as given");
        assert_eq!(record.expires_at, new.expires_at, "`expires_at` is returned as given");
        assert_eq!(record.rotated_from, new.rotated_from, "`rotated_from` is returned as given");
        assert_eq!(record.disabled_at, None, "a new key is not disabled");
        assert_eq!(record.revoked_at, None, "a new key is not revoked");
        assert_eq!(record.last_used_at, None, "a new key was not used");
        assert_eq!(
            format!("{:?}", key.extra()),
            format!("{:?}", new.extra),
            "the values of the model's own columns are stored"
        );
        assert_same(&table.read(&new.prefix).await, &key, "`get` returns what was inserted");
    }
    if let Some(owner) = fixture.owner(2) {
        assert_eq!(table.read("other000").await.owner(), Some(&owner), "the owner is stored");
    }
    for listed in table.all().await {
        let read = table.read(&listed.record().prefix).await;
        assert_same(&listed, &read, "`list` and `get` return the same");
    }
}

/// A key that was revoked or disabled where it comes from is so from its first moment.
pub async fn inserts_a_revoked_key_revoked<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let revoked = table.new_key("revoked0").with_revoked_at(Some(at(1)));
    let disabled = table.new_key("disable0").with_disabled_at(Some(at(2)));
    let both = table.new_key("bothends").with_revoked_at(Some(at(3))).with_disabled_at(Some(at(4)));
    for new in [revoked, disabled, both] {
        let key = match table.store.insert(&new, None).await {
            Ok(key) => key,
            // A table without the column must not take the key.
            Err(StoreError::Unsupported { .. }) if new.disabled_at.is_some() => {
                let found = table.store.get(&new.prefix, None).await.expect("it can be read");
                assert!(found.is_none(), "a refused insert adds nothing");
                continue;
            }
            Err(error) => panic!("a key that has ended can be inserted: {error}"),
        };
        let record = key.record();
        assert_eq!(record.revoked_at, new.revoked_at, "`revoked_at` is returned as given");
        assert_eq!(record.disabled_at, new.disabled_at, "`disabled_at` is returned as given");
        let found = table.store.find_by_prefix(&new.prefix).await.expect("it can be read");
        let found = found.expect("keys in every state are found").key;
        assert_same(&found, &key, "`find_by_prefix` returns what was inserted");
        assert_same(&table.read(&new.prefix).await, &key, "`get` returns what was inserted");
    }
}

/// Times come back to the microsecond, over the whole range that is let in.
pub async fn keeps_times_to_the_microsecond<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let moments = [
        "2024-02-29T23:59:59.999999Z",
        "2026-03-29T01:30:00.000001Z",
        "2026-10-25T01:30:00.000000Z",
        "2038-01-19T03:14:08.100000Z",
        "9999-12-31T23:59:59.999999Z",
    ];
    for (number, text) in moments.into_iter().enumerate() {
        let time: Timestamp = text.parse().expect("it is a time");
        let created = DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time);
        let mut new = table.new_key(&numbered(number)).with_expires_at(Some(time));
        new.created_at = created;
        table.insert(&new).await;
        let record = table.read(&new.prefix).await.record().clone();
        assert_eq!(record.created_at, created, "`created_at` keeps the microseconds");
        assert_eq!(record.expires_at, Some(time), "`expires_at` keeps the microseconds");
    }
}

/// Text comes back byte by byte, whatever is in it.
pub async fn keeps_text_byte_by_byte<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let names = [
        " leading and trailing ".to_owned(),
        "Ünïcödé – 鍵 – 🔑 – e\u{301} and \u{e9}".to_owned(),
        r#"'quotes' "double" \back\ %percent_ ; DROP TABLE api_keys; -- ${x} ?1 :name"#.to_owned(),
        "🔑".repeat(200),
        "0".to_owned(),
        "NULL".to_owned(),
    ];
    for (number, name) in names.into_iter().enumerate() {
        let mut new = table.new_key(&numbered(number));
        new.name = name;
        table.insert(&new).await;
        let read = table.read(&new.prefix).await;
        assert_eq!(read.record().name, new.name, "a name comes back byte by byte");
    }
    let mut long = table.new_key(&"P".repeat(32));
    long.hashed_key = HashedKey::new(format!("$argon2id$v=19$m=19456,t=2,p=1${}", "h".repeat(300)));
    let scopes = (0..40).map(|number| format!("{number:02}{}", "s".repeat(62)));
    long.scopes = Scopes::collect(scopes).expect("these are scopes");
    let key = table.insert(&long).await;
    assert_eq!(key.record().scopes, long.scopes, "forty scopes of 64 bytes are kept");
    assert_same(&table.read(&long.prefix).await, &key, "long text is kept whole");
    assert_eq!(
        key.record().hashed_key.as_str(),
        long.hashed_key.as_str(),
        "and so are long hashes"
    );
}

/// A taken prefix is `Duplicate`, and nothing is changed.
pub async fn refuses_a_taken_prefix<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let key = table.add("taken000").await;
    let mut second = table.new_key_of(2, "taken000");
    second.name = "second".to_owned();
    second.hashed_key = hash_of("another");
    let refused = table.store.insert(&second, None).await;
    assert_duplicate(&refused, "a taken prefix is `Duplicate`, also for another owner");
    assert_same(&table.read("taken000").await, &key, "a refused insert leaves the key as it was");
    assert_eq!(table.all().await.len(), 1, "a refused insert adds nothing");
    table.add("TAKEN000").await;
    assert_eq!(table.all().await.len(), 2, "prefixes that differ in case are different");
}

/// A prefix that was taken by a key of any state stays taken.
pub async fn refuses_the_prefix_of_a_revoked_key<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let key = table.add("revoked0").await;
    let revoked = table.revoke(&key, at(1)).await;
    let refused = table.store.insert(&table.new_key("revoked0"), None).await;
    assert_duplicate(&refused, "the prefix of a revoked key is taken");
    assert_same(&table.read("revoked0").await, &revoked, "a refused insert revives no key");
}

/// Of any number of parallel inserts of one prefix exactly one succeeds; the others are `Duplicate`.
pub async fn lets_one_of_32_parallel_inserts_have_a_prefix<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    let new = table.new_key("contest0");
    let results = table
        .in_parallel(32, |store, number| {
            let mut new = new.clone();
            new.name = format!("contestant {number}");
            async move { store.insert(&new, None).await }
        })
        .await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "exactly one of 32 parallel inserts of one prefix succeeds");
    for refused in &lost {
        assert_duplicate(refused, "the others are told that the prefix is taken");
    }
    let all = table.all().await;
    assert_eq!(all.len(), 1, "exactly one of 32 parallel inserts is stored");
    let winner = won.into_iter().flatten().next().expect("one insert succeeded");
    assert_same(&all[0], &winner, "the key in the store is the one that was returned");
}

/// Parallel inserts of different prefixes all succeed, each with an id of its own.
pub async fn gives_parallel_inserts_different_ids<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    let new = table.new_key("");
    let results = table
        .in_parallel(32, |store, number| {
            let mut new = new.clone();
            new.prefix = numbered(number);
            async move { store.insert(&new, None).await }
        })
        .await;
    let mut ids: Vec<_> = results
        .into_iter()
        .map(|result| result.expect("inserts of different prefixes do not disturb each other"))
        .map(|key| key.record().id.clone())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 32, "every key has an id of its own");
}
