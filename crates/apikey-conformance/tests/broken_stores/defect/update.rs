//! What goes wrong with updates.

use apikey_core::{KeyPatch, KeyStore, StoreError, Timestamp};
use tokio::task::yield_now;

use super::Defect::*;
use super::{BrokenStore, OwnedKey, Team};

impl BrokenStore {
    pub(super) async fn broken_update(
        &self,
        id: &i64,
        owner: Option<&Team>,
        patch: &KeyPatch,
    ) -> Result<Option<OwnedKey>, StoreError> {
        let mut patch = patch.clone();
        let owner = self.owner(UpdateIgnoresOwner, owner);
        let revoked_at = patch.revoked_at;
        match self.defect {
            UpdateIgnoresGuard => patch.if_hashed_key = None,
            UpdateTouchesOthers if patch.name.is_some() => patch.expires_at = Some(None),
            UpdateIgnoresEmpty if format!("{patch:?}") == format!("{:?}", KeyPatch::default()) => {
                return Ok(None);
            }
            UpdateInTwoSteps => {
                let mut first = KeyPatch::default();
                first.name = patch.name.take();
                self.inner.update(id, owner, &first).await?;
                yield_now().await;
            }
            UpdateSavesRow => {
                let record = self.by_id(*id).await?.unwrap().record;
                // At least two of three change a column that the others save.
                self.race.look();
                self.race.until_looked(3).await;
                patch.name.get_or_insert(record.name);
                patch.scopes.get_or_insert(record.scopes);
                patch.expires_at.get_or_insert(record.expires_at);
                patch.disabled_at.get_or_insert(record.disabled_at);
            }
            _ => {}
        }
        let Some(mut key) = self.inner.update(id, owner, &patch).await? else {
            return if self.is(UpdateFailsOnAbsent) { Err(StoreError::Conflict) } else { Ok(None) };
        };
        match self.defect {
            UpdateClearsRevoked if patch.disabled_at == Some(None) => key.record.revoked_at = None,
            UpdateMovesRevoked => key.record.revoked_at = revoked_at.or(key.record.revoked_at),
            RehashSavesRow if patch.hashed_key.is_some() => key = self.cached(*id),
            _ => return Ok(Some(key)),
        }
        self.save(key.clone());
        Ok(Some(key))
    }
    pub(super) async fn broken_update_within(
        &self,
        id: &i64,
        owner: Option<&Team>,
        patch: &KeyPatch,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<OwnedKey>, StoreError> {
        let live = self.all().await?.iter().filter(|key| key.record.counts_at(now)).count();
        match self.defect {
            WithinIgnoresLimit => self.inner.update(id, owner, patch).await,
            WithinCountsAlways if live > limit as usize => Err(StoreError::LimitReached { limit }),
            WithinCountsBefore if patch.expires_at.is_some() => {
                if live > limit as usize {
                    return Err(StoreError::LimitReached { limit });
                }
                self.race.look();
                self.race.until_full().await;
                self.inner.update(id, owner, patch).await
            }
            WithinIgnoresOwner => self.inner.update_within(id, None, patch, limit, now).await,
            _ => self.inner.update_within(id, owner, patch, limit, now).await,
        }
    }
}
