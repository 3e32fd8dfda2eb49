//! The encodings that Django and `djangorestframework-api-key` write.

use base64ct::{Base64, Encoding};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::argon2::Argon2id;
use super::bcrypt::{BCRYPT_INPUT, Bcrypt};
use super::sha2::Sha512;
use super::{HashError, HashedKey, KeyHasher, encode, is_same};

/// Verifies what Django wrote, and writes what `djangorestframework-api-key` 3 does: unsalted SHA-512.
///
/// | Stored | Written by |
/// |---|---|
/// | `sha512$$…` | djangorestframework-api-key 3 |
/// | `pbkdf2_sha256$…`, `pbkdf2_sha1$…` | Django's default, and an older one |
/// | `argon2$argon2id$…`, `scrypt$…`, `bcrypt_sha256$…`, `bcrypt$…` | Django's other hashers |
///
/// # Security
/// Rows may ask for up to 5 000 000 rounds of PBKDF2, 256 MiB of scrypt (and eight passes over them) or
/// Argon2, and a bcrypt cost of 15. Of `bcrypt$…`, which reads 72 bytes, longer keys are refused.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Django {
    argon2: Argon2id,
}

const MOST_ROUNDS: u32 = 5_000_000;
/// Of each of the two buffers, which take `128 * n * r` and `128 * r * p` bytes.
const MOST_SCRYPT_BYTES: u64 = 256 * 1024 * 1024;
/// Of the work, in the same unit: each lane goes through the whole first buffer.
const MOST_SCRYPT_WORK: u64 = 8 * MOST_SCRYPT_BYTES;
/// The longest salt and digest that are looked at.
const MOST_TEXT: usize = 256;

impl KeyHasher for Django {
    fn encodings(&self) -> Vec<String> {
        [
            "sha512$$",
            "pbkdf2_sha256$",
            "pbkdf2_sha1$",
            "argon2$",
            "scrypt$",
            "bcrypt_sha256$",
            "bcrypt$",
        ]
        .map(str::to_owned)
        .into()
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        Sha512.hash(key)
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        let (algorithm, rest) = stored.split_once('$').ok_or(HashError::Malformed)?;
        match algorithm {
            "sha512" => Sha512.verify(key, stored),
            "pbkdf2_sha256" => pbkdf2::<32>(key, rest, pbkdf2::pbkdf2_hmac::<Sha256>),
            "pbkdf2_sha1" => pbkdf2::<20>(key, rest, pbkdf2::pbkdf2_hmac::<Sha1>),
            "argon2" => self.argon2.verify(key, &format!("${rest}")),
            "scrypt" => scrypt(key, rest),
            // It would let in every text that begins with the same bytes.
            "bcrypt" if key.len() > BCRYPT_INPUT => Err(HashError::Malformed),
            "bcrypt" => Bcrypt.verify(key, rest),
            // Hashed first, in hex, so that bcrypt's limit does not matter.
            "bcrypt_sha256" => {
                Bcrypt.verify(encode("", &Sha256::digest(key)).as_str().as_bytes(), rest)
            }
            _ => Err(HashError::Malformed),
        }
    }

    fn needs_rehash(&self, stored: &str) -> bool {
        self.verifies_slowly(stored)
    }

    fn is_slow(&self) -> bool {
        false
    }

    fn verifies_slowly(&self, stored: &str) -> bool {
        !Sha512.recognizes(stored)
    }
}

/// `ROUNDS$SALT$DIGEST`; the salt is the text itself.
fn pbkdf2<const N: usize>(
    key: &[u8],
    rest: &str,
    derive: fn(&[u8], &[u8], u32, &mut [u8]),
) -> Result<bool, HashError> {
    let [rounds, salt, digest] = fields(rest)?;
    let rounds: u32 = rounds.parse().map_err(|_| HashError::Malformed)?;
    if rounds > MOST_ROUNDS {
        return Err(HashError::TooCostly);
    }
    let mut derived = [0; N];
    let digest = decode::<N>(digest)?;
    if rounds == 0 {
        return Err(HashError::Malformed);
    }
    derive(key, salt.as_bytes(), rounds, &mut derived);
    Ok(is_same(&derived, &digest))
}

/// `N$SALT$R$P$DIGEST`, N a power of two.
fn scrypt(key: &[u8], rest: &str) -> Result<bool, HashError> {
    let [n, salt, r, p, digest] = fields(rest)?;
    let number = |text: &str| text.parse::<u32>().map_err(|_| HashError::Malformed);
    let (n, r, p) = (number(n)?, number(r)?, number(p)?);
    let block = 128 * u64::from(r);
    let buffer = |blocks: u32| block.saturating_mul(u64::from(blocks));
    if buffer(n).max(buffer(p)) > MOST_SCRYPT_BYTES
        || buffer(n).saturating_mul(u64::from(p)) > MOST_SCRYPT_WORK
    {
        return Err(HashError::TooCostly);
    }
    if !n.is_power_of_two() {
        return Err(HashError::Malformed);
    }
    let log_n = u8::try_from(n.ilog2()).map_err(|_| HashError::Malformed)?;
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| HashError::Malformed)?;
    let digest = decode::<64>(digest)?;
    let mut derived = [0; 64];
    scrypt::scrypt(key, salt.as_bytes(), &params, &mut derived)
        .map_err(|_| HashError::Malformed)?;
    Ok(is_same(&derived, &digest))
}

/// Splits into exactly so many fields of a sane length.
fn fields<const N: usize>(rest: &str) -> Result<[&str; N], HashError> {
    let fields: Vec<_> = rest.split('$').collect();
    let fields: [&str; N] = fields.try_into().map_err(|_| HashError::Malformed)?;
    if fields.iter().all(|field| field.len() <= MOST_TEXT) {
        Ok(fields)
    } else {
        Err(HashError::TooCostly)
    }
}

/// Standard base64 with padding, of exactly so many bytes.
fn decode<const N: usize>(text: &str) -> Result<[u8; N], HashError> {
    let mut bytes = [0; N];
    let decoded = Base64::decode(text, &mut bytes).map_err(|_| HashError::Malformed)?;
    if decoded.len() == N { Ok(bytes) } else { Err(HashError::Malformed) }
}
