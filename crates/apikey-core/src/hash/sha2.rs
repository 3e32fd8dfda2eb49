//! SHA-256 and SHA-512: right for keys whose secret carries 130 random bits or more.

use sha2::Digest;
use sha2::digest::{FixedOutputReset, Output};

use super::{HashError, HashedKey, KeyHasher, encode, matches_hex};

/// SHA-256 of the key, stored as `sha256$$<64 hex digits>`: the default.
///
/// # Security
/// A slow, salted hash protects what people can remember. The secret of a key is drawn uniformly from
/// at least 2^130 values: guessing it from its digest is out of reach at any speed of hashing (NIST SP
/// 800-63B, section 5.1.2.2, asks no more of look-up secrets), and no two keys are equal, so a salt has
/// nothing to separate. Where policy asks for a password hash, use `Argon2id`.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "written as a value: Hashers::new(Sha256)")]
pub struct Sha256;

/// SHA-512 of the key, stored as `sha512$$<128 hex digits>`: what `djangorestframework-api-key` 3
/// writes. As safe as [`Sha256`] for generated keys.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "written as a value: Hashers::new(Sha512)")]
pub struct Sha512;

const SHA256: &str = "sha256$$";
const SHA512: &str = "sha512$$";

impl KeyHasher for Sha256 {
    fn encodings(&self) -> Vec<String> {
        vec![SHA256.to_owned()]
    }

    fn recognizes(&self, stored: &str) -> bool {
        stored.starts_with(SHA256)
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        Ok(encode(SHA256, &digest::<sha2::Sha256, 32>(key)))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        let stored = stored.strip_prefix(SHA256).ok_or(HashError::Malformed)?;
        matches_hex(&digest::<sha2::Sha256, 32>(key), stored)
    }

    fn is_slow(&self) -> bool {
        false
    }
}

impl KeyHasher for Sha512 {
    fn encodings(&self) -> Vec<String> {
        vec![SHA512.to_owned()]
    }

    fn recognizes(&self, stored: &str) -> bool {
        stored.starts_with(SHA512)
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        Ok(encode(SHA512, &digest::<sha2::Sha512, 64>(key)))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        let stored = stored.strip_prefix(SHA512).ok_or(HashError::Malformed)?;
        matches_hex(&digest::<sha2::Sha512, 64>(key), stored)
    }

    fn is_slow(&self) -> bool {
        false
    }
}

/// Finalized in place, so that the state, which holds bytes of the key, is wiped where it lies.
fn digest<D, const N: usize>(key: &[u8]) -> [u8; N]
where
    D: Digest + FixedOutputReset,
    [u8; N]: From<Output<D>>,
{
    let mut state = D::new();
    Digest::update(&mut state, key);
    state.finalize_reset().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_hash_is_an_error_and_not_a_wrong_key() {
        let good = Sha256.hash(b"key").unwrap();
        let good = good.as_str();
        let short = &good[..good.len() - 1];
        for bad in ["", "sha256", "sha256$$", short, &format!("{good}0"), &good.to_uppercase()] {
            assert!(matches!(Sha256.verify(b"key", bad), Err(HashError::Malformed)), "{bad}");
        }
        assert!(matches!(
            Sha256.verify(b"key", &good.replacen("$$", "$salt$", 1)),
            Err(HashError::Malformed)
        ));
    }
}
