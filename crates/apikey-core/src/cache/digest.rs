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
/// Not the stored hash: whoever reads it from memory can neither look it up nor present it. The state that
/// holds bytes of the text while it is hashed is overwritten.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// `None` if the operating system gave no randomness when it was asked first; then nothing is
    /// remembered.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let mut state = primed()?.clone();
        state.update(text);
        let mut digest = [0; 32];
        // In place, and wiped on drop: what is moved leaves its bytes behind.
        state.finalize_into_reset((&mut digest).into());
        Some(Self(digest))
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

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::*;

    /// Compiles only for what is wiped.
    fn is_wiped_on_drop<T: ZeroizeOnDrop>(_: &T) -> bool {
        std::mem::needs_drop::<T>()
    }

    #[test]
    fn the_state_that_holds_the_text_is_wiped() {
        assert!(is_wiped_on_drop(primed().unwrap()));
    }

    #[test]
    fn one_text_has_one_digest_and_no_other_text_has_it() {
        let digest = Digest::of(b"FbY8NwcU.secret").unwrap();
        assert!(digest.is(&Digest::of(b"FbY8NwcU.secret").unwrap()));
        assert!(!digest.is(&Digest::of(b"FbY8NwcU.secreT").unwrap()));
        assert!(!digest.is(&Digest::of(b"").unwrap()));
        let plain: [u8; 32] = Sha256::digest(b"FbY8NwcU.secret").into();
        assert_ne!(digest.0, plain, "not the digest that stores know");
    }
}
