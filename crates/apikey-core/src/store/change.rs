//! What is written: a new row, a patch of named columns, a rotation.

use crate::clock::Timestamp;
use crate::hash::HashedKey;
use crate::model::{KeyModel, KeyRecord};
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
    /// Since when the key is disabled: one that comes from elsewhere, where it was.
    pub disabled_at: Option<Timestamp>,
    /// Since when the key is revoked: one that comes from elsewhere, and must not work at any moment.
    pub revoked_at: Option<Timestamp>,
    /// The prefix of the predecessor.
    pub rotated_from: Option<String>,
    /// The values of the model's own columns.
    pub extra: Extra,
}

impl<Extra> NewRecord<Extra> {
    /// Creates an active record without scopes, expiry or predecessor.
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
            disabled_at: None,
            revoked_at: None,
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

    /// Sets since when the key is disabled.
    #[must_use]
    pub fn with_disabled_at(self, disabled_at: Option<Timestamp>) -> Self {
        Self { disabled_at, ..self }
    }

    /// Sets since when the key is revoked.
    #[must_use]
    pub fn with_revoked_at(self, revoked_at: Option<Timestamp>) -> Self {
        Self { revoked_at, ..self }
    }

    /// Sets the predecessor.
    #[must_use]
    pub fn with_rotated_from(self, rotated_from: Option<String>) -> Self {
        Self { rotated_from, ..self }
    }

    /// Returns the built-in columns of the key, with the id that the store gives it: for stores that keep
    /// records as they are.
    #[must_use]
    pub fn to_record<Id>(&self, id: Id) -> KeyRecord<Id> {
        let (prefix, hash, name) = (&*self.prefix, self.hashed_key.clone(), &*self.name);
        KeyRecord::new(id, prefix, hash, name, self.created_at)
            .with_scopes(self.scopes.clone())
            .with_expires_at(self.expires_at)
            .with_disabled_at(self.disabled_at)
            .with_revoked_at(self.revoked_at)
            .with_rotated_from(self.rotated_from.clone())
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

    /// Whether a key could live longer by this: for a limit of keys, which is then counted. It could not if
    /// the expiry stays, or moves to an earlier time.
    #[must_use]
    pub fn prolongs<Id>(&self, record: &KeyRecord<Id>) -> bool {
        let is_later = |end: Option<Timestamp>| match (end, record.expires_at) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(end), Some(old)) => end > old,
        };
        self.expires_at.is_some_and(is_later)
    }

    /// Whether no column is named, which is no statement in SQL.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { name, scopes, expires_at, disabled_at, revoked_at, hashed_key, .. } = self;
        name.is_none()
            && scopes.is_none()
            && expires_at.is_none()
            && disabled_at.is_none()
            && revoked_at.is_none()
            && hashed_key.is_none()
    }

    /// Whether the guard holds for a key as it is stored.
    #[must_use]
    pub fn may_change<Id>(&self, record: &KeyRecord<Id>) -> bool {
        self.if_hashed_key.as_ref().is_none_or(|seen| *seen == record.hashed_key)
    }

    /// Changes the named columns and no others: for stores that keep records as they are. A `revoked_at` that
    /// is set stays. The guard is not looked at.
    pub fn apply<Id>(&self, record: &mut KeyRecord<Id>) {
        if let Some(name) = &self.name {
            record.name.clone_from(name);
        }
        if let Some(scopes) = &self.scopes {
            record.scopes.clone_from(scopes);
        }
        if let Some(hashed_key) = &self.hashed_key {
            record.hashed_key.clone_from(hashed_key);
        }
        record.expires_at = self.expires_at.unwrap_or(record.expires_at);
        record.disabled_at = self.disabled_at.unwrap_or(record.disabled_at);
        record.revoked_at = record.revoked_at.or(self.revoked_at);
    }
}

/// A rotation: a successor, and the end of its predecessor as it was seen.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rotation<Extra> {
    /// The predecessor's expiry as it was read: the guard against another rotation.
    pub seen_expires_at: Option<Timestamp>,
    /// The predecessor's name as it was read, which the successor inherits.
    pub seen_name: String,
    /// The predecessor's scopes as they were read, which the successor inherits: the guard against
    /// giving it back what was taken away meanwhile.
    pub seen_scopes: Scopes,
    /// The predecessor's new expiry; must differ from the one seen, or the guard guards nothing.
    pub expires_at: Timestamp,
    /// The successor. Its own columns name the owner that was seen, or none.
    pub successor: NewRecord<Extra>,
    /// The most live keys that the owner may have once the successor is there, counted as for an
    /// [`insert`](crate::KeyStore::insert). The predecessor counts until its new expiry.
    pub limit: Option<u32>,
}

impl<Extra> Rotation<Extra> {
    /// Describes a rotation to a successor that has the name and the scopes which were seen.
    #[must_use]
    pub fn new(
        seen_expires_at: Option<Timestamp>,
        expires_at: Timestamp,
        successor: NewRecord<Extra>,
    ) -> Self {
        let (seen_name, seen_scopes) = (successor.name.clone(), successor.scopes.clone());
        Self { seen_expires_at, seen_name, seen_scopes, expires_at, successor, limit: None }
    }

    /// Sets the most live keys that the owner may have afterwards.
    #[must_use]
    pub fn with_limit(self, limit: Option<u32>) -> Self {
        Self { limit, ..self }
    }

    /// Returns whether name and scopes of the predecessor are still those that were seen, and its owner is
    /// the successor's: somebody, or nobody, where an owner in the query cannot say so.
    ///
    /// Name and scopes are text, so they are better compared here than in a query: a database may take for
    /// equal what differs in case, or for different what differs in the order of the scopes.
    #[must_use]
    pub fn inherits_from<M: KeyModel<Extra = Extra>>(&self, predecessor: &M) -> bool {
        let record = predecessor.record();
        record.name == self.seen_name
            && record.scopes == self.seen_scopes
            && predecessor.owner() == M::owner_of(&self.successor.extra)
    }
}
