//! What goes wrong with rotations.

use apikey_core::{KeyPatch, KeyStore, Rotation, StoreError};
use tokio::task::yield_now;

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
        let key = self.all().await?.into_iter().find(|key| key.record.id == *id);
        match (self.defect, key) {
            (InsertDropsRotatedFrom, _) => rotation.successor.rotated_from = None,
            (RotateIgnoresGuard, Some(key)) => rotation.seen_expires_at = key.record.expires_at,
            (RotateIgnoresScopes, _) => {
                // Long enough for whoever takes scopes away at the same time.
                for _ in 0..100 {
                    yield_now().await;
                }
                let keys = self.all().await?;
                let key = keys.into_iter().find(|key| key.record.id == *id);
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
                // Long enough for whoever looks at the same time.
                for _ in 0..1000 {
                    yield_now().await;
                }
                self.inner.update(id, owner, &end).await?;
                return Ok(successor);
            }
            (RotateSavesRow, Some(mut key)) => {
                for _ in 0..100 {
                    yield_now().await;
                }
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
        yield_now().await;
        match limit {
            Some(limit) if live >= limit as usize => Err(StoreError::LimitReached { limit }),
            _ => Ok(()),
        }
    }
}
