//! `ApiKeys::is_usable`: what the model's own filter says of a key.

use super::ManageError;
use crate::handle::ApiKeys;
use crate::key::is_prefix;
use crate::model::KeyModel;

impl<M: KeyModel> ApiKeys<M> {
    /// Returns whether the model's own filter lets the key with this prefix be used, `None` if there is no such
    /// key. It is asked of the store as for a request, past the cache; the state of the key is no part of it,
    /// which its [status](crate::KeyRecord::status) says. For pages and lists that tell keys of an owner who is
    /// locked out from others.
    ///
    /// # Errors
    /// [`ManageError::Unreadable`] if its row is damaged, [`ManageError::Store`] if the store fails.
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// use apikey_core::{ApiKeys, KeyRecord, MemoryStore};
    ///
    /// let store = MemoryStore::<KeyRecord>::new().usable_if(|key| key.name != "locked");
    /// let keys = ApiKeys::new(store);
    /// let prefix = keys.create("locked").await?.key.prefix;
    /// assert_eq!(keys.is_usable(&prefix).await?, Some(false));
    /// assert_eq!(keys.is_usable("unknown1").await?, None);
    /// # Ok::<(), apikey_core::ManageError>(())
    /// # }).unwrap();
    /// ```
    pub async fn is_usable(&self, prefix: &str) -> Result<Option<bool>, ManageError> {
        if !is_prefix(prefix) {
            // As for `get`: it may be a whole key.
            return Ok(None);
        }
        let found = self.inner.store.find_by_prefix(prefix).await?;
        Ok(found.map(|found| found.is_usable))
    }
}
