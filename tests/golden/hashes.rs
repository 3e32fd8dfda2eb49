//! Hashes that a copy has beside those that the hashers make by default: other parameters, so that the tests are
//! quick, and encodings that are only read.

use std::fmt;

use apikey_core::{
    Argon2id, Django, HashError, HashedKey, Hashers, HmacSha256, KeyHasher, Phc, Sha256, Sha512,
};
use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64, Encoding};
use sha1::Sha1;
use sha2::{Digest, Sha256 as Sha2};

use crate::handles::pepper;

const SALT: &str = "goldenSalt0123456789ab";
const ROUNDS: u32 = 1000;

/// Writes a hash of any encoding, and verifies none.
pub(crate) struct Writer {
    encoding: &'static str,
    write: fn(&[u8]) -> String,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({})", self.encoding)
    }
}

impl KeyHasher for Writer {
    fn encodings(&self) -> Vec<String> {
        vec![self.encoding.to_owned()]
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        Ok(HashedKey::new((self.write)(key)))
    }

    fn verify(&self, _: &[u8], _: &str) -> Result<bool, HashError> {
        Err(HashError::NotConfigured)
    }

    fn is_slow(&self) -> bool {
        false
    }
}

/// What Django reads, and so do all tables.
pub(crate) const OF_DJANGO: [&str; 7] = [
    "django sha512",
    "django pbkdf2_sha256",
    "django pbkdf2_sha1",
    "django argon2",
    "django scrypt",
    "django bcrypt_sha256",
    "django bcrypt",
];

/// What only tables of ours hold.
pub(crate) const OURS: [&str; 14] = [
    "sha256",
    "sha512",
    "hmac v1",
    "hmac v2",
    "argon2id by default",
    "argon2id",
    "argon2i",
    "argon2d",
    "pbkdf2-sha256",
    "pbkdf2-sha512",
    "scrypt",
    "bcrypt 2a",
    "bcrypt 2b",
    "bcrypt 2y",
];

/// Returns the hashers that write what the lists above name.
pub(crate) fn named(name: &str) -> Hashers {
    match name {
        "sha256" => Hashers::new(Sha256),
        "sha512" => Hashers::new(Sha512),
        "hmac v1" => Hashers::new(HmacSha256::new(pepper(1))),
        "hmac v2" => Hashers::new(HmacSha256::new(pepper(2))),
        "argon2id by default" => Hashers::new(Argon2id::default()),
        "django sha512" => Hashers::new(Django::default()),
        _ => Hashers::new(writer(name)),
    }
}

/// Returns what writes one of them that no hasher of ours makes.
pub(crate) fn writer(name: &str) -> Writer {
    let (encoding, write): (_, fn(&[u8]) -> String) = match name {
        "argon2id" => ("$argon2id$", |key| argon2(Algorithm::Argon2id, key)),
        "argon2i" => ("$argon2i$", |key| argon2(Algorithm::Argon2i, key)),
        "argon2d" => ("$argon2d$", |key| argon2(Algorithm::Argon2d, key)),
        "pbkdf2-sha256" => ("$pbkdf2-sha256$", |key| pbkdf2("pbkdf2-sha256", key)),
        "pbkdf2-sha512" => ("$pbkdf2-sha512$", |key| pbkdf2("pbkdf2-sha512", key)),
        "scrypt" => ("$scrypt$", scrypt),
        "bcrypt 2a" => ("$2a$", |key| bcrypt(bcrypt::Version::TwoA, key)),
        "bcrypt 2b" => ("$2b$", |key| bcrypt(bcrypt::Version::TwoB, key)),
        "bcrypt 2y" => ("$2y$", |key| bcrypt(bcrypt::Version::TwoY, key)),
        "django pbkdf2_sha256" => ("pbkdf2_sha256$", django_pbkdf2_sha256),
        "django pbkdf2_sha1" => ("pbkdf2_sha1$", django_pbkdf2_sha1),
        "django argon2" => ("argon2$", |key| format!("argon2{}", argon2(Algorithm::Argon2id, key))),
        "django scrypt" => ("scrypt$", django_scrypt),
        "django bcrypt_sha256" => ("bcrypt_sha256$", django_bcrypt_sha256),
        "django bcrypt" => {
            ("bcrypt$", |key| format!("bcrypt${}", bcrypt(bcrypt::Version::TwoB, key)))
        }
        _ => panic!("no hash is called {name}"),
    };
    Writer { encoding, write }
}

fn made(hasher: &impl KeyHasher, key: &[u8]) -> String {
    hasher.hash(key).unwrap().as_str().to_owned()
}

fn argon2(algorithm: Algorithm, key: &[u8]) -> String {
    let params = Params::new(8, 1, 1, None).unwrap();
    let hasher = Argon2::new(algorithm, Version::V0x13, params);
    made(&Phc::new(hasher, &["argon2id", "argon2i", "argon2d"], &[]), key)
}

fn pbkdf2(algorithm: &str, key: &[u8]) -> String {
    let algorithm = pbkdf2::Algorithm::new(algorithm).unwrap();
    let hasher = pbkdf2::Pbkdf2::new(algorithm, pbkdf2::Params::new(ROUNDS).unwrap());
    made(&Phc::new(hasher, &["pbkdf2-sha256", "pbkdf2-sha512"], &[]), key)
}

fn scrypt(key: &[u8]) -> String {
    let params = scrypt::Params::new(4, 8, 1).unwrap();
    made(&Phc::new(scrypt::Scrypt::new_with_params(params), &["scrypt"], &[]), key)
}

fn bcrypt(version: bcrypt::Version, key: &[u8]) -> String {
    bcrypt::hash_with_result(key, 4).unwrap().format_for_version(version)
}

fn django_pbkdf2_sha256(key: &[u8]) -> String {
    let mut derived = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha2>(key, SALT.as_bytes(), ROUNDS, &mut derived);
    format!("pbkdf2_sha256${ROUNDS}${SALT}${}", Base64::encode_string(&derived))
}

fn django_pbkdf2_sha1(key: &[u8]) -> String {
    let mut derived = [0; 20];
    pbkdf2::pbkdf2_hmac::<Sha1>(key, SALT.as_bytes(), ROUNDS, &mut derived);
    format!("pbkdf2_sha1${ROUNDS}${SALT}${}", Base64::encode_string(&derived))
}

fn django_scrypt(key: &[u8]) -> String {
    let params = scrypt::Params::new(4, 8, 1).unwrap();
    let mut derived = [0; 64];
    scrypt::scrypt(key, SALT.as_bytes(), &params, &mut derived).unwrap();
    format!("scrypt$16${SALT}$8$1${}", Base64::encode_string(&derived))
}

fn django_bcrypt_sha256(key: &[u8]) -> String {
    let digest: String = Sha2::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("bcrypt_sha256${}", bcrypt(bcrypt::Version::TwoB, digest.as_bytes()))
}
