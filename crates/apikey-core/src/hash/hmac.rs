//! HMAC-SHA-256 with versioned peppers: a stolen database alone proves nothing.

use std::fmt;

use hmac::{HmacReset, KeyInit, Mac};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{HashError, HashedKey, KeyHasher, encode, matches_hex};

const HMAC_SHA256: &str = "hmac-sha256$v=";

/// A secret of the service, kept outside the database, with the version that rows name it by.
///
/// There is no default: generate one with `openssl rand -base64 32`, decode it, and keep it where
/// the service keeps its other secrets. Losing it invalidates all keys hashed with it.
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
    /// Another one has the same version, which is all that rows say of their pepper.
    #[error("there are two peppers of version {version}: give the new one a new version")]
    VersionTaken {
        /// The version.
        version: u32,
    },
}

impl Pepper {
    /// Wraps the bytes of a pepper.
    ///
    /// # Errors
    /// [`PepperError::TooShort`] if there are fewer than 32.
    pub fn new(version: u32, bytes: impl Into<Vec<u8>>) -> Result<Self, PepperError> {
        let bytes = Zeroizing::new(bytes.into());
        if bytes.len() < 32 {
            return Err(PepperError::TooShort);
        }
        Ok(Self { version, bytes })
    }
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
