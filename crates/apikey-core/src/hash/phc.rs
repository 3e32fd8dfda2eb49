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
/// A key whose stored string has other parameters is hashed anew. What its own are, a wrap learns from the first
/// string that it makes, since the traits do not tell; until then it leaves strings of its algorithm as they
/// are. `Argon2id`, `Pbkdf2` and `Scrypt` by default know from the beginning, as does a wrap that is told
/// ([`writing`](Self::writing)).
///
/// # Security
/// A stored string is data: one with a parameter that passes its cap, has none, or is no number, is refused
/// before it is run.
pub struct Phc<H> {
    hasher: H,
    algorithms: &'static [&'static str],
    caps: ParameterCaps,
    /// Algorithm, version and parameters of our own hashes, as far as they are known.
    profile: OnceLock<Profile>,
}

/// What two hashes with equal settings have in common.
#[derive(Debug, PartialEq, Eq)]
struct Profile(String);

impl<H> Phc<H> {
    /// Wraps a hasher, naming the PHC identifiers it reads (the preferred first) and the caps.
    #[must_use]
    pub fn new(hasher: H, algorithms: &'static [&'static str], caps: ParameterCaps) -> Self {
        Self { hasher, algorithms, caps, profile: OnceLock::new() }
    }

    /// Names a string as this hasher writes it, with or without salt and hash, so that strings of other parameters
    /// are told from the first use of a key on. What is no PHC string says nothing.
    ///
    /// # Examples
    /// ```
    /// use apikey_core::Phc;
    ///
    /// fn wrapped<H>(argon2_with_other_parameters: H) -> Phc<H> {
    ///     Phc::new(argon2_with_other_parameters, &["argon2id"], &[("m", 65536), ("t", 16), ("p", 16)])
    ///         .writing("$argon2id$v=19$m=47104,t=1,p=1")
    /// }
    /// ```
    #[must_use]
    pub fn writing(self, sample: &str) -> Self {
        let profile = PasswordHash::new(sample).ok().map(|sample| Profile::of(&sample));
        Self { profile: profile.map(OnceLock::from).unwrap_or_default(), ..self }
    }

    fn within_caps(&self, hash: &PasswordHash) -> bool {
        hash.params.iter().all(|(name, value)| {
            let cap = self.caps.iter().find(|(cap, _)| *cap == name.as_str());
            let number = value.decimal().ok();
            cap.zip(number).is_some_and(|((_, most), number)| number <= *most)
        })
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
        self.profile.get_or_init(|| Profile::of(&hash));
        Ok(HashedKey::new(hash.to_string()))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
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

    /// Asked on a thread that serves requests: nothing is hashed here.
    fn needs_rehash(&self, stored: &str) -> bool {
        if !self.recognizes(stored) {
            return true;
        }
        let theirs = PasswordHash::new(stored).ok().map(|hash| Profile::of(&hash));
        self.profile.get().is_some_and(|own| theirs.as_ref() != Some(own))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use password_hash::Result;

    use super::*;

    const CAPS: ParameterCaps = &[("i", 9)];

    /// Counts how often it is asked for a hash, of which it makes always the same.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    const OWN: &str = "$counted$i=2$c29tZXNhbHQ$c29tZWhhc2hvZjE2Ynl0ZQ";

    impl PasswordHasher<PasswordHash> for Counting {
        fn hash_password_with_salt(&self, _: &[u8], _: &[u8]) -> Result<PasswordHash> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(PasswordHash::new(OWN).unwrap())
        }
    }

    impl PasswordVerifier<PasswordHash> for Counting {
        fn verify_password(&self, _: &[u8], _: &PasswordHash) -> Result<()> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    #[test]
    fn hashes_only_when_it_is_told_to() {
        let hasher = Phc::new(Counting::default(), &["counted"], CAPS);
        let [older, foreign] = [OWN.replace("i=2", "i=1"), OWN.replace("counted", "other")];
        assert!(hasher.needs_rehash(&foreign));
        assert!(!hasher.needs_rehash(&older) && !hasher.needs_rehash(OWN), "it knows of neither");
        assert!(hasher.verify(b"key", &older).unwrap());
        assert_eq!(hasher.hasher.0.load(Ordering::SeqCst), 1, "one verification is one hash");
        hasher.hash(b"key").unwrap();
        assert!(hasher.needs_rehash(&older) && !hasher.needs_rehash(OWN));
        assert_eq!(hasher.hasher.0.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn knows_what_it_is_told() {
        let hasher = Phc::new(Counting::default(), &["counted"], CAPS).writing("$counted$i=2");
        assert!(hasher.needs_rehash(&OWN.replace("i=2", "i=1")) && !hasher.needs_rehash(OWN));
        assert_eq!(hasher.hasher.0.load(Ordering::SeqCst), 0);
    }
}
