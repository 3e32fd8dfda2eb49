//! From a key's text to a verdict: size, layout, secret, state, and what is answered.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::time::Duration;

use apikey_core::{
    AnyKey, ApiKeys, AuthError, Clock, DenyReason, HashedKey, KeyHasher, KeyPatch, KeyRecord,
    KeyStore, ManualClock, MemoryStore, NewKey, NewRecord, Outcomes, RequestHead, Scopes, Sha256,
    Timestamp, Verified, scope,
};
use futures::executor::block_on;

/// A request without headers.
struct Bare;

impl RequestHead for Bare {
    fn header_lines(&self, _: &str, _: &mut dyn FnMut(&[u8])) {}

    fn query(&self) -> Option<&str> {
        None
    }
}

const TEXT: &str = "FbY8NwcU.eb4c0wrUGZECjUYrZUPet9Ee9txXOl0g";

/// A store with the key `TEXT`.
fn store() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let hash = Sha256.hash(TEXT.as_bytes()).unwrap();
    let new = NewRecord::new("FbY8NwcU", hash, "reports", clock().now(), ())
        .with_scopes(Scopes::parse("reports:read").unwrap());
    block_on(store.insert(&new, None)).unwrap();
    store
}

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_timestamp_micros(1_700_000_000_123_456).unwrap())
}

fn keys() -> ApiKeys {
    ApiKeys::builder(store()).clock(clock()).build().unwrap()
}

fn reason(outcome: Result<Verified<KeyRecord>, AuthError>) -> Option<DenyReason> {
    outcome.err().map(|error| error.reason())
}

#[test]
fn judges_size_then_layout_then_secret() {
    let keys = keys();
    let wrong = TEXT.replace("0g", "0h");
    let unknown = TEXT.replace("FbY8", "fbY8");
    for (text, expected) in [
        (TEXT, None),
        (&"a".repeat(257), Some(DenyReason::TooLong)),
        (&"a".repeat(256), Some(DenyReason::Malformed)),
        ("", Some(DenyReason::Malformed)),
        (&TEXT[1..], Some(DenyReason::Malformed)),
        (&TEXT.replace('.', "_"), Some(DenyReason::Malformed)),
        (&wrong, Some(DenyReason::WrongSecret)),
        (&unknown, Some(DenyReason::UnknownPrefix)),
    ] {
        assert_eq!(reason(block_on(keys.verify(text))), expected, "{text}");
    }
}

/// The states a key can be in, by what is done to it.
fn states(clock: &ManualClock) -> [(&'static str, KeyPatch, DenyReason); 5] {
    let now = clock.now();
    let patch = KeyPatch::default;
    [
        ("revoked", patch().revoked_at(now), DenyReason::Revoked),
        ("disabled", patch().disabled_at(Some(now)), DenyReason::Disabled),
        ("expired", patch().expires_at(Some(now)), DenyReason::Expired),
        ("revoked, expired", patch().revoked_at(now).expires_at(Some(now)), DenyReason::Revoked),
        (
            "disabled, expired",
            patch().disabled_at(Some(now)).expires_at(Some(now)),
            DenyReason::Disabled,
        ),
    ]
}

#[test]
fn judges_the_state_only_when_the_secret_is_proven() {
    let clock = clock();
    for (state, patch, expected) in states(&clock) {
        let store = store();
        let keys = ApiKeys::builder(Arc::clone(&store)).clock(clock.clone()).build().unwrap();
        block_on(store.update(&1, None, &patch)).unwrap().unwrap();
        assert_eq!(reason(block_on(keys.verify(TEXT))), Some(expected), "{state}");
        let wrong = block_on(keys.verify(TEXT.replace("0g", "0h"))).unwrap_err();
        let unknown = block_on(keys.verify(TEXT.replace("FbY8", "fbY8"))).unwrap_err();
        assert_eq!(wrong.reason(), DenyReason::WrongSecret, "{state}");
        assert_eq!(answer(&wrong), answer(&unknown), "{state}");
    }
}

#[test]
fn a_key_expires_at_its_moment_and_not_before() {
    let clock = clock();
    let keys =
        ApiKeys::builder(MemoryStore::<KeyRecord>::new()).clock(clock.clone()).build().unwrap();
    let new = NewKey::new("short").expires_in(Duration::from_secs(60));
    let created = block_on(keys.create(new)).unwrap();
    clock.advance(Duration::from_micros(59_999_999));
    assert!(block_on(keys.verify(created.plaintext.expose())).is_ok());
    clock.advance(Duration::from_micros(1));
    let reason = reason(block_on(keys.verify(created.plaintext.expose())));
    assert_eq!(reason, Some(DenyReason::Expired));
}

#[test]
fn the_models_own_filter_is_judged_after_the_secret() {
    let store = MemoryStore::<KeyRecord>::new().usable_if(|key| key.name != "reports");
    let hash = Sha256.hash(TEXT.as_bytes()).unwrap();
    let new = NewRecord::new("FbY8NwcU", hash, "reports", clock().now(), ());
    block_on(store.insert(&new, None)).unwrap();
    let keys = ApiKeys::new(store);
    assert_eq!(reason(block_on(keys.verify(TEXT))), Some(DenyReason::OwnerNotUsable));
    let wrong = block_on(keys.verify(TEXT.replace("0g", "0h")));
    assert_eq!(reason(wrong), Some(DenyReason::WrongSecret));
}

type Answer = (u16, Vec<(&'static str, String)>, String);

fn answer(error: &AuthError) -> Answer {
    (error.status(), error.headers().collect(), error.body())
}

#[test]
fn hides_expiry_on_request() {
    let (clock, store) = (clock(), store());
    let keys = ApiKeys::builder(Arc::clone(&store)).clock(clock.clone()).hide_expired();
    let keys = keys.build().unwrap();
    let (_, expire, _) = &states(&clock)[2];
    block_on(store.update(&1, None, expire)).unwrap();
    let expired = block_on(keys.verify(TEXT)).unwrap_err();
    let unknown = block_on(keys.verify(TEXT.replace("FbY8", "fbY8"))).unwrap_err();
    assert_eq!(expired.reason(), DenyReason::Expired);
    assert_eq!(answer(&expired), answer(&unknown));
}

#[test]
fn answers_with_the_table_of_status_headers_and_body() {
    let keys = keys();
    let refusal = block_on(keys.authenticate(&Bare)).unwrap_err();
    let (status, headers, body) = answer(&refusal);
    assert_eq!(status, 401);
    assert_eq!(
        headers,
        [
            ("content-type", "application/problem+json".to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("www-authenticate", r#"Api-Key realm="api""#.to_owned()),
        ]
    );
    assert_eq!(
        body,
        r#"{"type":"urn:apikey:problem:missing-api-key","title":"API key required","status":401,"detail":"No API key was sent with the request."}"#
    );
    let good = block_on(keys.verify(TEXT)).unwrap();
    let refusal = keys.authorize(&good, &(scope("a") & scope("b"))).unwrap_err();
    let challenge = refusal.headers().find(|(name, _)| *name == "www-authenticate").unwrap().1;
    assert_eq!(challenge, r#"Api-Key realm="api", error="insufficient_scope", scope="a b""#);
    assert!(
        refusal
            .body()
            .ends_with(r#""detail":"The API key lacks a scope that this request needs: a b."}"#)
    );
}

#[test]
fn a_key_of_another_handle_opens_nothing() {
    let (one, other) = (keys(), keys());
    let verified = block_on(one.verify(TEXT)).unwrap();
    assert!(one.authorize(&verified, &AnyKey).is_ok());
    assert_eq!(other.authorize(&verified, &AnyKey).unwrap_err().status(), 401);
    let mut outcomes = Outcomes::default();
    outcomes.record(&other, &Ok(verified.clone()));
    assert!(outcomes.of(&one).is_none() && outcomes.of(&other).is_none());
    outcomes.record(&one, &Ok(verified));
    assert!(outcomes.of(&one.clone()).unwrap().is_ok());
    assert!(outcomes.of(&other).is_none());
}

#[test]
fn verification_deletes_and_writes_nothing() {
    let clock = clock();
    let store = store();
    let (_, expire, _) = &states(&clock)[2];
    let before = block_on(store.update(&1, None, expire)).unwrap();
    let keys = ApiKeys::builder(Arc::clone(&store)).clock(clock).build().unwrap();
    for text in [TEXT, "x", &TEXT.replace("0g", "0h")] {
        assert!(block_on(keys.verify(text)).is_err());
    }
    assert_eq!(block_on(store.get("FbY8NwcU", None)).unwrap(), before);
}

#[test]
fn no_output_of_a_refusal_or_a_key_holds_a_secret() {
    let keys = keys();
    let verified = block_on(keys.verify(TEXT)).unwrap();
    let wrong = TEXT.replace("0g", "0h");
    let refusal = block_on(keys.verify(&wrong)).unwrap_err();
    let shown = format!("{verified:?} {refusal:?} {refusal} {keys:?} {}", refusal.body());
    let hash = Sha256.hash(TEXT.as_bytes()).unwrap();
    for secret in [&TEXT[9..], &wrong[9..], hash.as_str(), &hash.as_str()[8..]] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(format!("{:?}", HashedKey::new("sha256$$00")), "HashedKey(redacted)");
}
