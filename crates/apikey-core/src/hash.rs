//! How keys are hashed: the contract of a hasher, and what it makes.

#[cfg(feature = "argon2")]
pub(crate) mod argon2;
#[cfg(feature = "bcrypt")]
pub(crate) mod bcrypt;
#[cfg(feature = "django")]
pub(crate) mod django;
pub(crate) mod encoding;
pub(crate) mod gate;
pub(crate) mod hmac;
#[cfg(feature = "pbkdf2")]
pub(crate) mod pbkdf2;
pub(crate) mod peppers;
#[cfg(feature = "password-hash")]
pub(crate) mod phc;
#[cfg(feature = "scrypt")]
pub(crate) mod scrypt;
pub(crate) mod set;
pub(crate) mod sha2;

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;

/// What is stored of a key: text that names its own algorithm and parameters, such as
/// `sha256$$<64 hex digits>` or a [PHC string].
///
/// # Security
/// `Debug` is redacted, and there is no `Display` and no serialization: no output of this library
/// holds a hash. Stores read it with [`as_str`](Self::as_str).
///
/// [PHC string]: https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HashedKey(String);

impl HashedKey {
    /// Wraps what a hasher made, or what a store has read. Nothing is checked here: a row is data, and
    /// is judged when a key is verified against it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for the column `hashed_key`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HashedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedKey(redacted)")
    }
}

/// Hashes keys and verifies them: one algorithm, with its parameters.
///
/// What is hashed is the whole text of the key, with brand and checksum. Implementations are pure: they
/// hold no state that a key could leave traces in, and they never log.
///
/// # Security
/// [`verify`](Self::verify) compares in constant time and caps what the stored string asks for (memory,
/// rounds) *before* it runs it: a row is data.
pub trait KeyHasher: fmt::Debug + Send + Sync + 'static {
    /// Returns the beginnings of the stored strings that this hasher makes or verifies, most recent
    /// first, as in `["sha256$$"]` or `["$argon2id$", "$argon2i$"]`. They choose the hasher for a row.
    fn encodings(&self) -> Vec<String>;

    /// Whether the stored string is of this algorithm, judged by its beginning alone.
    fn recognizes(&self, stored: &str) -> bool {
        self.encodings().iter().any(|encoding| stored.starts_with(encoding.as_str()))
    }

    /// Hashes a key, with a new salt where the algorithm has one.
    ///
    /// # Errors
    /// [`HashError::Failed`] if the algorithm or the source of randomness fails.
    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError>;

    /// Whether the stored string was made from this key.
    ///
    /// # Errors
    /// [`HashError::Malformed`] or [`HashError::TooCostly`] if the stored string cannot or must not be
    /// run, [`HashError::NotConfigured`] if it needs a pepper that is not there. Never `Ok(false)` for
    /// these: a broken row is not a wrong key.
    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError>;

    /// Whether a proven key should be hashed anew, since the stored string has other parameters than
    /// this hasher would use now. It is asked on a thread that serves requests, so it hashes nothing.
    fn needs_rehash(&self, stored: &str) -> bool {
        !self.recognizes(stored)
    }

    /// Whether making a hash takes long enough (over about 50 microseconds) to be kept off the threads that
    /// serve requests; it then runs on the threads of [`HashingThreads`](crate::HashingThreads).
    fn is_slow(&self) -> bool {
        true
    }

    /// Whether verifying this stored string takes that long.
    fn verifies_slowly(&self, stored: &str) -> bool {
        let _ = stored;
        self.is_slow()
    }

    /// Returns the longest input in bytes, if there is a limit that a key could pass (bcrypt: 72).
    fn max_input(&self) -> Option<usize> {
        None
    }
}

/// Why a key could not be hashed or verified. No variant holds the key or the stored string.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HashError {
    /// The stored string is damaged, or of an algorithm that nobody knows.
    #[error("the stored hash is malformed")]
    Malformed,
    /// The stored string asks for more memory, rounds or output than is allowed.
    #[error("the stored hash asks for more work than is allowed")]
    TooCostly,
    /// The stored string is of an algorithm or pepper version that the handle was not given.
    #[error("no hasher is configured for the stored hash: accept it with `Hashers::accept`")]
    NotConfigured,
    /// The threads for slow hashing have no room for more work.
    #[error("the queue for slow hashing is full")]
    QueueFull,
    /// The algorithm failed.
    #[error("hashing failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Prints a digest behind the head that names its algorithm.
fn encode(head: &str, digest: &[u8]) -> HashedKey {
    let mut text = String::with_capacity(head.len() + 2 * digest.len());
    text.push_str(head);
    for byte in digest {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 0xf)]));
    }
    HashedKey(text)
}

/// Compares a digest with stored lower-case hex, in constant time and without allocation.
fn matches_hex<const N: usize>(digest: &[u8; N], stored: &str) -> Result<bool, HashError> {
    let stored = decode_hex::<N>(stored.as_bytes()).ok_or(HashError::Malformed)?;
    Ok(is_same(digest, &stored))
}

/// Compares in constant time, eight bytes at a step.
pub(crate) fn is_same<const N: usize>(one: &[u8; N], other: &[u8; N]) -> bool {
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    let same = words.iter().zip(other_words).fold(rest.ct_eq(other_rest), |same, (a, b)| {
        same & u64::from_ne_bytes(*a).ct_eq(&u64::from_ne_bytes(*b))
    });
    same.into()
}

fn decode_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = (hex_digit(pair[0])? << 4) | hex_digit(pair[1])?;
    }
    Some(bytes)
}

/// Upper-case digits are malformed: each hash has exactly one stored form.
fn hex_digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_difference_at_every_byte() {
        let digest = *b"0123456789abcdef0123456789abcdef!";
        assert!(is_same(&digest, &{ digest }));
        for at in 0..digest.len() {
            let mut other = digest;
            other[at] ^= 0x80;
            assert!(!is_same(&digest, &other), "{at}");
        }
    }

    #[test]
    fn encodes_and_decodes_hex() {
        let bytes = [0x00, 0x0f, 0xf0, 0xff, 0xa5];
        assert_eq!(encode("x$", &bytes).as_str(), "x$000ff0ffa5");
        assert_eq!(decode_hex::<5>(b"000ff0ffa5"), Some(bytes));
        assert_eq!(decode_hex::<5>(b"000FF0FFA5"), None);
    }
}
