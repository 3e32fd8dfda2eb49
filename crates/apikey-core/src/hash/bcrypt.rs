//! bcrypt.

use super::{HashError, HashedKey, KeyHasher};

/// bcrypt with cost 12, stored as `$2b$12$…`: for rows that other systems wrote.
///
/// bcrypt reads 72 bytes and ignores the rest, so a handle with longer keys refuses it. Rows may ask for
/// a cost of up to 15.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "written as a value: Hashers::new(Bcrypt)")]
pub struct Bcrypt;

/// What bcrypt reads of its input, in bytes.
pub(super) const BCRYPT_INPUT: usize = 72;

const COST: u32 = 12;
const MOST_COST: u32 = 15;
const VERSIONS: [&str; 3] = ["$2b$", "$2a$", "$2y$"];

impl KeyHasher for Bcrypt {
    fn encodings(&self) -> Vec<String> {
        VERSIONS.map(str::to_owned).into()
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        let hash = bcrypt::hash(key, COST).map_err(|error| HashError::Failed(Box::new(error)))?;
        Ok(HashedKey::new(hash))
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        if cost(stored).ok_or(HashError::Malformed)? > MOST_COST {
            return Err(HashError::TooCostly);
        }
        bcrypt::verify(key, stored).map_err(|_| HashError::Malformed)
    }

    fn needs_rehash(&self, stored: &str) -> bool {
        cost(stored) != Some(COST)
    }

    fn max_input(&self) -> Option<usize> {
        Some(BCRYPT_INPUT)
    }
}

/// Reads the cost, the two digits behind the version.
fn cost(stored: &str) -> Option<u32> {
    let rest = VERSIONS.iter().find_map(|version| stored.strip_prefix(version))?;
    rest.split_once('$')?.0.parse().ok()
}
