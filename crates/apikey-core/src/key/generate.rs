//! The only randomness of a key: uniformly drawn characters.

use std::fmt::Debug;

use getrandom::SysRng;
use rand_core::TryCryptoRng;
use thiserror::Error;
use zeroize::Zeroizing;

/// The alphabet of prefixes, secrets and checksums, in the order of its digits.
pub(crate) const BASE62: &[u8; 62] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Draws the random characters of a key. The default is [`OsGenerator`]; a replacement serves
/// services whose randomness has to come from a certain device.
///
/// # Security
/// Characters must be independent and uniformly distributed over base62: 22 of them, the shortest
/// secret, then carry 130 bits.
pub trait KeyGenerator: Debug + Send + Sync + 'static {
    /// Fills `characters` with random characters of `0-9A-Za-z`.
    ///
    /// # Errors
    /// [`GenerateError::Random`] if the source of randomness fails.
    fn fill(&self, characters: &mut [u8]) -> Result<(), GenerateError>;
}

/// Draws from the operating system's generator, without modulo bias.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct OsGenerator;

impl KeyGenerator for OsGenerator {
    fn fill(&self, characters: &mut [u8]) -> Result<(), GenerateError> {
        fill_base62(&mut SysRng, characters)
            .map_err(|source| GenerateError::Random(Box::new(source)))
    }
}

/// Why no key could be generated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The source of randomness failed.
    #[error("the source of randomness failed")]
    Random(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A replaced [`KeyGenerator`] wrote a character outside `0-9A-Za-z`.
    #[error("the key generator wrote a character outside 0-9A-Za-z")]
    Alphabet,
}

/// Draws six bits at a time and rejects the two values that stand for no character, so that all
/// 62 are equally likely.
fn fill_base62<R: TryCryptoRng>(rng: &mut R, characters: &mut [u8]) -> Result<(), R::Error> {
    let mut random = Zeroizing::new([0; 64]);
    let mut slots = characters.iter_mut();
    while slots.len() > 0 {
        rng.try_fill_bytes(random.as_mut_slice())?;
        let drawn = random.iter().filter_map(|byte| BASE62.get(usize::from(byte & 0x3f)));
        for (character, slot) in drawn.zip(slots.by_ref()) {
            *slot = *character;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_any_length_from_the_alphabet() {
        for length in [0, 1, 63, 64, 65, 500] {
            let mut characters = vec![0; length];
            OsGenerator.fill(&mut characters).unwrap();
            assert!(characters.iter().all(u8::is_ascii_alphanumeric));
        }
    }

    /// Chi-square over 62 classes; 140 is passed by chance once in ten million runs, while a
    /// modulo over 256 values (eight characters a quarter more likely) scores above 2 000 here.
    #[test]
    fn draws_every_character_equally_often() {
        let mut characters = vec![0; 620_000];
        OsGenerator.fill(&mut characters).unwrap();
        let chi_square: f64 = BASE62
            .iter()
            .map(|class| characters.iter().filter(|c| *c == class).count())
            .map(|seen| (f64::from(u32::try_from(seen).unwrap()) - 10_000.0).powi(2) / 10_000.0)
            .sum();
        assert!(chi_square < 140.0, "chi-square {chi_square}");
    }
}
