//! What a key may do: scopes, the words of RFC 6749.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest scope, in bytes.
pub const MAX_SCOPE_LENGTH: usize = 64;

/// The most scopes that a new key, or a change of one, may have. Rows that hold more are read.
pub const MAX_SCOPES: usize = 100;

/// One scope: a scope-token of RFC 6749, section 3.3 (printable ASCII without space, `"` and `\`), of
/// at most 64 bytes. Matching is exact; `reports` does not include `reports:read`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Cow<'static, str>);

/// Why scopes cannot be given to a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// A text is not a scope.
    #[error(
        "{text:?} is not a scope: use 1 to 64 printable ASCII characters without space, \" and \\"
    )]
    Invalid {
        /// The text, of which at most 64 characters are kept.
        text: String,
    },
    /// There are too many.
    #[error("a key has at most {MAX_SCOPES} scopes")]
    TooMany,
    /// The text of a key stands in one, where lists and logs would show it.
    #[error("the text of a key is no scope")]
    Key,
}

impl Scope {
    /// Checks a text, which may come from a user; for a borrowed one there is [`str::parse`].
    ///
    /// # Errors
    /// [`ScopeError::Invalid`] if the text is not a scope.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self, ScopeError> {
        let text = text.into();
        if is_scope(text.as_bytes()) {
            Ok(Self(text))
        } else {
            Err(ScopeError::Invalid { text: text.chars().take(MAX_SCOPE_LENGTH).collect() })
        }
    }

    /// Makes a scope from a literal; in a `const`, a bad one does not compile.
    ///
    /// # Panics
    /// If the text is not a scope.
    #[must_use]
    #[track_caller]
    pub const fn from_static(text: &'static str) -> Self {
        assert!(
            is_scope(text.as_bytes()),
            "not a scope: use 1 to 64 printable ASCII characters without space, \" and \\"
        );
        Self(Cow::Borrowed(text))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::new(text.to_owned())
    }
}

impl AsRef<str> for Scope {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({:?})", self.0)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The scopes of a key: sorted, without duplicates, one space between, as they are stored.
///
/// A key without scopes is granted nothing that asks for one. There is no scope that means all.
///
/// # Examples
/// ```
/// use apikey_core::Scopes;
///
/// let scopes = Scopes::parse("reports:write reports:read")?;
/// assert_eq!(scopes.as_str(), "reports:read reports:write");
/// assert!(scopes.contains("reports:read"));
/// assert!(!Scopes::default().contains("reports:read"));
/// # Ok::<(), apikey_core::ScopeError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scopes(String);

impl Scopes {
    /// Reads scopes separated by spaces, in any order: the stored form, or one typed by a user.
    ///
    /// # Errors
    /// [`ScopeError::Invalid`] for the first word that is not a scope.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        Self::collect(text.split(' ').filter(|word| !word.is_empty()))
    }

    /// Collects scopes, in any order.
    ///
    /// # Errors
    /// [`ScopeError::Invalid`] for the first item that is not a scope.
    pub fn collect<I>(scopes: I) -> Result<Self, ScopeError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        scopes.into_iter().map(|text| Scope::new(text.into())).collect()
    }

    /// Whether exactly this scope is held.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|held| held == scope)
    }

    /// Returns the scopes in sorted order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|word| !word.is_empty())
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the stored form: sorted, one space between.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scopes {
    type Err = ScopeError;

    /// As [`Scopes::parse`].
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::parse(text)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut scopes: Vec<Scope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn is_scope(text: &[u8]) -> bool {
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        if !matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e) {
            return false;
        }
        rest = tail;
    }
    !text.is_empty() && text.len() <= MAX_SCOPE_LENGTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_rfc_6749_refuses() {
        for bad in ["", "a b", "a\"b", "a\\b", "a\tb", "a\nb", "\u{e9}", "\u{7f}", &"a".repeat(65)]
        {
            assert!(Scope::new(bad.to_owned()).is_err(), "{bad:?}");
        }
        for good in ["a", "reports:read", "!", "~", &"a".repeat(64)] {
            assert!(Scope::new(good.to_owned()).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn sorts_and_drops_duplicates() {
        assert_eq!(Scopes::parse("b  a b ").unwrap().as_str(), "a b");
    }

    #[test]
    fn matches_exactly() {
        let scopes = Scopes::parse("reports:read").unwrap();
        for other in ["", " ", "reports", "reports:read:all", "REPORTS:READ", "reports:read "] {
            assert!(!scopes.contains(other), "{other:?}");
        }
    }

    #[test]
    fn an_empty_set_contains_nothing() {
        assert!(!Scopes::default().contains(""));
        assert_eq!(Scopes::default().iter().count(), 0);
    }
}
