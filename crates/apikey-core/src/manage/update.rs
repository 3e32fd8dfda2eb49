//! `KeyUpdate`: what a key's owner may change of it.

use crate::clock::Timestamp;

/// What [`ApiKeys::update`](crate::ApiKeys::update) changes; what is not named stays.
///
/// # Examples
/// ```
/// use apikey_core::KeyUpdate;
///
/// let update = KeyUpdate::new().name("reporting").scopes(["reports:read"]).never_expires();
/// ```
#[derive(Debug, Clone, Default)]
pub struct KeyUpdate {
    pub(super) name: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) expires_at: Option<Option<Timestamp>>,
}

impl KeyUpdate {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes the name.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Replaces the scopes, each an item of its own; an empty list takes all away.
    #[must_use]
    pub fn scopes<I>(self, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self { scopes: Some(scopes.into_iter().map(Into::into).collect()), ..self }
    }

    /// Lets the key end at this time, which has to be in the future.
    #[must_use]
    pub fn expires_at(self, time: Timestamp) -> Self {
        Self { expires_at: Some(Some(time)), ..self }
    }

    /// Takes the expiry away.
    #[must_use]
    pub fn never_expires(self) -> Self {
        Self { expires_at: Some(None), ..self }
    }
}
