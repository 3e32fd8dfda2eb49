//! `OwnedKeys`: a handle to the keys of one owner.

use std::fmt;
use std::time::Duration;

use super::manager::Manager;
use super::{Creating, KeyUpdate, ManageError};
use crate::handle::ApiKeys;
use crate::model::{CreatedKey, IntoNewKey, KeyModel, KeyStatus};
use crate::store::query::{KeyQuery, Page};

/// The keys of one owner, made by [`ApiKeys::owned_by`]: it sees and changes these keys and no others, even
/// by prefix. Its operations and errors are those of [`ApiKeys`].
///
/// # Security
/// The owner stands in every query to the store; keys of others are as absent.
pub struct OwnedKeys<M: KeyModel> {
    keys: ApiKeys<M>,
    owner: M::Owner,
}

impl<M: KeyModel> OwnedKeys<M> {
    pub(super) fn new(keys: ApiKeys<M>, owner: M::Owner) -> Self {
        Self { keys, owner }
    }

    fn manager(&self) -> Manager<'_, M> {
        Manager::new(&self.keys.inner, Some(&self.owner))
    }

    /// Returns the owner.
    #[must_use]
    pub fn owner(&self) -> &M::Owner {
        &self.owner
    }

    /// Returns the state of a key now; see [`ApiKeys::status_of`].
    #[must_use]
    pub fn status_of(&self, key: &M) -> KeyStatus {
        self.keys.status_of(key)
    }

    /// Creates a key of this owner; see [`ApiKeys::create`].
    ///
    /// # Errors
    /// As [`ApiKeys::create`], and [`ManageError::ForeignOwner`] if the new key's own columns name another
    /// owner.
    pub fn create(&self, new: impl IntoNewKey<M::Extra>) -> Creating<'_, M> {
        let new = new.into_new_key();
        Box::pin(async move { self.manager().create(new).await })
    }

    /// Returns the owner's key with this prefix; see [`ApiKeys::get`].
    ///
    /// # Errors
    /// As [`ApiKeys::get`].
    pub async fn get(&self, prefix: &str) -> Result<Option<M>, ManageError> {
        self.manager().get(prefix).await
    }

    /// Returns one page of the owner's keys, whatever owner the query names; see [`ApiKeys::list`].
    ///
    /// # Errors
    /// As [`ApiKeys::list`].
    pub async fn list(&self, query: &KeyQuery<M>) -> Result<Page<M>, ManageError> {
        self.manager().list(query).await
    }

    /// Counts the owner's keys, whatever owner the query names; see [`ApiKeys::count`].
    ///
    /// # Errors
    /// As [`ApiKeys::count`].
    pub async fn count(&self, query: &KeyQuery<M>) -> Result<u64, ManageError> {
        self.manager().count(query).await
    }

    /// Changes one of the owner's keys; see [`ApiKeys::update`].
    ///
    /// # Errors
    /// As [`ApiKeys::update`].
    pub async fn update(&self, prefix: &str, update: KeyUpdate) -> Result<M, ManageError> {
        self.manager().update(prefix, update).await
    }

    /// Revokes one of the owner's keys; see [`ApiKeys::revoke`].
    ///
    /// # Errors
    /// As [`ApiKeys::revoke`].
    pub async fn revoke(&self, prefix: &str) -> Result<M, ManageError> {
        self.manager().revoke(prefix).await
    }

    /// Disables one of the owner's keys; see [`ApiKeys::disable`].
    ///
    /// # Errors
    /// As [`ApiKeys::disable`].
    pub async fn disable(&self, prefix: &str) -> Result<M, ManageError> {
        self.manager().disable(prefix).await
    }

    /// Enables one of the owner's keys; see [`ApiKeys::enable`].
    ///
    /// # Errors
    /// As [`ApiKeys::enable`].
    pub async fn enable(&self, prefix: &str) -> Result<M, ManageError> {
        self.manager().enable(prefix).await
    }

    /// Deletes one of the owner's keys that has ended; see [`ApiKeys::purge_key`].
    ///
    /// # Errors
    /// As [`ApiKeys::purge_key`].
    pub async fn purge_key(&self, prefix: &str) -> Result<(), ManageError> {
        self.manager().purge_key(prefix).await
    }

    /// Replaces one of the owner's keys; see [`ApiKeys::rotate`].
    ///
    /// # Errors
    /// As [`ApiKeys::rotate`].
    pub async fn rotate(
        &self,
        prefix: &str,
        grace: Duration,
    ) -> Result<CreatedKey<M>, ManageError> {
        self.manager().rotate(prefix, grace).await
    }
}

impl<M: KeyModel> Clone for OwnedKeys<M> {
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone(), owner: self.owner.clone() }
    }
}

impl<M: KeyModel> fmt::Debug for OwnedKeys<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedKeys").field("owner", &self.owner).finish_non_exhaustive()
    }
}
