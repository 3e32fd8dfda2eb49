//! The hashers of a handle: one that writes, and those that are still read.

use std::sync::{Arc, OnceLock};

use super::{HashError, HashedKey, KeyHasher};
use crate::hash::encoding::Encodings;
use crate::hash::sha2::Sha256;

/// The algorithms that some hasher knows: a row that names one of them while it is not configured is
/// an error of configuration; anything else is a damaged row.
pub(super) const KNOWN: &[&str] = &[
    "sha256$$",
    "sha512$$",
    "hmac-sha256$",
    "$argon2id$",
    "$argon2i$",
    "$argon2d$",
    "$pbkdf2-sha256$",
    "$pbkdf2-sha512$",
    "$scrypt$",
    "$2a$",
    "$2b$",
    "$2y$",
    "pbkdf2_sha256$",
    "pbkdf2_sha1$",
    "argon2$",
    "bcrypt_sha256$",
    "bcrypt$",
    "scrypt$",
];

/// One preferred hasher, which hashes new keys, and others that are accepted.
///
/// The hasher for a row is chosen by what the stored string says of itself, never by trial. A key that
/// was proven against an accepted hasher's string is hashed anew with the preferred one.
///
/// # Examples
/// A change of hasher is two deployments: first accept the new one everywhere, then prefer it.
/// ```
/// # let (old, new) = ([1; 32], [2; 32]);
/// use apikey_core::{Hashers, HmacSha256, Pepper, Sha256};
///
/// let first = Hashers::new(Sha256).accept(HmacSha256::new(Pepper::new(1, old)?));
/// let then = Hashers::new(HmacSha256::new(Pepper::new(1, old)?)).accept(Sha256);
/// # Ok::<(), apikey_core::PepperError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Hashers {
    preferred: Arc<dyn KeyHasher>,
    accepted: Vec<Arc<dyn KeyHasher>>,
    /// What unknown prefixes are verified against.
    dummy: Arc<OnceLock<HashedKey>>,
}

impl Default for Hashers {
    /// SHA-256 alone.
    fn default() -> Self {
        Self::new(Sha256)
    }
}

impl Hashers {
    /// Hashes and verifies with this hasher.
    #[must_use]
    pub fn new(preferred: impl KeyHasher) -> Self {
        Self { preferred: Arc::new(preferred), accepted: Vec::new(), dummy: Arc::default() }
    }

    /// Also verifies with this one. The first that recognizes a stored string is used.
    #[must_use]
    pub fn accept(mut self, hasher: impl KeyHasher) -> Self {
        self.accepted.push(Arc::new(hasher));
        self
    }

    pub(crate) fn preferred(&self) -> &Arc<dyn KeyHasher> {
        &self.preferred
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<dyn KeyHasher>> {
        std::iter::once(&self.preferred).chain(&self.accepted)
    }

    /// Finds the hasher of a stored string.
    pub(crate) fn of(&self, stored: &str) -> Result<&Arc<dyn KeyHasher>, HashError> {
        self.all().find(|hasher| hasher.recognizes(stored)).ok_or_else(|| {
            // What was cut off before its parameters says nothing that a hasher could be configured for.
            let is_whole = Encodings::known_to(self).is_whole(stored);
            if is_whole { HashError::NotConfigured } else { HashError::Malformed }
        })
    }

    /// Whether a proven key should be hashed anew with the preferred hasher.
    pub(crate) fn needs_rehash(&self, stored: &str) -> bool {
        !self.preferred.recognizes(stored) || self.preferred.needs_rehash(stored)
    }

    /// Does the work of one failing verification, with the preferred hasher.
    pub(crate) fn verify_nothing(&self, key: &[u8]) {
        if self.dummy.get().is_none()
            && let Ok(hash) = self.preferred.hash(b"no key has this text")
        {
            let _ = self.dummy.set(hash);
        }
        if let Some(dummy) = self.dummy.get() {
            let _ = std::hint::black_box(self.preferred.verify(key, dummy.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha2::Sha512;

    #[test]
    fn tells_an_unconfigured_algorithm_from_a_damaged_row() {
        let hashers = Hashers::default();
        assert!(matches!(hashers.of("sha512$$00").map(drop), Err(HashError::NotConfigured)));
        let argon2id = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
        assert!(matches!(hashers.of(argon2id).map(drop), Err(HashError::NotConfigured)));
        let damaged = ["", "sha25", "md5$$00", "$unknown$x", "hello", "sha256$", "sha512$"];
        let cut = ["$argon2id$v=19$", "hmac-sha256$", "hmac-sha256$v=1", "hmac-sha256$v=x$00"];
        for damaged in damaged.into_iter().chain(cut) {
            assert!(
                matches!(hashers.of(damaged).map(drop), Err(HashError::Malformed)),
                "{damaged}"
            );
        }
    }

    #[test]
    fn rehashes_only_towards_the_preferred_hasher() {
        let hashers = Hashers::new(Sha256).accept(Sha512);
        assert!(!hashers.needs_rehash(Sha256.hash(b"key").unwrap().as_str()));
        assert!(hashers.needs_rehash(Sha512.hash(b"key").unwrap().as_str()));
    }
}
