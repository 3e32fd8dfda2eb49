//! Argon2id.

use argon2::Argon2;

use super::phc::{ParameterCaps, Phc};

/// Argon2id (RFC 9106), by default with 19 MiB, two passes and one lane: OWASP's recommendation.
///
/// Choose it where policy asks for a password hash; a generated key does not need it (see
/// [`Sha256`](crate::Sha256)). One verification takes some 300 000 times as long as SHA-256.
/// Rows may ask for up to 256 MiB, 16 passes and 16 lanes.
pub type Argon2id = Phc<Argon2<'static>>;

/// How the default parameters are written.
const OWN: &str = "$argon2id$v=19$m=19456,t=2,p=1";
const ALGORITHMS: &[&str] = &["argon2id", "argon2i", "argon2d"];
const CAPS: ParameterCaps = &[("m", 256 * 1024), ("t", 16), ("p", 16)];

impl Default for Argon2id {
    fn default() -> Self {
        Self::new(Argon2::default(), ALGORITHMS, CAPS).writing(OWN)
    }
}
