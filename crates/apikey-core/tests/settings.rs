//! Settings that do not go together are refused by `build`, with the fix in the message.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use apikey_core::{
    ApiKeys, ApiKeysBuilder, BuildError, FormatError, KeyFormat, KeyLocation, KeyRecord,
    MemoryStore, Pepper,
};
use tracing::Level;

use crate::log::Log;

#[path = "support/log.rs"]
mod log;

fn builder() -> ApiKeysBuilder<KeyRecord> {
    ApiKeys::builder(MemoryStore::new())
}

fn located(locations: impl IntoIterator<Item = KeyLocation>) -> Result<(), BuildError> {
    builder().locations(locations).build().map(drop)
}

#[test]
fn refuses_formats_that_cannot_be_told_apart() {
    let acme = || KeyFormat::branded("acme").unwrap();
    let build = |one, other| builder().format(one).accept_format(other).build().map(drop);
    assert!(matches!(build(acme(), acme()), Err(BuildError::FormatsCollide)));
    let plain = KeyFormat::default;
    assert!(matches!(build(plain(), plain()), Err(BuildError::FormatsCollide)));
    assert!(build(acme(), acme().lengths(8, 40).unwrap()).is_ok());
    assert!(build(acme(), plain()).is_ok());
}

#[test]
fn refuses_no_location_and_the_same_one_twice() {
    assert!(matches!(located([]), Err(BuildError::NoLocation)));
    for twice in [
        [KeyLocation::header("X-Api-Key"), KeyLocation::header("x-api-key")],
        [KeyLocation::authorization("Api-Key"), KeyLocation::authorization("API-KEY")],
        [KeyLocation::query("key"), KeyLocation::query("key")],
        [KeyLocation::bearer().exclusive(), KeyLocation::bearer()],
        [KeyLocation::basic(), KeyLocation::basic().user("api")],
        [KeyLocation::authorization("basic"), KeyLocation::basic()],
        [KeyLocation::basic(), KeyLocation::authorization("BASIC")],
    ] {
        assert!(matches!(located(twice), Err(BuildError::LocationsOverlap { .. })));
    }
}

#[test]
fn refuses_locations_that_cannot_occur() {
    for bad in [
        KeyLocation::authorization(""),
        KeyLocation::authorization("Api Key"),
        KeyLocation::authorization("Bearer"),
        KeyLocation::authorization("Api-Key\""),
        KeyLocation::header("X Api"),
        KeyLocation::header("Authorization"),
        KeyLocation::query(""),
        KeyLocation::basic().user(""),
        KeyLocation::basic().user("a:b"),
        KeyLocation::basic().user("a\nb"),
        KeyLocation::basic().user("u".repeat(65)),
    ] {
        assert!(matches!(located([bad.clone()]), Err(BuildError::BadLocation { .. })), "{bad:?}");
    }
}

#[test]
fn refuses_to_share_bearer_tokens_without_a_brand() {
    assert!(matches!(located([KeyLocation::bearer()]), Err(BuildError::BearerWithoutBrand)));
    assert!(located([KeyLocation::bearer().exclusive()]).is_ok());
    let branded = || builder().format(KeyFormat::branded("acme").unwrap());
    assert!(branded().locations([KeyLocation::bearer()]).build().is_ok());
    let also_plain = branded().accept_format(KeyFormat::default());
    let built = also_plain.locations([KeyLocation::bearer()]).build();
    assert!(matches!(built, Err(BuildError::BearerWithoutBrand)));
}

#[test]
fn takes_branded_bearer_tokens_beside_keys_without_a_brand_if_told_to() {
    let locations = || [KeyLocation::bearer().branded(), KeyLocation::header("X-Api-Key")];
    let branded = || builder().format(KeyFormat::branded("acme").unwrap());
    branded().accept_format(KeyFormat::default()).locations(locations()).build().unwrap();
    let old_first = builder().accept_format(KeyFormat::branded("acme").unwrap());
    old_first.locations(locations()).build().unwrap();
    // Without any brand it would find nothing.
    assert!(matches!(located(locations()), Err(BuildError::BearerWithoutBrand)));
}

#[test]
fn makes_no_keys_of_a_layout_for_old_ones() {
    let short = || KeyFormat::default().legacy_lengths(4, 32).unwrap();
    assert!(matches!(builder().format(short()).build(), Err(BuildError::LegacyFormat)));
    builder().accept_format(short()).build().unwrap();
    assert_eq!(KeyFormat::default().legacy_lengths(0, 32).unwrap_err(), FormatError::PrefixLength);
    assert_eq!(KeyFormat::default().legacy_lengths(33, 32).unwrap_err(), FormatError::PrefixLength);
    assert_eq!(KeyFormat::default().legacy_lengths(4, 21).unwrap_err(), FormatError::SecretLength);
    assert!(!short().lengths(8, 40).unwrap().is_legacy());
    let twice = builder().accept_format(KeyFormat::default().legacy_lengths(8, 32).unwrap());
    assert!(matches!(twice.build(), Err(BuildError::FormatsCollide)));
}

#[test]
fn warns_of_a_header_that_proxies_drop() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        located([KeyLocation::header("X_Api_Key"), KeyLocation::header("X-Api-Key")]).unwrap();
        located([KeyLocation::query("api_key")]).unwrap();
    });
    let events = log.take();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].0, Level::WARN);
    assert!(events[0].1.contains("x_api_key"), "{events:?}");
}

#[test]
fn refuses_a_realm_that_would_break_the_header() {
    for bad in ["a\"b", "a\\b", "a\r\nb", "\u{e9}"] {
        assert!(matches!(builder().realm(bad).build(), Err(BuildError::BadRealm)), "{bad:?}");
    }
}

#[test]
fn has_no_default_pepper_and_takes_no_short_one() {
    assert!(Pepper::new(1, []).is_err());
    assert!(Pepper::new(1, [0; 31]).is_err());
}
