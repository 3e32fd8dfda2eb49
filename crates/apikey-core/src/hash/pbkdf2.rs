//! PBKDF2.

use super::phc::{ParameterCaps, Phc};

/// PBKDF2-HMAC-SHA-256 (RFC 8018), by default with 600 000 rounds: for services that may only use
/// what FIPS approves. Rows may ask for up to 5 000 000 rounds and 64 bytes.
pub type Pbkdf2 = Phc<pbkdf2::Pbkdf2>;

/// How the default parameters are written.
const OWN: &str = "$pbkdf2-sha256$i=600000,l=32";
const ALGORITHMS: &[&str] = &["pbkdf2-sha256", "pbkdf2-sha512"];
const CAPS: ParameterCaps = &[("i", 5_000_000), ("l", 64)];

impl Default for Pbkdf2 {
    fn default() -> Self {
        Self::new(pbkdf2::Pbkdf2::default(), ALGORITHMS, CAPS).writing(OWN)
    }
}
