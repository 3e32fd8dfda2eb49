//! The words of a key's text: what is shown once, and what a client sent.

pub(crate) mod format;
pub(crate) mod generate;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use zeroize::{Zeroizing, optimization_barrier};

/// The longest text of a key, in bytes. Longer credentials are refused before any work is done.
pub const MAX_KEY_LENGTH: usize = 256;

/// The full text of a new key, which exists only in the answer to
/// [`ApiKeys::create`](crate::ApiKeys::create): show it once, then drop it.
///
/// # Security
/// Only [`expose`](Self::expose) hands out the text. `Debug` is redacted, there is no `Display` and
/// no serialization, and the memory is overwritten on drop.
pub struct PlaintextKey(Zeroizing<String>);

impl PlaintextKey {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the text, to be shown to the key's future user and to nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PlaintextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlaintextKey(redacted)")
    }
}

/// A credential as a client sent it: at most [`MAX_KEY_LENGTH`] bytes, held in place.
///
/// # Security
/// `Debug` is redacted, and the bytes are overwritten on drop.
pub struct PresentedKey {
    bytes: [u8; MAX_KEY_LENGTH],
    /// More than `MAX_KEY_LENGTH` means that the credential was too long; then no byte is kept.
    length: usize,
}

impl PresentedKey {
    /// Copies a credential; one that is too long is remembered as such, without its bytes.
    #[must_use]
    pub fn new(credential: &[u8]) -> Self {
        let mut key = Self::empty();
        key.set(credential);
        key
    }

    pub(crate) fn empty() -> Self {
        Self { bytes: [0; MAX_KEY_LENGTH], length: 0 }
    }

    /// Copies it to where it can be shared. It is never moved: what is moved leaves its bytes behind.
    pub(crate) fn to_shared(&self) -> Arc<Self> {
        let mut shared = Arc::new(Self::empty());
        if let Some(copy) = Arc::get_mut(&mut shared) {
            copy.bytes = self.bytes;
            copy.length = self.length;
        }
        shared
    }

    /// Fills an empty one in place.
    pub(crate) fn set(&mut self, credential: &[u8]) {
        if let Some(kept) = self.bytes.get_mut(..credential.len()) {
            kept.copy_from_slice(credential);
        }
        self.length = credential.len();
    }

    /// Returns the bytes, or `None` if the credential was longer than [`MAX_KEY_LENGTH`].
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        self.bytes.get(..self.length)
    }
}

impl Drop for PresentedKey {
    fn drop(&mut self) {
        // All of it, in a few wide steps; the barrier keeps the compiler from leaving them out.
        self.bytes = [0; MAX_KEY_LENGTH];
        optimization_barrier(&self.bytes);
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey(redacted)")
    }
}

/// The public part of a presented key: 1 to 32 characters of base62, held in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix {
    bytes: [u8; MAX_PREFIX_LENGTH],
    length: usize,
}

pub(crate) const MAX_PREFIX_LENGTH: usize = 32;

impl Prefix {
    /// `None` if the text is longer than any prefix.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; MAX_PREFIX_LENGTH];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: text.len() })
    }

    pub(crate) fn as_str(&self) -> &str {
        self.bytes
            .get(..self.length)
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default()
    }
}

/// Whether a text can be the prefix of a stored key: 1 to 32 characters of base62. What is longer may be a
/// whole key, pasted by mistake.
pub(crate) fn is_prefix(text: &str) -> bool {
    (1..=MAX_PREFIX_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Hash for Prefix {
    /// The text alone: most prefixes are 8 bytes long.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.bytes.get(..self.length).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shows_a_key_in_debug_output() {
        let plaintext = PlaintextKey::new("FbY8NwcU.secret".into());
        let presented = PresentedKey::new(b"FbY8NwcU.secret");
        assert_eq!(
            format!("{plaintext:?} {presented:?}"),
            "PlaintextKey(redacted) PresentedKey(redacted)"
        );
    }

    #[test]
    fn keeps_256_bytes_and_nothing_of_257() {
        assert_eq!(PresentedKey::new(&[b'a'; 256]).bytes().map(<[u8]>::len), Some(256));
        let long = PresentedKey::new(&[b'a'; 257]);
        assert!(long.bytes().is_none());
        assert_eq!(long.bytes, [0; MAX_KEY_LENGTH]);
    }
}
