//! What operators hear of refusals: the reason and the prefix, as an error where the service is at fault.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::time::Duration;

use apikey_conformance::{Operation, SpyStore};
use apikey_core::{
    ApiKeys, DenyReason, HashedKey, KeyFormat, KeyLocation, KeyRecord, KeyStore, ManualClock,
    MemoryStore, NewKey, NewRecord, RequestHead, StoreError, UnreadableRow, scope,
};
use futures::executor::block_on;
use tracing::Level;

use crate::log::Log;

#[path = "support/log.rs"]
mod log;

const TEXT: &str = "FbY8NwcU.qRyUDt1EQZAZb0qi2VmOYnlbUjvuE6Tp";

/// Returns the only event of what is done.
fn event_of(action: impl FnOnce()) -> (Level, String) {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), action);
    let events = log.take();
    assert_eq!(events.len(), 1, "{events:?}");
    events[0].clone()
}

#[test]
fn a_row_that_nobody_can_verify_is_an_error_that_names_the_prefix() {
    for (stored, reason) in [
        ("", "bad_stored_hash"),
        ("md5$$00", "bad_stored_hash"),
        ("sha256$$00", "bad_stored_hash"),
        ("hmac-sha256$v=1$00", "hasher_not_configured"),
    ] {
        let store = MemoryStore::<KeyRecord>::new();
        let new = NewRecord::new("FbY8NwcU", HashedKey::new(stored), "k", Default::default(), ());
        block_on(store.insert(&new, None)).unwrap();
        let keys = ApiKeys::new(store);
        let (level, fields) = event_of(|| drop(block_on(keys.verify(TEXT)).unwrap_err()));
        assert_eq!(level, Level::ERROR, "{stored}");
        assert!(fields.contains(&format!("reason=\"{reason}\"")), "{stored}: {fields}");
        assert!(fields.contains("prefix=\"FbY8NwcU\""), "{stored}: {fields}");
        assert!(!fields.contains(&TEXT[9..]), "{fields}");
    }
}

#[test]
fn a_row_that_cannot_be_read_is_an_error_that_names_the_column() {
    let store = Arc::<SpyStore>::default();
    store.fail_with(Operation::FindByPrefix, || {
        let prefix = Some("FbY8NwcU".to_owned());
        StoreError::Unreadable(UnreadableRow::new(prefix, "the column scopes: bad", "repair it"))
    });
    let keys = ApiKeys::new(Arc::clone(&store));
    let (level, fields) = event_of(|| {
        let refusal = block_on(keys.verify(TEXT)).unwrap_err();
        let told = (refusal.reason(), refusal.status());
        assert_eq!(told, (DenyReason::UnreadableRow, 401));
        assert!(refusal.body().contains("invalid-api-key"), "{}", refusal.body());
    });
    assert_eq!(level, Level::ERROR);
    assert!(fields.contains("reason=\"unreadable_row\""), "{fields}");
    assert!(fields.contains("prefix=\"FbY8NwcU\""), "{fields}");
    assert!(!fields.contains(&TEXT[9..]), "{fields}");
}

#[test]
fn a_store_that_fails_is_an_error_with_its_cause() {
    let store = Arc::<SpyStore>::default();
    store.fail(Operation::FindByPrefix);
    let keys = ApiKeys::new(Arc::clone(&store));
    let (level, fields) = event_of(|| drop(block_on(keys.verify(TEXT)).unwrap_err()));
    assert_eq!(level, Level::ERROR);
    assert!(fields.contains("reason=\"store_unavailable\""), "{fields}");
    assert!(fields.contains("the key store is unavailable"), "{fields}");
}

#[test]
fn a_missing_scope_is_named_and_is_no_error() {
    let keys = ApiKeys::in_memory();
    let created = block_on(keys.create(NewKey::new("k"))).unwrap();
    let key = block_on(keys.verify(created.plaintext.expose())).unwrap();
    let rule = scope("reports:read") & scope("reports:export");
    let (level, fields) = event_of(|| drop(keys.authorize(&key, &rule).unwrap_err()));
    assert_eq!(level, Level::INFO);
    assert!(fields.contains("reason=\"insufficient_scope\""), "{fields}");
    assert!(fields.contains("scopes=\"reports:read reports:export\""), "{fields}");
}

#[test]
fn a_key_of_another_handle_is_a_mistake_of_the_application() {
    let (one, other) = (ApiKeys::in_memory(), ApiKeys::in_memory());
    let created = block_on(one.create("k")).unwrap();
    let key = block_on(one.verify(created.plaintext.expose())).unwrap();
    let (level, fields) = event_of(|| {
        let error = other.authorize(&key, &apikey_core::AnyKey).unwrap_err();
        assert_eq!(error.status(), 401);
    });
    assert_eq!(level, Level::ERROR);
    assert!(fields.contains("reason=\"another_handle\""), "{fields}");
}

/// Presents a text a number of times, and returns the events by level.
fn present(keys: &ApiKeys, text: &str, times: usize) -> Vec<(Level, String)> {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        for _ in 0..times {
            drop(block_on(keys.verify(text)).unwrap_err());
        }
    });
    let events = log.take();
    assert_eq!(events.len(), times, "each refusal is one event");
    events
}

/// How many refusals each event above `debug` counts.
fn told(events: &[(Level, String)], level: Level) -> Vec<u64> {
    let above = events.iter().filter(|(other, _)| *other < Level::DEBUG);
    let count = |(other, fields): &(Level, String)| {
        assert_eq!(*other, level, "{fields}");
        let (_, count) = fields.split_once(" refused=").unwrap();
        count.split_whitespace().next().unwrap().parse().unwrap()
    };
    above.map(count).collect()
}

#[test]
fn what_strangers_send_does_not_fill_the_log() {
    let clock = ManualClock::default();
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
        .format(KeyFormat::branded("acme").unwrap())
        .accept_format(KeyFormat::default())
        .clock(clock.clone())
        .build()
        .unwrap();
    let created = block_on(keys.create("k")).unwrap();
    let good = created.plaintext.expose().to_owned();
    let end = if good.ends_with('0') { "1" } else { "0" };
    let wrong_sum = format!("{}{end}", &good[..good.len() - 1]);
    let wrong = NewKey::new("wrong").with_plaintext(TEXT);
    block_on(keys.create(wrong)).unwrap();
    let wrong_secret = TEXT.replace("6Tp", "6Tq");
    let unknown = TEXT.replace("FbY8NwcU", "00000000");
    for (text, reason) in [
        (unknown.as_str(), "unknown_prefix"),
        (&wrong_secret, "wrong_secret"),
        ("nonsense", "malformed"),
        (&wrong_sum, "checksum"),
        (&"x".repeat(257), "too_long"),
    ] {
        let events = present(&keys, text, 1000);
        assert!(events.iter().all(|(_, fields)| fields.contains(&format!("reason=\"{reason}\""))));
        assert_eq!(told(&events, Level::INFO), [1], "{reason}");
        clock.advance(Duration::from_secs(10));
        assert_eq!(told(&present(&keys, text, 1000), Level::INFO), [1000], "{reason}");
    }
}

#[test]
fn a_store_that_is_down_does_not_fill_the_log() {
    let (store, clock) = (Arc::<SpyStore>::default(), ManualClock::default());
    store.fail(Operation::FindByPrefix);
    let keys = ApiKeys::builder(Arc::clone(&store)).clock(clock.clone()).build().unwrap();
    let events = present(&keys, TEXT, 1000);
    assert_eq!(told(&events, Level::ERROR), [1]);
    assert!(events.iter().all(|(_, fields)| fields.contains("the key store is unavailable")));
    clock.advance(Duration::from_secs(10));
    assert_eq!(told(&present(&keys, TEXT, 10), Level::ERROR), [1000]);
}

/// Whoever knows the prefix brings them about, with whatever secret.
#[test]
fn a_damaged_row_does_not_fill_the_log() {
    let unreadable = Arc::<SpyStore>::default();
    unreadable.fail_with(Operation::FindByPrefix, || {
        let prefix = Some("FbY8NwcU".to_owned());
        StoreError::Unreadable(UnreadableRow::new(prefix, "the column scopes: bad", "repair it"))
    });
    let of_hash = |stored| {
        let store = Arc::<SpyStore>::default();
        let new = NewRecord::new("FbY8NwcU", HashedKey::new(stored), "k", Default::default(), ());
        block_on(store.insert(&new, None)).unwrap();
        store
    };
    for (store, reason) in [
        (unreadable, "unreadable_row"),
        (of_hash("sha256$$00"), "bad_stored_hash"),
        (of_hash("hmac-sha256$v=1$00"), "hasher_not_configured"),
    ] {
        let clock = ManualClock::default();
        let keys = ApiKeys::builder(store).clock(clock.clone()).build().unwrap();
        let wrong = TEXT.replace("6Tp", "6Tq");
        let events = present(&keys, &wrong, 1000);
        assert!(events.iter().all(|(_, fields)| fields.contains(&format!("reason=\"{reason}\""))));
        assert!(events.iter().all(|(_, fields)| fields.contains("prefix=\"FbY8NwcU\"")));
        assert_eq!(told(&events, Level::ERROR), [1], "{reason}");
        clock.advance(Duration::from_secs(10));
        assert_eq!(told(&present(&keys, &wrong, 10), Level::ERROR), [1000], "{reason}");
    }
}

/// A request's head: header lines in order.
struct Head<'a>(&'a [(&'a str, &'a [u8])]);

impl RequestHead for Head<'_> {
    fn header_lines(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        self.0.iter().filter(|(line, _)| *line == name).for_each(|(_, value)| each(value));
    }

    fn query(&self) -> Option<&str> {
        None
    }
}

/// Clients behind templates send empty headers, and do not know.
#[test]
fn an_empty_credential_is_named_by_its_place() {
    let locations = [
        KeyLocation::authorization("Api-Key"),
        KeyLocation::header("X-Api-Key"),
        KeyLocation::basic(),
    ];
    let clock = ManualClock::default();
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).locations(locations);
    let keys = keys.clock(clock.clone()).build().unwrap();
    let ours = format!("Api-Key {TEXT}");
    let ours = ("authorization", ours.as_bytes());
    for (lines, told) in [
        (&[("x-api-key", &b""[..])][..], "empty=header x-api-key"),
        (&[("authorization", b"Api-Key ")], "empty=authorization Api-Key"),
        (&[("authorization", b"Basic Og==")], "empty=basic"),
        (&[ours, ("x-api-key", b"")], "places=\"authorization Api-Key; header x-api-key (empty)\""),
        (
            &[ours, ("authorization", b"Bearer x")],
            "Api-Key; authorization Api-Key (another scheme)\"",
        ),
        (&[ours, ours, ours, ours, ours], "authorization Api-Key; \u{2026}\""),
    ] {
        let (level, fields) = event_of(|| drop(block_on(keys.authenticate(&Head(lines)))));
        assert_eq!(level, Level::INFO, "{told}");
        assert!(fields.contains(told), "{told}: {fields}");
        assert!(!fields.contains(&TEXT[9..]), "{fields}");
        let (level, fields) = event_of(|| drop(block_on(keys.authenticate(&Head(lines)))));
        assert_eq!(level, Level::DEBUG, "counted: {told}");
        assert!(fields.contains(told), "{told}: {fields}");
        clock.advance(Duration::from_secs(10));
    }
    for (line, told) in
        [(&b"Token x"[..], "instead=\"other_scheme\""), (b"", "instead=\"nothing\"")]
    {
        let lines = [("authorization", line)];
        let (level, fields) = event_of(|| drop(block_on(keys.authenticate(&Head(&lines)))));
        assert_eq!(level, Level::DEBUG, "{told}");
        assert!(fields.contains(told) && fields.contains("reason=\"missing\""), "{fields}");
    }
}
