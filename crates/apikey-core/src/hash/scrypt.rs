//! scrypt.

use super::phc::{ParameterCaps, Phc};

/// scrypt (RFC 7914), by default with 128 MiB (`ln=17`, `r=8`, `p=1`). Rows may ask for up to 256 MiB
/// and eight lanes.
pub type Scrypt = Phc<scrypt::Scrypt>;

/// How the default parameters are written.
const OWN: &str = "$scrypt$ln=17,r=8,p=1";
const CAPS: ParameterCaps = &[("ln", 18), ("r", 8), ("p", 8)];

impl Default for Scrypt {
    fn default() -> Self {
        Self::new(scrypt::Scrypt::new(), &["scrypt"], CAPS).writing(OWN)
    }
}
