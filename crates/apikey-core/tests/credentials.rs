//! Where a request carries its key: schemes, headers, queries, own places, and more than one of them.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use apikey_core::{
    ApiKeys, AuthError, Carried, DenyReason, KeyFormat, KeyHasher, KeyLocation, KeyRecord,
    KeyStore, ManageError, MemoryStore, NewKey, NewRecord, RequestHead, Sha256, Timestamp,
    Verified,
};
use base64ct::Encoding;
use futures::executor::block_on;

/// A request's head: header lines in order, and a query.
#[derive(Default)]
struct Head<'a> {
    lines: &'a [(&'a str, &'a [u8])],
    query: Option<&'a str>,
}

impl RequestHead for Head<'_> {
    fn header_lines(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        self.lines.iter().filter(|(line, _)| *line == name).for_each(|(_, value)| each(value));
    }

    fn query(&self) -> Option<&str> {
        self.query
    }
}

const TEXT: &str = "FbY8NwcU.eb4c0wrUGZECjUYrZUPet9Ee9txXOl0g";

/// A handle's store, with the key `TEXT`.
fn store() -> MemoryStore {
    let store = MemoryStore::new();
    let hash = Sha256.hash(TEXT.as_bytes()).unwrap();
    let new = NewRecord::new("FbY8NwcU", hash, "reports", Timestamp::default(), ());
    block_on(store.insert(&new, None)).unwrap();
    store
}

fn reason(outcome: Result<Verified<KeyRecord>, AuthError>) -> Option<DenyReason> {
    outcome.err().map(|error| error.reason())
}

/// What becomes of `Authorization: <line>`.
fn authorization(keys: &ApiKeys, line: &str) -> Option<DenyReason> {
    let lines = [("authorization", line.as_bytes())];
    reason(block_on(keys.authenticate(&Head { lines: &lines, query: None })))
}

#[test]
fn reads_the_scheme_as_rfc_9110_says() {
    let keys = ApiKeys::new(store());
    for good in ["Api-Key @", "api-key @", "API-KEY @", "Api-Key   @", " Api-Key @ \t"] {
        assert_eq!(authorization(&keys, &good.replace('@', TEXT)), None, "{good}");
    }
    for absent in ["", "@", "Bearer @", "Api-Key:@", "ApiKey @", "Api-Key@", "Basic x"] {
        let reason = authorization(&keys, &absent.replace('@', TEXT));
        assert_eq!(reason, Some(DenyReason::Missing), "{absent}");
    }
    for bad in ["Api-Key", "Api-Key ", "Api-Key\t@", "Api-Key \t@", "Api-Key @ @", "Api-Key @,"] {
        let reason = authorization(&keys, &bad.replace('@', TEXT));
        assert_eq!(reason, Some(DenyReason::Malformed), "{bad}");
    }
}

#[test]
fn refuses_a_second_credential_wherever_it_is() {
    let keys = ApiKeys::builder(store())
        .locations([
            KeyLocation::authorization("Api-Key"),
            KeyLocation::header("X-Api-Key"),
            KeyLocation::query("api_key"),
        ])
        .build()
        .unwrap();
    let ours: &[u8] = &[b"Api-Key ", TEXT.as_bytes()].concat();
    let (text, query) = (TEXT.as_bytes(), format!("a=b&api_key={TEXT}"));
    let twice = format!("{query}&api_key=");
    type Lines<'a> = &'a [(&'a str, &'a [u8])];
    let several: [(Lines<'_>, Option<&str>); 8] = [
        (&[("authorization", ours), ("authorization", ours)], None),
        (&[("authorization", ours), ("authorization", b"Basic x")], None),
        (&[("authorization", b""), ("authorization", ours)], None),
        (&[("authorization", ours), ("x-api-key", text)], None),
        (&[("x-api-key", text), ("x-api-key", text)], None),
        (&[("x-api-key", text), ("authorization", b"Api-Key")], None),
        (&[("x-api-key", b"")], Some(&query)),
        (&[], Some(&twice)),
    ];
    for (lines, query) in several {
        let outcome = block_on(keys.authenticate(&Head { lines, query }));
        assert_eq!(reason(outcome), Some(DenyReason::Multiple), "{lines:?} {query:?}");
    }
    let one: [(Lines<'_>, Option<&str>); 4] = [
        (&[("authorization", b"Bearer x"), ("x-api-key", text)], None),
        (&[("authorization", b"Api-Key \xff"), ("authorization", ours)], None),
        (&[("x-api-key", b" \xff"), ("x-api-key", text)], None),
        (&[], Some(&query)),
    ];
    for (lines, query) in one {
        let outcome = block_on(keys.authenticate(&Head { lines, query }));
        assert_eq!(reason(outcome), None, "{lines:?} {query:?}");
    }
}

#[test]
fn decodes_the_query_and_can_strip_it() {
    let location = KeyLocation::query("api_key");
    let keys = ApiKeys::builder(store()).locations([location.clone()]).build().unwrap();
    let encoded = TEXT.replace('.', "%2E");
    let query = format!("x=1&api%5Fkey={encoded}&y=%20");
    let verified = block_on(keys.authenticate(&Head { query: Some(&query), ..Head::default() }));
    let verified = verified.unwrap();
    let found = keys.location_of(&verified).unwrap();
    assert_eq!(found.strip_query(&query).unwrap(), "x=1&y=%20");
    assert_eq!(found.header_name(), None);
}

#[test]
fn finds_a_key_by_a_function() {
    let cookie = KeyLocation::from_fn(|head, found| {
        head.header_lines("cookie", &mut |line| {
            if let Some(key) = line.strip_prefix(b"key=") {
                found(key);
            }
        });
    });
    let keys = ApiKeys::builder(store()).locations([cookie]).build().unwrap();
    let line = [b"key=", TEXT.as_bytes()].concat();
    let lines = [("cookie", line.as_slice())];
    assert!(block_on(keys.authenticate(&Head { lines: &lines, query: None })).is_ok());
    let twice = [lines[0], lines[0]];
    let outcome = block_on(keys.authenticate(&Head { lines: &twice, query: None }));
    assert_eq!(reason(outcome), Some(DenyReason::Multiple));

    // As for the locations of the core: a line that cannot be read is no key, and no absence of one.
    let invalid = [line.as_slice(), b"\xff"].concat();
    let lines = [("cookie", invalid.as_slice()), ("cookie", b"  key=x ")];
    let outcome = block_on(keys.authenticate(&Head { lines: &lines[..1], query: None }));
    assert_eq!(reason(outcome), Some(DenyReason::Unreadable));
    let outcome = block_on(keys.authenticate(&Head { lines: &lines, query: None }));
    assert_eq!(reason(outcome), Some(DenyReason::Malformed));
}

#[test]
fn shares_bearer_tokens_by_brand() {
    let branded = KeyFormat::branded("acme").unwrap();
    let shared = ApiKeys::builder(store())
        .format(branded.clone())
        .locations([KeyLocation::bearer()])
        .build()
        .unwrap();
    for (line, expected) in [
        ("Bearer eyJhbGciOi.e30.abc", DenyReason::Missing),
        ("Bearer acmeX", DenyReason::Missing),
        ("Bearer my_acme_n4Amzb2J_n1qtHUckwuOjowRPkpaSzx8uN628VDGz4Tt8v4", DenyReason::Missing),
        ("Bearer", DenyReason::Missing),
        ("Bearer acme_", DenyReason::Malformed),
        ("bearer acme_n4Amzb2J_n1qtHUckwuOjowRPkpaSzx8uN628VDGz4Tt8v5", DenyReason::Checksum),
        ("bearer acme_n4Amzb2J_n1qtHUckwuOjowRPkpaSzx8uN628VDGz4Tt8v4", DenyReason::UnknownPrefix),
    ] {
        assert_eq!(authorization(&shared, line), Some(expected), "{line}");
    }
    let exclusive =
        ApiKeys::builder(store()).locations([KeyLocation::bearer().exclusive()]).build().unwrap();
    assert_eq!(authorization(&exclusive, &format!("Bearer {TEXT}")), None);
    assert_eq!(authorization(&exclusive, "Bearer eyJhbGciOi.e30.abc"), Some(DenyReason::Malformed));
    assert_eq!(authorization(&exclusive, "Bearer"), Some(DenyReason::Malformed));
}

#[test]
fn reads_a_branded_bearer_token_and_an_old_key_from_a_header() {
    let keys = ApiKeys::builder(store())
        .format(KeyFormat::branded("acme").unwrap())
        .accept_format(KeyFormat::default())
        .locations([KeyLocation::bearer().branded(), KeyLocation::header("X-Api-Key")])
        .build()
        .unwrap();
    let created = block_on(keys.create("new")).unwrap();
    assert_eq!(authorization(&keys, &format!("Bearer {}", created.plaintext.expose())), None);
    assert_eq!(authorization(&keys, &format!("Bearer {TEXT}")), Some(DenyReason::Missing));
    assert_eq!(authorization(&keys, "Bearer acme_"), Some(DenyReason::Malformed));
    let lines = [("x-api-key", TEXT.as_bytes()), ("authorization", b"Bearer eyJhbGciOi.e30.abc")];
    let outcome = block_on(keys.authenticate(&Head { lines: &lines, query: None }));
    assert_eq!(reason(outcome), None);
}

fn basic(text: &str) -> String {
    format!("Basic {}", base64ct::Base64::encode_string(text.as_bytes()))
}

/// A handle that reads keys by `Basic`, too.
fn with_basic(location: KeyLocation) -> ApiKeys {
    let locations = [KeyLocation::authorization("Api-Key"), location];
    ApiKeys::builder(store()).locations(locations).build().unwrap()
}

/// Where clients can do nothing else: the key is the user, or the password of a certain user.
#[test]
fn reads_the_user_or_the_password_of_basic() {
    let by_user = with_basic(KeyLocation::basic());
    let by_password = with_basic(KeyLocation::basic().user("api"));
    let good = basic(&format!("{TEXT}:"));
    for good in [&good, &good.replace("Basic", "bASIC "), &format!("Api-Key {TEXT}")] {
        assert_eq!(authorization(&by_user, good), None, "{good}");
    }
    assert_eq!(authorization(&by_password, &basic(&format!("api:{TEXT}"))), None);

    let (with_password, by_another) = (format!("{TEXT}:x"), format!("x:{TEXT}"));
    let malformed = Some(DenyReason::Malformed);
    for bad in [TEXT, &with_password, &by_another, "a:b", ":", ""].map(basic) {
        assert_eq!(authorization(&by_user, &bad), malformed, "{bad}");
    }
    for bad in ["Basic", "Basic !", "Basic x y", &good, &basic(&format!("root:{TEXT}"))] {
        assert_eq!(authorization(&by_password, bad), malformed, "{bad}");
    }
    let long = basic(&"a".repeat(5000));
    assert_eq!(authorization(&by_user, &long), Some(DenyReason::TooLong));
}

#[test]
fn a_key_in_basic_is_one_credential_among_others() {
    let keys = with_basic(KeyLocation::basic());
    let (good, ours) = (basic(&format!("{TEXT}:")), format!("Api-Key {TEXT}"));
    for second in [good.as_bytes(), ours.as_bytes(), b"Bearer x"] {
        let lines = [("authorization", good.as_bytes()), ("authorization", second)];
        let outcome = block_on(keys.authenticate(&Head { lines: &lines, query: None }));
        assert_eq!(reason(outcome), Some(DenyReason::Multiple), "{second:?}");
    }
    let refusal = block_on(keys.authenticate(&Head::default())).unwrap_err();
    let challenge = refusal.headers().find(|(name, _)| *name == "www-authenticate").unwrap().1;
    assert_eq!(challenge, r#"Api-Key realm="api", Basic realm="api""#);
    assert_eq!(KeyLocation::basic().header_name(), Some("authorization"));
}

/// Tests and clients ask the handle how to send a key.
#[test]
fn finds_each_key_that_it_says_how_to_carry() {
    let branded = KeyFormat::branded("acme").unwrap();
    let own = || KeyLocation::from_fn(|_, _| {});
    for locations in [
        vec![KeyLocation::authorization("Token")],
        vec![KeyLocation::basic()],
        vec![KeyLocation::basic().user("api")],
        vec![own(), KeyLocation::bearer()],
        vec![KeyLocation::query("api_key"), KeyLocation::header("X-Api-Key")],
        vec![own(), KeyLocation::query("key & lock")],
    ] {
        let builder = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).format(branded.clone());
        let keys = builder.locations(locations.clone()).build().unwrap();
        let created = block_on(keys.create("ci")).unwrap();
        let carried = keys.carry(&created.plaintext).unwrap();
        assert!(!format!("{carried:?}").contains(created.plaintext.expose()));
        let outcome = match &carried {
            Carried::Header { name, value } => {
                let lines = [(name.as_str(), value.as_bytes())];
                block_on(keys.authenticate(&Head { lines: &lines, query: None }))
            }
            Carried::Query { pair } => {
                block_on(keys.authenticate(&Head { query: Some(pair), ..Head::default() }))
            }
            _ => unreachable!("there is no other way"),
        };
        assert_eq!(reason(outcome), None, "{locations:?}");
    }
    let keys = ApiKeys::builder(store()).locations([own()]).build().unwrap();
    let created = block_on(keys.create("ci")).unwrap();
    assert_eq!(keys.carry(&created.plaintext), None);

    // A key without a brand is none as a bearer token, so it goes by the other location.
    let builder = ApiKeys::builder(store()).accept_format(branded);
    let locations = [KeyLocation::bearer().branded(), KeyLocation::query("key")];
    let keys = builder.locations(locations).build().unwrap();
    let created = block_on(keys.create("ci")).unwrap();
    assert!(matches!(keys.carry(&created.plaintext), Some(Carried::Query { .. })));
}

/// Django sites chose prefixes of one to seven characters, too.
#[test]
fn reads_keys_with_short_prefixes_and_makes_none() {
    let text = "abcd.eb4c0wrUGZECjUYrZUPet9Ee9txXOl0g";
    let store = MemoryStore::<KeyRecord>::new();
    let hash = Sha256.hash(text.as_bytes()).unwrap();
    let new = NewRecord::new("abcd", hash, "old", Timestamp::default(), ());
    block_on(store.insert(&new, None)).unwrap();
    let short = KeyFormat::default().legacy_lengths(4, 32).unwrap();
    let keys = ApiKeys::builder(store).accept_format(short).build().unwrap();
    assert_eq!(authorization(&keys, &format!("Api-Key {text}")), None);
    assert_eq!(block_on(keys.create("new")).unwrap().key.prefix.len(), 8);
    let fixed = NewKey::new("fixed").with_plaintext("efgh.eb4c0wrUGZECjUYrZUPet9Ee9txXOl0g");
    assert!(matches!(block_on(keys.create(fixed)), Err(ManageError::Plaintext(_))));
    let successor = block_on(keys.rotate("abcd", apikey_core::DEFAULT_GRACE)).unwrap();
    assert_eq!(successor.key.prefix.len(), 8);
}

#[test]
fn challenges_follow_the_locations_without_duplicates() {
    let keys = ApiKeys::builder(store())
        .format(KeyFormat::branded("acme").unwrap())
        .locations([
            KeyLocation::header("X-Api-Key"),
            KeyLocation::bearer(),
            KeyLocation::query("key"),
            KeyLocation::authorization("Token"),
        ])
        .realm("reports")
        .build()
        .unwrap();
    let refusal = block_on(keys.verify("x")).unwrap_err();
    let challenge = refusal.headers().find(|(name, _)| *name == "www-authenticate").unwrap().1;
    let error = r#"realm="reports", error="invalid_token""#;
    assert_eq!(challenge, format!("Api-Key {error}, Bearer {error}, Token {error}"));
}
