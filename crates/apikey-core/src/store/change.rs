//! What is written: a new row, a patch of named columns, a rotation.

use crate::clock::Timestamp;
use crate::hash::HashedKey;
use crate::scope::Scopes;

/// The columns of a new key; the store adds the id.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewRecord<Extra> {
    /// The public part.
    pub prefix: String,
    /// What is stored of the text.
    pub hashed_key: HashedKey,
    /// The name.
    pub name: String,
    /// The scopes.
    pub scopes: Scopes,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The expiry.
    pub expires_at: Option<Timestamp>,
    /// The prefix of the predecessor.
    pub rotated_from: Option<String>,
    /// The values of the model's own columns.
    pub extra: Extra,
}

impl<Extra> NewRecord<Extra> {
    /// Creates a record without scopes, expiry or predecessor.
    #[must_use]
    pub fn new(
        prefix: impl Into<String>,
        hashed_key: HashedKey,
        name: impl Into<String>,
        created_at: Timestamp,
        extra: Extra,
    ) -> Self {
        Self {
            prefix: prefix.into(),
            hashed_key,
            name: name.into(),
            scopes: Scopes::default(),
            created_at,
            expires_at: None,
            rotated_from: None,
            extra,
        }
    }

    /// Sets the scopes.
    #[must_use]
    pub fn with_scopes(self, scopes: Scopes) -> Self {
        Self { scopes, ..self }
    }

    /// Sets the expiry.
    #[must_use]
    pub fn with_expires_at(self, expires_at: Option<Timestamp>) -> Self {
        Self { expires_at, ..self }
    }

    /// Sets the predecessor.
    #[must_use]
    pub fn with_rotated_from(self, rotated_from: Option<String>) -> Self {
        Self { rotated_from, ..self }
    }
}

/// A change of named columns; what is `None` stays. It cannot clear `revoked_at`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct KeyPatch {
    /// A new name.
    pub name: Option<String>,
    /// New scopes.
    pub scopes: Option<Scopes>,
    /// A new expiry, or none.
    pub expires_at: Option<Option<Timestamp>>,
    /// Disabled since, or enabled.
    pub disabled_at: Option<Option<Timestamp>>,
    /// Revoked since; without effect on a key that is revoked already.
    pub revoked_at: Option<Timestamp>,
    /// A new hash of the same key.
    pub hashed_key: Option<HashedKey>,
    /// The guard: change nothing unless this is the stored hash.
    pub if_hashed_key: Option<HashedKey>,
}

impl KeyPatch {
    /// Sets the name.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Sets the scopes.
    #[must_use]
    pub fn scopes(self, scopes: Scopes) -> Self {
        Self { scopes: Some(scopes), ..self }
    }

    /// Sets or clears the expiry.
    #[must_use]
    pub fn expires_at(self, expires_at: Option<Timestamp>) -> Self {
        Self { expires_at: Some(expires_at), ..self }
    }

    /// Disables or enables.
    #[must_use]
    pub fn disabled_at(self, disabled_at: Option<Timestamp>) -> Self {
        Self { disabled_at: Some(disabled_at), ..self }
    }

    /// Revokes.
    #[must_use]
    pub fn revoked_at(self, revoked_at: Timestamp) -> Self {
        Self { revoked_at: Some(revoked_at), ..self }
    }

    /// Replaces the hash, provided that `old` is still the stored one.
    #[must_use]
    pub fn rehash(self, old: HashedKey, new: HashedKey) -> Self {
        Self { hashed_key: Some(new), if_hashed_key: Some(old), ..self }
    }
}

/// A rotation: a successor, and the end of its predecessor.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rotation<Extra> {
    /// The predecessor's expiry as it was read: the guard.
    pub seen_expires_at: Option<Timestamp>,
    /// The predecessor's new expiry; must differ from the one seen, or the guard guards nothing.
    pub expires_at: Timestamp,
    /// The successor.
    pub successor: NewRecord<Extra>,
}

impl<Extra> Rotation<Extra> {
    /// Describes a rotation.
    #[must_use]
    pub fn new(
        seen_expires_at: Option<Timestamp>,
        expires_at: Timestamp,
        successor: NewRecord<Extra>,
    ) -> Self {
        Self { seen_expires_at, expires_at, successor }
    }
}
