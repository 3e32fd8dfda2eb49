//! Any hasher of the `password-hash` traits, stored as PHC strings.

use std::fmt;
use std::sync::OnceLock;

use password_hash::phc::PasswordHash;
use password_hash::{PasswordHasher, PasswordVerifier};

use super::{HashError, HashedKey, KeyHasher};

/// The most that a row may ask of a hasher, by the name of the parameter in its PHC string.
pub type ParameterCaps = &'static [(&'static str, u32)];

/// Wraps a hasher of the `password-hash` traits: `Argon2id`, `Pbkdf2` and `Scrypt` are such wraps, and
/// any other hasher of the RustCrypto project plugs in the same way.
///
/// It hashes with the hasher's own parameters and verifies any that stay below the caps.
///
/// # Security
/// A stored string is data: one with a parameter that passes its cap, has none, or is no number, is refused
/// before it is run.
pub struct Phc<H> {
    hasher: H,
    algorithms: &'static [&'static str],
    caps: ParameterCaps,
    /// Algorithm, version and parameters of our own hashes, learned from the first.
    profile: OnceLock<Option<Profile>>,
}

/// What two hashes with equal settings have in common.
#[derive(PartialEq, Eq)]
struct Profile(String);

impl<H> Phc<H> {
    /// Wraps a hasher, naming the PHC identifiers it reads (the preferred first) and the caps.
    #[must_use]
    pub fn new(hasher: H, algorithms: &'static [&'static str], caps: ParameterCaps) -> Self {
        Self { hasher, algorithms, caps, profile: OnceLock::new() }
    }

    fn within_caps(&self, hash: &PasswordHash) -> bool {
        hash.params.iter().all(|(name, value)| {
            let cap = self.caps.iter().find(|(cap, _)| *cap == name.as_str());
            let number = value.decimal().ok();
            cap.zip(number).is_some_and(|((_, most), number)| number <= *most)
        })
    }
}

impl<H: PasswordHasher<PasswordHash>> Phc<H> {
    fn profile(&self) -> Option<&Profile> {
        let learn = || self.hasher.hash_password(b"").ok().map(|sample| Profile::of(&sample));
        self.profile.get_or_init(learn).as_ref()
    }
}

impl<H> fmt::Debug for Phc<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phc({})", self.algorithms.join(", "))
    }
}

impl Profile {
    fn of(hash: &PasswordHash) -> Self {
        Self(format!("{}${:?}${}", hash.algorithm, hash.version, hash.params.as_str()))
    }
}

impl<H> KeyHasher for Phc<H>
where
    H: PasswordHasher<PasswordHash> + PasswordVerifier<PasswordHash> + Send + Sync + 'static,
{
    fn encodings(&self) -> Vec<String> {
        self.algorithms.iter().map(|algorithm| format!("${algorithm}$")).collect()
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        let hash =
            self.hasher.hash_password(key).map_err(|error| HashError::Failed(Box::new(error)))?;
        Ok(HashedKey::new(hash.to_string()))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        // Learned here, on a hashing thread, since `needs_rehash` is asked on one that serves requests.
        self.profile();
        let hash = PasswordHash::new(stored).map_err(|_| HashError::Malformed)?;
        if !self.recognizes(stored) || hash.salt.is_none() || hash.hash.is_none() {
            return Err(HashError::Malformed);
        }
        if !self.within_caps(&hash) {
            return Err(HashError::TooCostly);
        }
        match self.hasher.verify_password(key, &hash) {
            Ok(()) => Ok(true),
            Err(password_hash::Error::PasswordInvalid) => Ok(false),
            Err(_) => Err(HashError::Malformed),
        }
    }

    fn needs_rehash(&self, stored: &str) -> bool {
        PasswordHash::new(stored).ok().map(|hash| Profile::of(&hash)).as_ref() != self.profile()
    }
}
