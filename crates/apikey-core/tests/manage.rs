//! Creating, finding, changing and revoking keys.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use apikey_conformance::{Operation, SpyStore};
use apikey_core::{
    ApiKeys, Clock, GenerateError, KeyFormat, KeyGenerator, KeyQuery, KeyRecord, KeyStatus,
    KeyStore, KeyUpdate, ManageError, ManualClock, MemoryStore, NewKey, ScopeError, Timestamp,
};
use futures::executor::block_on;

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_timestamp_micros(1_700_000_000_123_456).unwrap())
}

fn keys(clock: &ManualClock) -> ApiKeys {
    ApiKeys::builder(MemoryStore::new()).clock(clock.clone()).build().unwrap()
}

#[test]
fn creates_a_key_that_opens_and_is_stored_hashed() {
    let clock = clock();
    let keys = keys(&clock);
    let new = NewKey::new("reports").scopes(["b", "a"]).expires_in(Duration::from_secs(60));
    let created = block_on(keys.create(new)).unwrap();
    let text = created.plaintext.expose();
    assert_eq!(text.split_once('.').unwrap().0, created.key.prefix);
    assert!(!created.key.hashed_key.as_str().contains(&text[9..]));
    assert_eq!(created.key.scopes.as_str(), "a b");
    assert_eq!(created.key.created_at, clock.now());
    assert_eq!(created.key.expires_at, Some(clock.now() + Duration::from_secs(60)));
    assert_eq!(*block_on(keys.verify(text)).unwrap(), created.key);
}

#[test]
fn refuses_bad_input_and_writes_nothing() {
    let clock = clock();
    let keys = keys(&clock);
    let long = "n".repeat(10_000);
    for name in ["", "  ", "a\nb", "a\u{7f}", "a\u{1b}[31m", &long, &"\u{e9}".repeat(201)] {
        assert!(matches!(block_on(keys.create(name)), Err(ManageError::Name)), "{name:.20}");
    }
    for scope in ["", "two words", "tab\t", "\u{e9}", &"s".repeat(65)] {
        let created = block_on(keys.create(NewKey::new("n").scopes([scope])));
        assert!(matches!(created, Err(ManageError::Scope(_))), "{scope:?}");
    }
    let far = "+012000-01-01T00:00:00Z".parse().unwrap();
    for expiry in [clock.now(), clock.now() - Duration::from_micros(1), far] {
        let created = block_on(keys.create(NewKey::new("n").expires_at(expiry)));
        assert!(matches!(created, Err(ManageError::Expiry)), "{expiry}");
    }
    for time in [Duration::ZERO, Duration::MAX] {
        let created = block_on(keys.create(NewKey::new("n").expires_in(time)));
        assert!(matches!(created, Err(ManageError::Expiry)));
    }
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 0);
    assert!(block_on(keys.create("\u{e9}".repeat(200))).is_ok());
}

#[test]
fn updates_what_is_named_and_nothing_else() {
    let clock = clock();
    let keys = keys(&clock);
    let expiry = clock.now() + Duration::from_secs(60);
    let created =
        block_on(keys.create(NewKey::new("old").scopes(["a"]).expires_at(expiry))).unwrap();
    let prefix = created.key.prefix.as_str();
    let update = |update| block_on(keys.update(prefix, update));
    let renamed = update(KeyUpdate::new().name("new")).unwrap();
    assert_eq!((&*renamed.name, renamed.scopes.as_str()), ("new", "a"));
    assert_eq!(renamed.expires_at, Some(expiry));
    let changed = update(KeyUpdate::new().scopes(Vec::<String>::new()).never_expires()).unwrap();
    assert!(changed.scopes.is_empty() && changed.expires_at.is_none());
    assert!(matches!(update(KeyUpdate::new().name("")), Err(ManageError::Name)));
    assert!(matches!(update(KeyUpdate::new().scopes(["a b"])), Err(ManageError::Scope(_))));
    assert!(matches!(update(KeyUpdate::new().expires_at(clock.now())), Err(ManageError::Expiry)));
    assert_eq!(update(KeyUpdate::new()).unwrap(), changed);
    let unknown = block_on(keys.update("unknown0", KeyUpdate::new()));
    assert!(matches!(unknown, Err(ManageError::NotFound { prefix }) if prefix == "unknown0"));
}

#[test]
fn revokes_once_and_for_ever() {
    let clock = clock();
    let keys = keys(&clock);
    let created = block_on(keys.create("k")).unwrap();
    let prefix = created.key.prefix.as_str();
    let revoked_at = block_on(keys.revoke(prefix)).unwrap().revoked_at;
    assert_eq!(revoked_at, Some(clock.now()));
    assert!(block_on(keys.verify(created.plaintext.expose())).is_err());
    clock.advance(Duration::from_secs(1));
    assert_eq!(block_on(keys.revoke(prefix)).unwrap().revoked_at, revoked_at);
    let renamed =
        block_on(keys.update(prefix, KeyUpdate::new().name("x").never_expires())).unwrap();
    assert_eq!(renamed.status(clock.now()), KeyStatus::Revoked);
    assert!(matches!(block_on(keys.revoke("unknown0")), Err(ManageError::NotFound { .. })));
}

#[test]
fn lists_every_key_once_newest_first() {
    let clock = clock();
    let keys = keys(&clock);
    let mut created = Vec::new();
    for number in 0..25 {
        created.push(block_on(keys.create(format!("k{number}"))).unwrap().key.name);
        clock.advance(Duration::from_micros(number % 2));
    }
    let mut seen = Vec::new();
    let mut query = KeyQuery::new().limit(7);
    loop {
        let page = block_on(keys.list(&query)).unwrap();
        seen.extend(page.keys.into_iter().map(|key| key.name));
        let Some(next) = page.next else { break };
        query = query.after(Some(next));
    }
    created.reverse();
    assert_eq!(seen, created);
    assert_eq!(block_on(keys.count(&query)).unwrap(), 25);
}

/// Draws the same characters twice, then others.
#[derive(Debug, Default)]
struct Repeating(AtomicU8);

impl KeyGenerator for Repeating {
    fn fill(&self, characters: &mut [u8]) -> Result<(), GenerateError> {
        let draw = self.0.fetch_add(1, Ordering::SeqCst);
        characters.fill(if draw < 2 { b'a' } else { b'a' + draw });
        Ok(())
    }
}

#[test]
fn draws_again_when_a_prefix_is_taken() {
    let format = KeyFormat::default().generator(Repeating::default());
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).format(format).build().unwrap();
    let first = block_on(keys.create("one")).unwrap();
    let second = block_on(keys.create("two")).unwrap();
    assert_eq!((&*first.key.prefix, &*second.key.prefix), ("aaaaaaaa", "cccccccc"));
}

#[derive(Debug)]
struct Stuck;

impl KeyGenerator for Stuck {
    fn fill(&self, characters: &mut [u8]) -> Result<(), GenerateError> {
        characters.fill(b'a');
        Ok(())
    }
}

#[test]
fn gives_up_on_a_generator_that_is_stuck() {
    let format = KeyFormat::default().generator(Stuck);
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).format(format).build().unwrap();
    block_on(keys.create("one")).unwrap();
    assert!(matches!(block_on(keys.create("two")), Err(ManageError::Store(_))));
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 1);
}

#[test]
fn draws_keys_that_differ() {
    let keys = ApiKeys::in_memory();
    let texts: HashSet<String> = (0..200)
        .map(|_| block_on(keys.create("k")).unwrap().plaintext.expose().to_owned())
        .collect();
    assert_eq!(texts.len(), 200);
}

const FIXED: &str = "FbY8NwcU.eb4c0wrUGZECjUYrZUPet9Ee9txXOl0g";

#[test]
fn creates_a_fixed_key_again_and_again() {
    let keys = ApiKeys::in_memory();
    let fixed = |text: &str| block_on(keys.create(NewKey::new("dev").with_plaintext(text)));
    let first = fixed(FIXED).unwrap();
    assert_eq!(fixed(FIXED).unwrap().key, first.key);
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 1);
    assert!(matches!(fixed(&FIXED.replace("0g", "0h")), Err(ManageError::PlaintextTaken)));
    for bad in ["", "dev", "dev.secret", &FIXED[..FIXED.len() - 1]] {
        assert!(matches!(fixed(bad), Err(ManageError::Plaintext(_))), "{bad}");
    }
    block_on(keys.revoke("FbY8NwcU")).unwrap();
    assert!(matches!(fixed(FIXED), Err(ManageError::PlaintextTaken)));
}

/// What is pasted where a prefix belongs may be a whole key.
#[test]
fn no_error_repeats_a_key_and_no_store_is_asked_for_one() {
    let store = Arc::new(SpyStore::<MemoryStore>::default());
    let keys = ApiKeys::new(Arc::clone(&store));
    let created = block_on(keys.create("k")).unwrap();
    let text = created.plaintext.expose();
    for result in [
        block_on(keys.revoke(text)),
        block_on(keys.update(text, KeyUpdate::new().name("n"))),
        block_on(keys.rotate(text, Duration::ZERO)).map(|created| created.key),
        block_on(keys.revoke("\0")),
        block_on(keys.revoke("")),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, ManageError::NotFound { .. }));
        assert!(!format!("{error} {error:?}").contains(&text[9..]), "{error}");
    }
    assert!(block_on(keys.get(text)).unwrap().is_none());
    assert_eq!(block_on(keys.is_usable(text)).unwrap(), None);
    for asked in [Operation::Get, Operation::FindByPrefix] {
        assert_eq!(store.begun(asked), 0, "{asked:?}");
    }
}

/// What is pasted where a name belongs, too.
#[test]
fn the_text_of_a_key_is_no_name_and_no_scope() {
    let branded = KeyFormat::branded("acme_live").unwrap();
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
        .format(branded)
        .accept_format(KeyFormat::default());
    let keys = keys.build().unwrap();
    let created = block_on(keys.create("k")).unwrap();
    let (own, prefix) = (created.plaintext.expose(), &created.key.prefix);
    let cut = format!("{}0", &own[..own.len() - 1]);
    // Also of a brand that this handle does not know, as that of the command which was not told.
    let foreign = "acme_n4Amzb2J_n1qtHUckwuOjowRPkpaSzx8uN628VDGz4Tt8v4";
    for text in [own, cut.as_str(), FIXED, foreign] {
        let silent = |error: ManageError| {
            assert!(!format!("{error} {error:?}").contains(&text[20..]), "{error}");
            error
        };
        for name in [text.to_owned(), format!(" {text}\u{a0}"), format!("CI (\"{text}.\")")] {
            let created = block_on(keys.create(&*name)).map(|created| created.key);
            let renamed = block_on(keys.update(prefix, KeyUpdate::new().name(&*name)));
            for result in [created, renamed] {
                assert!(matches!(silent(result.unwrap_err()), ManageError::Name), "{name}");
            }
        }
        for scope in [text.to_owned(), format!("key:{text}"), format!("{text}\n")] {
            let scopes = ["reports:read".to_owned(), scope];
            let created = block_on(keys.create(NewKey::new("k").scopes(scopes.clone())));
            let changed = block_on(keys.update(prefix, KeyUpdate::new().scopes(scopes)));
            for result in [created.map(|created| created.key), changed] {
                let error = silent(result.unwrap_err());
                assert!(matches!(error, ManageError::Scope(ScopeError::Key)), "{error:?}");
            }
        }
    }
    for name in ["FbY8NwcU", "CI of acme_live_n4Amzb2J", "a_b_c", "_000000", "one.two"] {
        block_on(keys.create(NewKey::new(name).scopes(["acme_n4Amzb2J"]))).unwrap();
    }
}

#[test]
fn no_store_is_searched_for_a_key() {
    let store = Arc::new(SpyStore::<MemoryStore>::default());
    let keys = ApiKeys::new(Arc::clone(&store));
    let created = block_on(keys.create("k")).unwrap();
    let text = created.plaintext.expose();
    for query in [
        KeyQuery::new().search(text),
        KeyQuery::new().search(format!("{text}\n")),
        KeyQuery::new().rotated_from(text),
    ] {
        let page = block_on(keys.list(&query)).unwrap();
        assert!(page.keys.is_empty() && page.next.is_none() && page.unreadable.is_empty());
        assert_eq!(block_on(keys.count(&query)).unwrap(), 0);
    }
    let begun = [Operation::List, Operation::Count].map(|operation| store.begun(operation));
    assert_eq!(begun, [0, 0]);
    let query = KeyQuery::new().search(&*created.key.prefix);
    assert_eq!(block_on(keys.list(&query)).unwrap().keys, [created.key]);
}

#[test]
fn bounds_the_scopes_of_a_key() {
    let keys = ApiKeys::in_memory();
    let scopes = |count: usize| (0..count).map(|number| format!("scope:{number}"));
    let key = block_on(keys.create(NewKey::new("k").scopes(scopes(100)))).unwrap().key;
    let too_many = |result: Result<KeyRecord, ManageError>| {
        assert!(matches!(result, Err(ManageError::Scope(ScopeError::TooMany))));
    };
    let created = block_on(keys.create(NewKey::new("k").scopes(scopes(101))));
    too_many(created.map(|created| created.key));
    too_many(block_on(keys.update(&key.prefix, KeyUpdate::new().scopes(scopes(101)))));
}

#[test]
fn rotation_and_another_expiry_do_not_pass_the_limit() {
    let clock = clock();
    let store = MemoryStore::<KeyRecord>::new();
    let keys = ApiKeys::builder(store).max_keys_per_owner(2).clock(clock.clone()).build().unwrap();
    let (day, year) = (Duration::from_secs(86_400), Duration::from_secs(366 * 86_400));
    let mut prefixes: Vec<_> =
        (0..2).map(|_| block_on(keys.create("k")).unwrap().key.prefix).collect();
    for prefix in &mut prefixes {
        *prefix = block_on(keys.rotate(prefix, year)).unwrap().key.prefix;
    }
    let refused = block_on(keys.rotate(&prefixes[0], year));
    assert!(matches!(refused, Err(ManageError::LimitReached { .. })), "two, and as many that end");
    block_on(keys.rotate(&prefixes[0], Duration::ZERO)).unwrap();

    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).max_keys_per_owner(1);
    let keys = keys.clock(clock.clone()).build().unwrap();
    let ended = block_on(keys.create(NewKey::new("k").expires_in(day))).unwrap().key.prefix;
    clock.advance(day);
    block_on(keys.create("k")).unwrap();
    let revived = block_on(keys.update(&ended, KeyUpdate::new().never_expires()));
    assert!(matches!(revived, Err(ManageError::Expired)));
}

#[test]
fn bounds_the_keys_of_an_owner() {
    let clock = clock();
    let store: Arc<dyn KeyStore<KeyRecord>> = Arc::new(MemoryStore::<KeyRecord>::new());
    let keys = ApiKeys::builder(store).max_keys_per_owner(2).clock(clock.clone()).build().unwrap();
    let first = block_on(keys.create("1")).unwrap();
    block_on(keys.create(NewKey::new("2").expires_in(Duration::from_secs(1)))).unwrap();
    assert!(matches!(block_on(keys.create("3")), Err(ManageError::LimitReached { limit: 2 })));
    clock.advance(Duration::from_secs(1));
    block_on(keys.create("3")).unwrap();
    block_on(keys.revoke(&first.key.prefix)).unwrap();
    block_on(keys.create("4")).unwrap();
    assert!(matches!(block_on(keys.create("5")), Err(ManageError::LimitReached { limit: 2 })));
}

/// What chrono keeps as the 61st second of a minute is the beginning of the next, as databases have it.
#[test]
fn a_leap_second_is_one_moment() {
    let leap = Timestamp::from_str("2030-12-31T23:59:60.25Z").unwrap();
    let moment = Timestamp::from_str("2031-01-01T00:00:00.25Z").unwrap();
    let keys = ApiKeys::in_memory();
    let created = block_on(keys.create(NewKey::new("k").expires_at(leap))).unwrap().key;
    assert_eq!(created.expires_at, Some(moment));
    let other = block_on(keys.create("k")).unwrap().key;
    let updated = block_on(keys.update(&other.prefix, KeyUpdate::new().expires_at(leap))).unwrap();
    assert_eq!(updated.expires_at, Some(moment));
    block_on(keys.rotate_seen(&created.prefix, Some(leap), Duration::ZERO)).unwrap();
    let last = Timestamp::from_str("9999-12-31T23:59:60Z").unwrap();
    let beyond = block_on(keys.create(NewKey::new("k").expires_at(last)));
    assert!(matches!(beyond, Err(ManageError::Expiry)), "that is the year 10000");
}
