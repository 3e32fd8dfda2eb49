//! Text to parts and back: the layouts of a key.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use zeroize::Zeroizing;

use super::generate::{BASE62, GenerateError, KeyGenerator, OsGenerator};
use super::{MAX_KEY_LENGTH, MAX_PREFIX_LENGTH, PlaintextKey};

const CHECKSUM_LENGTH: usize = 6;
const MAX_BRAND_LENGTH: usize = 32;

/// The layout of a key's text.
///
/// | Layout | Text | Length by default |
/// |---|---|---|
/// | [`default`](Self::default) | `PREFIX.SECRET` | 8 + 1 + 32 = 41 bytes |
/// | [`branded("acme_live")`](Self::branded) | `acme_live_PREFIX_SECRETCCCCCC` | 9 + 1 + 8 + 1 + 32 + 6 = 57 bytes |
///
/// Prefix, secret and checksum are base62 (`0-9A-Za-z`). The default is the layout of Django's
/// `djangorestframework-api-key`. A branded key is recognized by leak scanners and selected whole by
/// a double click.
///
/// # Security
/// The secret alone is secret: 32 characters carry 190 bits, and fewer than 22 (130 bits) cannot be
/// configured. The checksum (CRC-32/ISO-HDLC) is not keyed: it finds typing errors and lets scanners
/// drop false positives offline, and it stops no attacker.
///
/// # Examples
/// ```
/// use apikey_core::KeyFormat;
///
/// let format = KeyFormat::branded("acme")?;
/// let text = "acme_n4Amzb2J_n1qtHUckwuOjowRPkpaSzx8uN628VDGz4Tt8v4";
/// assert_eq!(format.prefix_of(text.as_bytes())?, "n4Amzb2J");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct KeyFormat {
    brand: Option<Box<str>>,
    prefix_length: usize,
    secret_length: usize,
    /// Whether keys of this layout are read, and none is made.
    is_legacy: bool,
    generator: Arc<dyn KeyGenerator>,
}

/// The form of a key, with the lengths of prefix and secret: `{8}.{32}`, or `acme_live_{8}_{32}{6}`.
impl fmt::Display for KeyFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { brand, prefix_length, secret_length, .. } = self;
        match brand {
            None => write!(f, "{{{prefix_length}}}.{{{secret_length}}}"),
            Some(brand) => {
                write!(f, "{brand}_{{{prefix_length}}}_{{{secret_length}}}{{{CHECKSUM_LENGTH}}}")
            }
        }
    }
}

/// Why a layout cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The brand is empty, over 32 bytes, or not words of `0-9A-Za-z` joined by single `_`.
    #[error(
        "a brand is 1 to 32 bytes: words of 0-9A-Za-z joined by single underscores, as in acme_live"
    )]
    Brand,
    /// The prefix is not 8 to 32 characters long, or 1 to 32 for keys that exist.
    #[error(
        "a prefix is 8 to 32 characters long; for keys that exist already, `legacy_lengths` takes 1 to 7 as well"
    )]
    PrefixLength,
    /// The secret is not 22 to 128 characters long.
    #[error(
        "a secret is 22 to 128 characters long: 22 carry the 128 bits below which a key can be guessed"
    )]
    SecretLength,
}

/// Why a text is not a key of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseKeyError {
    /// The length, the brand, a separator or a character does not fit.
    #[error("the text does not have the layout of a key")]
    Layout,
    /// The layout fits and the checksum does not: most likely a typing error.
    #[error("the checksum of the key does not match")]
    Checksum,
}

impl Default for KeyFormat {
    /// `PREFIX.SECRET`, 8 and 32 characters: the layout of `djangorestframework-api-key`.
    fn default() -> Self {
        Self {
            brand: None,
            prefix_length: 8,
            secret_length: 32,
            is_legacy: false,
            generator: Arc::new(OsGenerator),
        }
    }
}

impl KeyFormat {
    /// Creates the layout `BRAND_PREFIX_SECRETCCCCCC`, with a checksum.
    ///
    /// # Errors
    /// [`FormatError::Brand`] unless the brand is at most 32 bytes of `[A-Za-z0-9]+(_[A-Za-z0-9]+)*`.
    pub fn branded(brand: &str) -> Result<Self, FormatError> {
        if brand.len() > MAX_BRAND_LENGTH
            || !brand.split('_').all(|word| is_base62(word.as_bytes()))
        {
            return Err(FormatError::Brand);
        }
        Ok(Self { brand: Some(brand.into()), ..Self::default() })
    }

    /// Sets the number of characters of the prefix (8 by default) and of the secret (32 by default).
    ///
    /// # Errors
    /// [`FormatError::PrefixLength`] outside 8 to 32, [`FormatError::SecretLength`] outside 22 to 128.
    pub fn lengths(self, prefix: usize, secret: usize) -> Result<Self, FormatError> {
        self.with_lengths(8, prefix, secret)
    }

    /// Sets the lengths of keys that somebody else made, to be read and never made: as
    /// [`lengths`](Self::lengths), but the prefix may have 1 to 7 characters, too. Django's
    /// `djangorestframework-api-key` allows that, and some sites chose it. For
    /// [`accept_format`](crate::ApiKeysBuilder::accept_format): `build()` refuses it as the layout of new keys.
    ///
    /// # Errors
    /// [`FormatError::PrefixLength`] outside 1 to 32, [`FormatError::SecretLength`] outside 22 to 128.
    ///
    /// # Security
    /// Only the secret is secret, and it is held to the floor of new keys. Short prefixes are taken soon: of
    /// four characters there are 15 million.
    ///
    /// # Examples
    /// ```
    /// use apikey_core::{ApiKeys, KeyFormat, KeyRecord, MemoryStore};
    ///
    /// let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
    ///     .accept_format(KeyFormat::default().legacy_lengths(4, 32)?)
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn legacy_lengths(self, prefix: usize, secret: usize) -> Result<Self, FormatError> {
        Ok(Self { is_legacy: true, ..self.with_lengths(1, prefix, secret)? })
    }

    fn with_lengths(self, least: usize, prefix: usize, secret: usize) -> Result<Self, FormatError> {
        if !(least..=MAX_PREFIX_LENGTH).contains(&prefix) {
            return Err(FormatError::PrefixLength);
        }
        if !(22..=128).contains(&secret) {
            return Err(FormatError::SecretLength);
        }
        Ok(Self { prefix_length: prefix, secret_length: secret, is_legacy: false, ..self })
    }

    /// Replaces the source of random characters.
    #[must_use]
    pub fn generator(self, generator: impl KeyGenerator) -> Self {
        Self { generator: Arc::new(generator), ..self }
    }

    /// Returns the brand, if the layout has one.
    #[must_use]
    pub fn brand(&self) -> Option<&str> {
        self.brand.as_deref()
    }

    /// Whether keys of this layout are read, and none is made: see [`legacy_lengths`](Self::legacy_lengths).
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.is_legacy
    }

    /// Returns the number of characters of the prefix.
    #[must_use]
    pub fn prefix_length(&self) -> usize {
        self.prefix_length
    }

    /// Returns the number of characters of the secret.
    #[must_use]
    pub fn secret_length(&self) -> usize {
        self.secret_length
    }

    /// Returns the length in bytes of every key of this layout, at most 256.
    #[must_use]
    pub fn text_length(&self) -> usize {
        let branding = self.brand.as_ref().map_or(0, |brand| brand.len() + 1 + CHECKSUM_LENGTH);
        branding + self.prefix_length + 1 + self.secret_length
    }

    /// Returns the prefix of a key of this layout. Total, bounded, without allocation.
    ///
    /// # Errors
    /// [`ParseKeyError::Layout`] if the text has another layout, [`ParseKeyError::Checksum`] if only
    /// its checksum is wrong.
    pub fn prefix_of<'a>(&self, text: &'a [u8]) -> Result<&'a str, ParseKeyError> {
        let (prefix, checked) = self.split(text).ok_or(ParseKeyError::Layout)?;
        match checked {
            Some((body, sum)) if checksum(body) != sum => Err(ParseKeyError::Checksum),
            _ => Ok(prefix),
        }
    }

    /// Cuts a text from the right by the fixed widths: what remains must *equal* the brand.
    #[allow(clippy::type_complexity, reason = "the prefix, and the checksum with what it covers")]
    fn split<'a>(&self, text: &'a [u8]) -> Option<(&'a str, Option<(&'a [u8], &'a [u8])>)> {
        if text.len() != self.text_length() {
            return None;
        }
        let (body, sum) = match self.brand {
            Some(_) => text.split_at_checked(text.len() - CHECKSUM_LENGTH)?,
            None => (text, &[][..]),
        };
        let (rest, secret) = body.split_at_checked(body.len() - self.secret_length)?;
        let (separator, rest) = rest.split_last()?;
        let (brand, prefix) = rest.split_at_checked(rest.len() - self.prefix_length)?;
        let fits = match &self.brand {
            Some(own) => *separator == b'_' && brand.strip_suffix(b"_") == Some(own.as_bytes()),
            None => *separator == b'.' && brand.is_empty(),
        };
        if !fits || !is_base62(prefix) || !is_base62(secret) {
            return None;
        }
        let checked = self.brand.is_some().then_some((body, sum));
        Some((std::str::from_utf8(prefix).ok()?, checked))
    }

    /// Draws a new key: its prefix and its full text.
    pub(crate) fn generate(&self) -> Result<(String, PlaintextKey), GenerateError> {
        let mut random = Zeroizing::new(vec![0; self.prefix_length + self.secret_length]);
        self.generator.fill(&mut random)?;
        if !is_base62(&random) {
            return Err(GenerateError::Alphabet);
        }
        let random = std::str::from_utf8(&random).map_err(|_| GenerateError::Alphabet)?;
        let (prefix, secret) = random.split_at(self.prefix_length);
        let mut text = String::with_capacity(self.text_length());
        match &self.brand {
            None => text.extend([prefix, ".", secret]),
            Some(brand) => {
                text.extend([brand, "_", prefix, "_", secret]);
                let sum = checksum(text.as_bytes());
                text.extend(sum.map(char::from));
            }
        }
        Ok((prefix.to_owned(), PlaintextKey::new(text)))
    }

    /// Whether a text of one layout could be taken for a text of the other.
    fn collides_with(&self, other: &Self) -> bool {
        self.brand == other.brand
            && self.prefix_length == other.prefix_length
            && self.secret_length == other.secret_length
    }
}

/// The layouts a handle reads: the first also creates.
#[derive(Debug)]
pub(crate) struct Formats(Vec<KeyFormat>);

impl Formats {
    pub(crate) fn new(formats: Vec<KeyFormat>) -> Self {
        Self(formats)
    }

    /// Whether two layouts have equal brand and widths.
    pub(crate) fn collide(&self) -> bool {
        let mut formats = self.0.iter().enumerate();
        formats
            .any(|(i, format)| self.0.iter().skip(i + 1).any(|other| format.collides_with(other)))
    }

    /// Tries the layouts by shape: the first exact fit wins, and only its checksum counts.
    pub(crate) fn prefix_of<'a>(&self, text: &'a [u8]) -> Result<&'a str, ParseKeyError> {
        first_fit(self.0.iter(), text)
    }

    /// Likewise, by the layouts that a new key may have.
    pub(crate) fn prefix_of_new<'a>(&self, text: &'a [u8]) -> Result<&'a str, ParseKeyError> {
        first_fit(self.0.iter().filter(|format| !format.is_legacy), text)
    }

    /// Whether a word of a text is a key, or one with a typing error: of these layouts, or of any other with a
    /// brand, which its checksum tells.
    pub(crate) fn find_key_in(&self, text: &str) -> bool {
        let is_around = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_');
        let mut words = text.split(is_around).map(|word| word.trim_matches('.').as_bytes());
        let is_key =
            |word| self.prefix_of(word) != Err(ParseKeyError::Layout) || has_checksum(word);
        words.any(is_key)
    }

    pub(crate) fn generate(&self) -> Result<(String, PlaintextKey), GenerateError> {
        self.0.first().ok_or(GenerateError::Alphabet)?.generate()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &KeyFormat> {
        self.0.iter()
    }

    pub(crate) fn brands(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter().map(KeyFormat::brand)
    }

    pub(crate) fn longest(&self) -> usize {
        self.0.iter().map(KeyFormat::text_length).max().unwrap_or(MAX_KEY_LENGTH)
    }
}

fn first_fit<'a, 'f>(
    formats: impl Iterator<Item = &'f KeyFormat>,
    text: &'a [u8],
) -> Result<&'a str, ParseKeyError> {
    formats
        .map(|format| format.prefix_of(text))
        .find(|result| *result != Err(ParseKeyError::Layout))
        .unwrap_or(Err(ParseKeyError::Layout))
}

/// Whether a text ends in the checksum of what stands before, as keys with a brand do.
fn has_checksum(text: &[u8]) -> bool {
    let end = text.len().checked_sub(CHECKSUM_LENGTH);
    let parts = end.and_then(|end| text.split_at_checked(end));
    parts.is_some_and(|(body, sum)| body.contains(&b'_') && checksum(body) == sum)
}

/// Looks at every byte, which the compiler turns into a few steps for many bytes at once.
fn is_base62(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().fold(true, |all, byte| all & byte.is_ascii_alphanumeric())
}

/// CRC-32/ISO-HDLC in base62, most significant digit first, padded with `0` to six.
fn checksum(text: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut rest = crc32fast::hash(text);
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every allowed brand, or none.
    fn any_format() -> impl Strategy<Value = KeyFormat> {
        let brand = proptest::option::of("[A-Za-z0-9]{1,9}(_[A-Za-z0-9]{1,7}){0,2}");
        (brand, 8..=32_usize, 22..=128_usize).prop_map(|(brand, prefix, secret)| {
            let format =
                brand.map_or_else(KeyFormat::default, |brand| KeyFormat::branded(&brand).unwrap());
            format.lengths(prefix, secret).unwrap()
        })
    }

    proptest! {
        #[test]
        fn reads_every_key_it_makes(format in any_format()) {
            let (prefix, plaintext) = format.generate().unwrap();
            let text = plaintext.expose().as_bytes();
            prop_assert_eq!(text.len(), format.text_length());
            prop_assert!(text.len() <= MAX_KEY_LENGTH);
            prop_assert_eq!(format.prefix_of(text), Ok(prefix.as_str()));
        }

        #[test]
        fn reads_a_key_by_one_format_alone(one in any_format(), other in any_format()) {
            let (_, plaintext) = one.generate().unwrap();
            let read = other.prefix_of(plaintext.expose().as_bytes());
            prop_assert_eq!(read.is_ok(), one.collides_with(&other));
        }

        #[test]
        fn never_panics(format in any_format(), text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = format.prefix_of(&text);
        }

        #[test]
        fn a_longer_brand_that_ends_like_ours_is_not_ours(format in any_format(), more in "[a-z]{1,4}_?") {
            let (_, plaintext) = format.generate().unwrap();
            let longer = format!("{more}{}", plaintext.expose());
            prop_assert_eq!(format.prefix_of(longer.as_bytes()), Err(ParseKeyError::Layout));
        }
    }

    #[test]
    fn refuses_brands_that_could_not_be_parsed_back() {
        for bad in ["", "_", "a_", "_a", "a__b", "a-b", "a.b", "a b", "\u{e9}", &"a".repeat(33)] {
            assert_eq!(KeyFormat::branded(bad).unwrap_err(), FormatError::Brand, "{bad:?}");
        }
        assert!(KeyFormat::branded(&"a".repeat(32)).is_ok());
    }

    #[test]
    fn holds_prefix_and_secret_to_their_bounds() {
        let lengths = |prefix, secret| KeyFormat::default().lengths(prefix, secret).err();
        assert_eq!(lengths(7, 32), Some(FormatError::PrefixLength));
        assert_eq!(lengths(33, 32), Some(FormatError::PrefixLength));
        assert_eq!(lengths(8, 21), Some(FormatError::SecretLength));
        assert_eq!(lengths(8, 129), Some(FormatError::SecretLength));
        assert_eq!(lengths(32, 128), None);
    }

    #[test]
    fn tells_a_typing_error_from_another_layout() {
        let formats = Formats::new(vec![KeyFormat::branded("acme").unwrap(), KeyFormat::default()]);
        let good = "acme_n4Amzb2J_n1qtHUckwuOjowRPkpaSzx8uN628VDGz4Tt8v4";
        assert_eq!(formats.prefix_of(good.as_bytes()), Ok("n4Amzb2J"));
        let mistyped = good.replace("n4Amzb2J", "n4Amzb2K");
        assert_eq!(formats.prefix_of(mistyped.as_bytes()), Err(ParseKeyError::Checksum));
        assert_eq!(formats.prefix_of(b"acme_n4Amzb2J"), Err(ParseKeyError::Layout));
    }

    #[derive(Debug)]
    struct Spaces;

    impl KeyGenerator for Spaces {
        fn fill(&self, characters: &mut [u8]) -> Result<(), GenerateError> {
            characters.fill(b' ');
            Ok(())
        }
    }

    #[test]
    fn refuses_a_generator_that_leaves_the_alphabet() {
        let format = KeyFormat::default().generator(Spaces);
        assert!(matches!(format.generate(), Err(GenerateError::Alphabet)));
    }
}
