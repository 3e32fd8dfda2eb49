//! How presented keys are remembered: as digests that mean nothing outside of this process.

use std::sync::OnceLock;

use getrandom::SysRng;
use rand_core::TryRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::hash::is_same;

/// SHA-256 of a presented text behind a random block of this process.
///
/// # Security
/// Not the stored hash: whoever reads it from memory can neither look it up nor present it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// `None` if the operating system gave no randomness when it was asked first; then nothing is
    /// remembered.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let mut primed = primed()?.clone();
        primed.update(text);
        Some(Self(primed.finalize().into()))
    }

    /// Compares in constant time.
    pub(crate) fn is(&self, other: &Self) -> bool {
        is_same(&self.0, &other.0)
    }
}

/// The state after the random block, which fills one block of SHA-256 exactly, so that it costs nothing
/// for each key.
fn primed() -> Option<&'static Sha256> {
    static PRIMED: OnceLock<Option<Sha256>> = OnceLock::new();
    let prime = || {
        let mut block = Zeroizing::new([0; 64]);
        SysRng.try_fill_bytes(block.as_mut_slice()).ok()?;
        Some(Sha256::new_with_prefix(block.as_slice()))
    };
    PRIMED.get_or_init(prime).as_ref()
}
