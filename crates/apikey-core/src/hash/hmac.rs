//! HMAC-SHA-256 with versioned peppers: a stolen database alone proves nothing.

use std::fmt;

use base64ct::{Base64, Encoding};
use hmac::{HmacReset, KeyInit, Mac};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{HashError, HashedKey, KeyHasher, encode, matches_hex};
use crate::event;

const HMAC_SHA256: &str = "hmac-sha256$v=";

/// A secret of the service, kept outside the database, with the version that rows name it by.
///
/// There is no default: generate one with `openssl rand -base64 32`, keep that text where the service keeps its
/// other secrets, and read it with [`from_base64`](Self::from_base64) in every program that knows the keys.
/// Losing it invalidates all keys hashed with it.
///
/// # Examples
/// ```
/// use apikey_core::{Hashers, HmacSha256, Pepper};
///
/// // As `openssl rand -base64 32 > pepper` writes it, with the end of the line.
/// let text = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n";
/// let hashers = Hashers::new(HmacSha256::new(Pepper::from_base64(1, text)?));
/// # Ok::<(), apikey_core::PepperError>(())
/// ```
pub struct Pepper {
    version: u32,
    bytes: Zeroizing<Vec<u8>>,
}

/// Why a pepper cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PepperError {
    /// It is shorter than 32 bytes.
    #[error("a pepper needs at least 32 random bytes")]
    TooShort,
    /// The text is not base64.
    #[error("the pepper is not base64: use the text that `openssl rand -base64 32` prints")]
    NotBase64,
    /// Another one has the same version, which is all that rows say of their pepper.
    #[error("there are two peppers of version {version}: give the new one a new version")]
    VersionTaken {
        /// The version.
        version: u32,
    },
}

impl Pepper {
    /// Wraps the bytes of a pepper, as they are: the end of a line is a part of it, and the log is warned of a
    /// text that has one. For a text in base64 there is [`from_base64`](Self::from_base64).
    ///
    /// # Errors
    /// [`PepperError::TooShort`] if there are fewer than 32.
    pub fn new(version: u32, bytes: impl Into<Vec<u8>>) -> Result<Self, PepperError> {
        let pepper = Self::wrap(version, Zeroizing::new(bytes.into()))?;
        if is_line(&pepper.bytes) {
            event::pepper_is_line(version);
        }
        Ok(pepper)
    }

    /// Decodes a pepper from base64, as `openssl rand -base64 32` prints it: from a file or a variable, with or
    /// without the end of the line and white space around it. So every program that is given the same file has the
    /// same pepper; [`fingerprint`](Self::fingerprint) tells whether that is so.
    ///
    /// # Errors
    /// [`PepperError::NotBase64`], or [`PepperError::TooShort`] if it decodes to fewer than 32 bytes.
    pub fn from_base64(version: u32, text: impl AsRef<str>) -> Result<Self, PepperError> {
        // A long one comes in several lines, perhaps of Windows; some editors put a mark in front.
        let text = text.as_ref().trim_start_matches('\u{feff}');
        let mut line = Zeroizing::new(String::with_capacity(text.len()));
        line.extend(text.chars().filter(|character| !character.is_whitespace()));
        let bytes = Base64::decode_vec(&line).map_err(|_| PepperError::NotBase64)?;
        Self::wrap(version, Zeroizing::new(bytes))
    }

    fn wrap(version: u32, bytes: Zeroizing<Vec<u8>>) -> Result<Self, PepperError> {
        if bytes.len() < 32 { Err(PepperError::TooShort) } else { Ok(Self { version, bytes }) }
    }

    /// Returns eight hexadecimal digits that depend on version and bytes, to compare the peppers of two programs:
    /// log it at start-up. Stored hashes do not tell which pepper made them, so nothing else shows that a service and
    /// a command read different ones, but that each refuses the keys of the other.
    ///
    /// # Security
    /// It is a part of an HMAC under the pepper, and tells nothing about random bytes. Guesses at a pepper that
    /// somebody made up can be tried against it, as they can against any stored hash whose key is known.
    ///
    /// # Examples
    /// ```
    /// use apikey_core::Pepper;
    ///
    /// let text = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    /// let (service, command) = (Pepper::from_base64(1, text)?, Pepper::new(1, text)?);
    /// assert_ne!(service.fingerprint(), command.fingerprint(), "one decodes, one does not");
    /// # Ok::<(), apikey_core::PepperError>(())
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let text = format!("apikey: fingerprint of pepper {}", self.version);
        // HMAC takes keys of any length.
        let digest = HmacSha256::digest(text.as_bytes(), self).unwrap_or_default();
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether the bytes are text with the end of a line, as a file of text has it. Random bytes are not.
fn is_line(bytes: &[u8]) -> bool {
    matches!(bytes.last(), Some(b'\n' | b'\r'))
        && bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pepper(version {}, redacted)", self.version)
    }
}

/// HMAC-SHA-256 (RFC 2104) of the key under a [`Pepper`], stored as `hmac-sha256$v=<n>$<64 hex digits>`.
///
/// # Examples
/// A rotation: version 2 writes, version 1 is still verified, and is replaced as keys are used.
/// ```
/// # let (old, new) = ([1; 32], [2; 32]);
/// use apikey_core::{Hashers, HmacSha256, Pepper};
///
/// let hasher = HmacSha256::new(Pepper::new(2, new)?).accept(Pepper::new(1, old)?)?;
/// let hashers = Hashers::new(hasher);
/// # Ok::<(), apikey_core::PepperError>(())
/// ```
#[derive(Debug)]
pub struct HmacSha256 {
    /// The first writes.
    peppers: Vec<Pepper>,
}

impl HmacSha256 {
    /// Hashes with this pepper.
    #[must_use]
    pub fn new(pepper: Pepper) -> Self {
        Self { peppers: vec![pepper] }
    }

    /// Also verifies what was hashed with this pepper.
    ///
    /// # Errors
    /// [`PepperError::VersionTaken`] if another pepper has the same version.
    pub fn accept(mut self, pepper: Pepper) -> Result<Self, PepperError> {
        let version = pepper.version;
        if self.peppers.iter().any(|other| other.version == version) {
            return Err(PepperError::VersionTaken { version });
        }
        self.peppers.push(pepper);
        Ok(self)
    }

    fn digest(key: &[u8], pepper: &Pepper) -> Result<[u8; 32], HashError> {
        let mut mac = HmacReset::<sha2::Sha256>::new_from_slice(&pepper.bytes)
            .map_err(|source| HashError::Failed(Box::new(source)))?;
        mac.update(key);
        Ok(mac.finalize_reset().into_bytes().into())
    }
}

impl KeyHasher for HmacSha256 {
    fn encodings(&self) -> Vec<String> {
        self.peppers.iter().map(|pepper| format!("{HMAC_SHA256}{}$", pepper.version)).collect()
    }

    fn recognizes(&self, stored: &str) -> bool {
        split(stored).is_some_and(|(version, _)| self.peppers.iter().any(|p| p.version == version))
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        let pepper = self.peppers.first().ok_or(HashError::NotConfigured)?;
        Ok(encode(&format!("{HMAC_SHA256}{}$", pepper.version), &Self::digest(key, pepper)?))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        let (version, stored) = split(stored).ok_or(HashError::Malformed)?;
        let pepper = self.peppers.iter().find(|pepper| pepper.version == version);
        matches_hex(&Self::digest(key, pepper.ok_or(HashError::NotConfigured)?)?, stored)
    }

    fn needs_rehash(&self, stored: &str) -> bool {
        split(stored).map(|(version, _)| version)
            != self.peppers.first().map(|pepper| pepper.version)
    }

    fn is_slow(&self) -> bool {
        false
    }
}

/// Returns the version of the pepper that a stored string was made with, if it was made with one.
pub(crate) fn pepper_version(stored: &str) -> Option<u32> {
    split(stored).map(|(version, _)| version)
}

/// Splits a stored string into the version and the hex digits.
fn split(stored: &str) -> Option<(u32, &str)> {
    let (version, digest) = stored.strip_prefix(HMAC_SHA256)?.split_once('$')?;
    let number: u32 = version.parse().ok()?;
    // Each version is written in one way.
    (number.to_string() == version).then_some((number, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pepper(version: u32) -> Pepper {
        Pepper::new(version, vec![u8::try_from(version).unwrap(); 32]).unwrap()
    }

    #[test]
    fn refuses_a_short_pepper_and_never_shows_one() {
        assert_eq!(Pepper::new(1, [7; 31]).unwrap_err(), PepperError::TooShort);
        assert_eq!(format!("{:?}", pepper(7)), "Pepper(version 7, redacted)");
    }

    #[test]
    fn verifies_old_versions_and_asks_for_a_new_hash() {
        let old = HmacSha256::new(pepper(1)).hash(b"key").unwrap();
        let both = HmacSha256::new(pepper(2)).accept(pepper(1)).unwrap();
        assert!(both.verify(b"key", old.as_str()).unwrap());
        assert!(!both.verify(b"kez", old.as_str()).unwrap());
        assert!(both.needs_rehash(old.as_str()));
        assert!(!both.needs_rehash(both.hash(b"key").unwrap().as_str()));
    }

    #[test]
    fn refuses_a_second_pepper_of_one_version() {
        let hasher = HmacSha256::new(pepper(2)).accept(pepper(1)).unwrap();
        assert_eq!(
            hasher.accept(Pepper::new(2, [9; 32]).unwrap()).unwrap_err(),
            PepperError::VersionTaken { version: 2 }
        );
    }

    #[test]
    fn reads_a_version_in_one_form_alone() {
        let hasher = HmacSha256::new(pepper(1));
        let stored = hasher.hash(b"key").unwrap();
        assert!(hasher.recognizes(stored.as_str()));
        for other in ["v=01$", "v=+1$", "v=$", "v=1 $"] {
            assert!(!hasher.recognizes(&stored.as_str().replace("v=1$", other)), "{other}");
        }
    }

    #[test]
    fn a_missing_version_is_a_configuration_error() {
        let old = HmacSha256::new(pepper(1)).hash(b"key").unwrap();
        let new = HmacSha256::new(pepper(2));
        assert!(!new.recognizes(old.as_str()));
        assert!(matches!(new.verify(b"key", old.as_str()), Err(HashError::NotConfigured)));
    }
}
