//! What goes wrong with ending one key.

use apikey_core::chrono::TimeDelta;
use apikey_core::{KeyPatch, KeyStore, StoreError, Timestamp};

use super::Defect::*;
use super::{BrokenStore, Team};

impl BrokenStore {
    pub(super) async fn broken_end(
        &self,
        prefix: &str,
        owner: Option<&Team>,
        patch: &KeyPatch,
    ) -> Result<bool, StoreError> {
        let owner = self.owner(EndIgnoresOwner, owner);
        if self.is(EndIgnoresCase) {
            let is_meant = |text: &str| text.eq_ignore_ascii_case(prefix);
            let keys = self.all().await?.into_iter();
            for key in keys.filter(|key| is_meant(&key.record.prefix)) {
                self.inner.update(&key.record.id, owner, patch).await?;
            }
            return Ok(true);
        }
        let Some(key) = self.get(prefix, owner).await? else { return Ok(false) };
        let Some(mut key) = self.inner.update(&key.record.id, owner, patch).await? else {
            return Ok(false);
        };
        if self.is(EndMovesRevoked) {
            key.record.revoked_at = patch.revoked_at;
            self.save(key);
        }
        Ok(true)
    }

    pub(super) async fn broken_delete_ended(
        &self,
        prefix: &str,
        owner: Option<&Team>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let owner = self.owner(DeletesOneOfOthers, owner);
        let later =
            if self.is(DeletesOneThatWorks) { TimeDelta::days(1) } else { TimeDelta::zero() };
        self.inner.delete_ended(prefix, owner, now + later).await
    }
}
