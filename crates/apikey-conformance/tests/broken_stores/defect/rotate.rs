//! What goes wrong with rotations.

use apikey_core::{KeyPatch, KeyStore, Rotation, StoreError};

use super::Defect::*;
use super::{BrokenStore, OwnedKey, Team};

impl BrokenStore {
    pub(super) async fn broken_rotate(
        &self,
        id: &i64,
        owner: Option<&Team>,
        rotation: &Rotation<Team>,
    ) -> Result<OwnedKey, StoreError> {
        let mut rotation = rotation.clone();
        let owner = self.owner(RotateIgnoresOwner, owner);
        let end = KeyPatch::default().expires_at(Some(rotation.expires_at));
        let key = self.by_id(*id).await?;
        match (self.defect, key) {
            (InsertDropsRotatedFrom, _) => rotation.successor.rotated_from = None,
            (RotateIgnoresGuard, Some(key)) => rotation.seen_expires_at = key.record.expires_at,
            (RotateIgnoresScopes, _) => {
                let (name, scopes) = (&rotation.seen_name, &rotation.seen_scopes);
                let has_changed =
                    |key: &OwnedKey| (&key.record.name, &key.record.scopes) != (name, scopes);
                let key = self.until(*id, has_changed).await?;
                (rotation.seen_name, rotation.seen_scopes) =
                    key.map(|key| (key.record.name, key.record.scopes)).unwrap_or_default();
            }
            (RotateIgnoresLimit, _) => rotation.limit = None,
            (RotateCountsBefore, _) => self.count_before(rotation.limit.take()).await?,
            (RotateHandsOver, Some(key)) => rotation.successor.extra = key.team,
            (RotateEndsFirst, _) => {
                self.inner.update(id, owner, &end).await?;
                return self.inner.insert(&rotation.successor, None).await;
            }
            (RotateInTwoSteps, _) => {
                let successor = self.inner.insert(&rotation.successor, None).await?;
                // Whoever lists keys sees one half.
                self.race.until_looked(1).await;
                self.inner.update(id, owner, &end).await?;
                return Ok(successor);
            }
            (RotateSavesRow, Some(mut key)) => {
                self.until(*id, |key| key.record.revoked_at.is_some()).await?;
                let successor = self.inner.rotate(id, owner, &rotation).await;
                key.record.expires_at = Some(rotation.expires_at);
                self.save(key);
                return successor;
            }
            _ => {}
        }
        self.inner.rotate(id, owner, &rotation).await
    }

    /// Counts all keys there are, the predecessor among them, before the rotation.
    async fn count_before(&self, limit: Option<u32>) -> Result<(), StoreError> {
        let live = self.all().await?.len();
        match limit {
            Some(limit) if live >= limit as usize => Err(StoreError::LimitReached { limit }),
            Some(_) => {
                self.race.look();
                self.race.until_full().await;
                Ok(())
            }
            None => Ok(()),
        }
    }
}
