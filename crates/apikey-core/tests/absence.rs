//! What is said where no key was found: "none was sent" only where none was.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use apikey_core::{
    ApiKeys, AuthError, DenyReason, KeyFormat, KeyLocation, KeyRecord, MemoryStore, RequestHead,
};
use futures::executor::block_on;

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

const KEY: &str = "FbY8NwcU.eb4c0wrUGZECjUYrZUPet9Ee9txXOl0g";
const BRANDED: &str = "acme_n4Amzb2J_n1qtHUckwuOjowRPkpaSzx8uN628VDGz4Tt8v4";

fn keys(locations: impl IntoIterator<Item = KeyLocation>) -> ApiKeys {
    let branded = KeyFormat::branded("acme").unwrap();
    let builder = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).format(branded);
    builder.locations(locations).build().unwrap()
}

fn refusal(keys: &ApiKeys, lines: &[(&str, &[u8])]) -> AuthError {
    block_on(keys.authenticate(&Head(lines))).unwrap_err()
}

/// Returns the last member of the body, and sees to it that nothing else of the answer changes.
fn detail(keys: &ApiKeys, line: &str) -> String {
    let error = refusal(keys, &[("authorization", line.as_bytes())]);
    assert_eq!(error.status(), 401, "{line}");
    assert!(error.is_missing(), "{line}");
    let challenge = error.headers().find(|(name, _)| *name == "www-authenticate").unwrap().1;
    assert!(!challenge.contains("error"), "{line}");
    let body: serde_json::Value = serde_json::from_str(&error.body()).unwrap();
    assert_eq!(body["type"], "urn:apikey:problem:missing-api-key", "{line}");
    assert!(!error.body().contains(&KEY[9..]), "{line}");
    body["detail"].as_str().unwrap().to_owned()
}

const NONE: &str = "No API key was sent with the request.";

#[test]
fn another_scheme_is_said_to_be_one() {
    let keys = ApiKeys::in_memory();
    let expected = "The Authorization header holds no API key: its scheme is not Api-Key.";
    for line in
        ["Bearer @", "Bearer Bearer @", "Token @", "Api-Key: @", "Api-Key:@", "@", "Basic YTpi"]
    {
        assert_eq!(detail(&keys, &line.replace('@', KEY)), expected, "{line}");
    }
    for nothing in ["", " ", "\t"] {
        assert_eq!(detail(&keys, nothing), NONE, "{nothing:?}");
    }
    assert!(refusal(&keys, &[]).body().contains(NONE));
}

#[test]
fn all_schemes_are_named_once() {
    let keys = keys([
        KeyLocation::header("X-Api-Key"),
        KeyLocation::authorization("Api-Key"),
        KeyLocation::bearer(),
        KeyLocation::authorization("Token"),
    ]);
    assert_eq!(
        detail(&keys, "Basic YTpi"),
        "The Authorization header holds no API key: its scheme is not Api-Key, Bearer or Token."
    );
}

#[test]
fn a_bearer_token_of_others_is_said_to_be_one() {
    let keys = keys([KeyLocation::bearer()]);
    let expected = "The Authorization header holds no API key: its bearer token does not begin like one of this \
                    service.";
    for line in ["Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc", "bearer Bearer @", "Bearer", "Bearer x_@"] {
        assert_eq!(detail(&keys, &line.replace('@', BRANDED)), expected, "{line}");
    }
    let expected = "The Authorization header holds no API key: its scheme is not Bearer.";
    assert_eq!(detail(&keys, &format!("Api-Key {BRANDED}")), expected);
}

#[test]
fn a_header_that_is_not_looked_at_is_said_to_be_one() {
    let keys = keys([KeyLocation::header("X-Api-Key")]);
    assert_eq!(
        detail(&keys, &format!("Api-Key {BRANDED}")),
        "No API key was sent where this service looks for one; it does not look at the Authorization header."
    );
    assert_eq!(detail(&keys, ""), NONE);
}

#[test]
fn a_credential_that_is_no_text_is_not_taken_for_the_absence_of_one() {
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
        .locations([KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")])
        .build()
        .unwrap();
    let pasted = [KEY.as_bytes(), b"\xa0"].concat();
    let ours = [b"Api-Key ", pasted.as_slice()].concat();
    for lines in [[("authorization", ours.as_slice())], [("x-api-key", pasted.as_slice())]] {
        let outcome = block_on(keys.authenticate(&Head(&lines)));
        // What every adapter's `OptionalApiKey` asks.
        let error = AuthError::optional(outcome).expect_err("it does not go on without a key");
        assert_eq!(error.status(), 401);
        assert!(!error.is_missing());
        // Status and slug are those of all adapters, since one of them never sees such lines.
        assert_eq!(error.body(), refusal(&keys, &[]).body());
    }
    // What is not ours in any reading is not looked at.
    for foreign in [b"Basic \xff".as_slice(), b"\xff", b"Api-Key\xff"] {
        let outcome = block_on(keys.authenticate(&Head(&[("authorization", foreign)])));
        assert!(AuthError::optional(outcome).unwrap().is_none(), "{foreign:?}");
    }
}

/// Of a line that a function of the application cannot see, nobody knows whether it held a key.
#[test]
fn a_line_that_a_function_does_not_see_is_not_taken_for_the_absence_of_a_key() {
    let cookie = KeyLocation::from_fn(|head, found| {
        head.header_lines("cookie", &mut |line| {
            for pair in line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
                if let Some(key) = pair.strip_prefix(b"api_key=") {
                    found(key);
                }
            }
        });
    });
    let locations = [KeyLocation::authorization("Api-Key"), cookie];
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).locations(locations);
    let keys = keys.build().unwrap();
    let good = block_on(keys.create("k")).unwrap().plaintext;
    let (good, other) = (good.expose().as_bytes(), ("cookie", &b"x=\xff"[..]));
    let line = [b"api_key=", good, b"; x=\xff"].concat();
    for lines in [&[("cookie", line.as_slice())][..], &[other], &[("cookie", b"a=b"), other]] {
        let outcome = block_on(keys.authenticate(&Head(lines)));
        let error = AuthError::optional(outcome).expect_err("it does not go on without a key");
        assert_eq!((error.status(), error.reason()), (401, DenyReason::Unreadable));
        assert_eq!(error.body(), refusal(&keys, &[]).body());
    }
    // Beside a good key it is passed over, as elsewhere; what the function did not ask for says nothing.
    let ours = [b"Api-Key ", good].concat();
    let in_cookie = [b"api_key=", good].concat();
    for lines in [[("authorization", ours.as_slice()), other], [("cookie", &in_cookie), other]] {
        block_on(keys.authenticate(&Head(&lines))).unwrap();
    }
    for lines in [("x-other", &b"\xff"[..]), ("cookie", "x=\u{ff}".as_bytes())] {
        let outcome = block_on(keys.authenticate(&Head(&[lines])));
        assert!(AuthError::optional(outcome).unwrap().is_none());
    }
}

#[test]
fn an_empty_credential_beside_another_is_said_to_be_empty() {
    let locations = [KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")];
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).locations(locations).build();
    let keys = keys.unwrap();
    let good = format!("Api-Key {KEY}");
    let says_empty = |lines: &[(&str, &[u8])]| {
        let error = refusal(&keys, lines);
        assert_eq!(error.status(), 400);
        error.body().contains("one of them is empty")
    };
    let ours = ("authorization", good.as_bytes());
    assert!(says_empty(&[ours, ("x-api-key", b"")]));
    assert!(says_empty(&[("authorization", b"Api-Key"), ("x-api-key", KEY.as_bytes())]));
    assert!(!says_empty(&[ours, ("x-api-key", KEY.as_bytes())]));
    assert!(!says_empty(&[ours, ("authorization", b"Basic YTpi")]));
}
