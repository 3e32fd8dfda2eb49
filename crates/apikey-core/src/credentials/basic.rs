//! The key in the user or the password of `Basic`, RFC 7617.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::key::MAX_KEY_LENGTH;

const MAX_USER_LENGTH: usize = 64;

/// What the longest user, a colon and the longest key have room in.
const MAX_DECODED_LENGTH: usize = 3 * MAX_ENCODED_LENGTH / 4;
const MAX_ENCODED_LENGTH: usize = 4 * (MAX_USER_LENGTH + 1 + MAX_KEY_LENGTH).div_ceil(3);

/// What is found in place of a key where there is something else: no key has this text.
const NO_KEY: &[u8] = b":";

/// Calls `found` with the key: without allocation, whatever was sent.
pub(super) fn decode(encoded: &[u8], user: Option<&str>, found: &mut dyn FnMut(&[u8])) {
    if encoded.is_empty() || encoded.len() > MAX_ENCODED_LENGTH {
        // Which is empty, or longer than any key.
        return found(encoded);
    }
    let mut buffer = Zeroizing::new([0; MAX_DECODED_LENGTH]);
    let decoded = Base64::decode(encoded, buffer.as_mut_slice()).unwrap_or_default();
    found(key(decoded, user).unwrap_or(NO_KEY));
}

/// Cuts at the first colon: a user has none, and neither has a key.
fn key<'a>(decoded: &'a [u8], expected: Option<&str>) -> Option<&'a [u8]> {
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (user, password) = (decoded.get(..colon)?, decoded.get(colon + 1..)?);
    match expected {
        None => password.is_empty().then_some(user),
        Some(expected) => (user == expected.as_bytes()).then_some(password),
    }
}

/// Returns the value of the header that carries a key.
pub(super) fn encode(user: Option<&str>, key: &str) -> String {
    let pair = Zeroizing::new(match user {
        None => format!("{key}:"),
        Some(user) => format!("{user}:{key}"),
    });
    format!("{} {}", super::BASIC, Base64::encode_string(pair.as_bytes()))
}

/// Whether a text can be a user of RFC 7617.
pub(super) fn is_user(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_USER_LENGTH
        && !text.contains(|c: char| c == ':' || c.is_control())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(encoded: &[u8], user: Option<&str>) -> Vec<u8> {
        let mut all = Vec::new();
        decode(encoded, user, &mut |key| all.push(key.to_vec()));
        assert_eq!(all.len(), 1, "one credential, whatever was sent");
        all.remove(0)
    }

    fn encoded(text: &[u8]) -> String {
        Base64::encode_string(text)
    }

    #[test]
    fn reads_the_user_without_a_password_or_the_password_of_a_user() {
        assert_eq!(found(encoded(b"abc.def:").as_bytes(), None), b"abc.def");
        assert_eq!(found(encoded(b"api:abc.def").as_bytes(), Some("api")), b"abc.def");
        assert_eq!(found(encoded(b"api:").as_bytes(), Some("api")), b"");
        assert_eq!(found(b"", None), b"");
        for (text, user) in [
            (&b"abc.def"[..], None),
            (b"abc.def:x", None),
            (b"api:abc.def", None),
            (b"abc.def:", Some("api")),
            (b"API:abc.def", Some("api")),
            (b":abc.def", Some("api")),
        ] {
            assert_eq!(found(encoded(text).as_bytes(), user), NO_KEY, "{text:?}");
        }
        // Not the alphabet, no padding, or bits that are left over.
        for bad in ["YWJjLmRlZjo", "YWJj\nLmRlZjo=", "_-_-", "=", "YWJjLmRlZjp=x", "!!!!"] {
            assert_eq!(found(bad.as_bytes(), None), NO_KEY, "{bad}");
        }
    }

    #[test]
    fn reads_the_longest_and_nothing_longer() {
        let (user, key) = ("u".repeat(MAX_USER_LENGTH), "k".repeat(MAX_KEY_LENGTH));
        let longest = encoded(format!("{user}:{key}").as_bytes());
        assert_eq!(found(longest.as_bytes(), Some(&user)), key.as_bytes());
        let long = "a".repeat(MAX_ENCODED_LENGTH + 4);
        assert!(found(long.as_bytes(), None).len() > MAX_KEY_LENGTH);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            found(&bytes, None);
            found(encoded(&bytes).as_bytes(), Some("api"));
        }

        #[test]
        fn reads_what_it_writes(key in "[0-9A-Za-z._]{1,256}", user in proptest::option::of("[a-z]{1,64}")) {
            let value = encode(user.as_deref(), &key);
            let sent = value.strip_prefix("Basic ").unwrap();
            prop_assert_eq!(found(sent.as_bytes(), user.as_deref()), key.as_bytes());
        }
    }
}
