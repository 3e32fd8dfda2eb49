//! A shared store is a store.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Finding, Found, KeyStore, StoreError};
use crate::clock::Timestamp;
use crate::key::format::KeyFormat;
use crate::model::KeyModel;
use crate::store::change::{KeyPatch, NewRecord, Rotation};
use crate::store::query::{KeyQuery, Page};

#[async_trait]
impl<M: KeyModel, S: KeyStore<M> + ?Sized> KeyStore<M> for Arc<S> {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<M>>, StoreError> {
        (**self).find_by_prefix(prefix).await
    }

    async fn get(&self, prefix: &str, owner: Option<&M::Owner>) -> Result<Option<M>, StoreError> {
        (**self).get(prefix, owner).await
    }

    async fn insert(&self, new: &NewRecord<M::Extra>, limit: Option<u32>) -> Result<M, StoreError> {
        (**self).insert(new, limit).await
    }

    async fn update(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<Option<M>, StoreError> {
        (**self).update(id, owner, patch).await
    }

    async fn update_within(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<M>, StoreError> {
        (**self).update_within(id, owner, patch, limit, now).await
    }

    async fn end(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<bool, StoreError> {
        (**self).end(prefix, owner, patch).await
    }

    async fn rotate(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        rotation: &Rotation<M::Extra>,
    ) -> Result<M, StoreError> {
        (**self).rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[M::Id], at: Timestamp) -> Result<(), StoreError> {
        (**self).touch(ids, at).await
    }

    async fn touch_each(&self, uses: &[(M::Id, Timestamp)]) -> Result<(), StoreError> {
        (**self).touch_each(uses).await
    }

    async fn list(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<Page<M>, StoreError> {
        (**self).list(query, now).await
    }

    async fn count(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<u64, StoreError> {
        (**self).count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        (**self).delete_expired(before, limit).await
    }

    async fn delete_ended(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        (**self).delete_ended(prefix, owner, now).await
    }

    async fn check(&self) -> Result<Vec<Finding>, StoreError> {
        (**self).check().await
    }

    fn writable_encodings(&self) -> Option<&[&str]> {
        (**self).writable_encodings()
    }

    fn can_write_format(&self, format: &KeyFormat) -> bool {
        (**self).can_write_format(format)
    }
}
