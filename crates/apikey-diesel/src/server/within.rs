//! Another expiry within a limit of keys: counted under the lock of whoever owns the key.

use apikey_core::{KeyPatch, StoreError, Timestamp};
use diesel_async::AsyncConnection;

use crate::failure::Failure;
use crate::server::model::AsyncModel;
use crate::store::beside;
use crate::written;

/// How often a key is looked for anew that goes from owner to owner while it is changed.
pub(super) const OWNERS: usize = 4;

/// Another expiry within a limit.
pub(super) struct Within<Id> {
    pub(super) id: Id,
    pub(super) patch: KeyPatch,
    pub(super) limit: u32,
    pub(super) now: Timestamp,
}

impl<Id: Send + Sync> Within<Id> {
    /// Changes the key under the lock of the owner whose it was when the lock was asked for.
    pub(super) async fn update<M, C>(
        &self,
        conn: &mut C,
        owner: Option<&M::Owner>,
        seen: Option<&M::Owner>,
    ) -> Result<Option<M>, Failure>
    where
        C: AsyncConnection,
        M: AsyncModel<C::Backend, Id = Id>,
    {
        let Self { id, patch, limit, now } = self;
        let before = M::update(conn, id, owner, &KeyPatch::default()).await?;
        // From here on its row is locked.
        let key = M::update(conn, id, owner, patch).await?;
        let Some((before, key)) = before.zip(key) else { return Ok(None) };
        if key.owner() != seen {
            // The count of another owner stands under another lock.
            return Err(StoreError::Conflict.into());
        }
        let is_counted = patch.prolongs(before.record()) && key.record().counts_at(*now);
        if is_counted && M::count_live(conn, &beside(&key, *now)).await? > u64::from(*limit) {
            return Err(StoreError::LimitReached { limit: *limit }.into());
        }
        written::updated(M::table(), patch, Some(key))
    }
}
