//! What goes wrong with inserts.

use apikey_core::chrono::SubsecRound;
use apikey_core::{KeyPatch, KeyStore, NewRecord, StoreError};
use tokio::task::yield_now;

use super::Defect::*;
use super::{BrokenStore, OwnedKey, Team};

impl BrokenStore {
    pub(super) async fn broken_insert(
        &self,
        new: &NewRecord<Team>,
        limit: Option<u32>,
    ) -> Result<OwnedKey, StoreError> {
        let counts_itself =
            [LimitCountsEnded, LimitCountsOthers, LimitCountsBefore].contains(&self.defect);
        let limit = match limit {
            Some(_) if self.is(LimitIsIgnored) => None,
            Some(limit) if counts_itself => {
                if self.is_full(new, limit).await? {
                    return Err(StoreError::LimitReached { limit });
                }
                if self.is(LimitCountsBefore) {
                    // They all find room, and are one too many.
                    self.race.look();
                    self.race.until_looked(limit as usize + 1).await;
                }
                None
            }
            Some(limit) if self.is(RotateCountsBefore) || self.is(WithinCountsBefore) => {
                // It takes the room that somebody has found.
                self.race.until_looked(1).await;
                Some(limit)
            }
            limit => limit,
        };
        let result = self.add(new, limit).await;
        self.race.inserted(&result);
        let key = result?;
        self.cached.lock().unwrap().insert(key.record.id, key.clone());
        Ok(key)
    }

    /// Counts towards a limit, in the wrong way.
    async fn is_full(&self, new: &NewRecord<Team>, limit: u32) -> Result<bool, StoreError> {
        let counts = |key: &&OwnedKey| {
            let record = &key.record;
            let ended = record.revoked_at.is_some()
                || record.expires_at.is_some_and(|end| end <= new.created_at);
            (self.is(LimitCountsEnded) || !ended)
                && (self.is(LimitCountsOthers) || key.team == new.extra)
        };
        Ok(self.all().await?.iter().filter(counts).count() >= limit as usize)
    }

    async fn add(&self, new: &NewRecord<Team>, limit: Option<u32>) -> Result<OwnedKey, StoreError> {
        let mut new = new.clone();
        match self.defect {
            InsertDropsRotatedFrom => new.rotated_from = None,
            InsertDropsDisabled => new.disabled_at = None,
            InsertRevokesAfter => {
                let revoked_at = new.revoked_at.take();
                let key = self.inner.insert(&new, limit).await?;
                if let Some(revoked_at) = revoked_at {
                    let patch = KeyPatch::default().revoked_at(revoked_at);
                    self.inner.update(&key.record.id, None, &patch).await?;
                }
                return Ok(key);
            }
            InsertCutsTimes => new.created_at = new.created_at.trunc_subsecs(3),
            InsertCutsNames => new.name = new.name.chars().take(100).collect(),
            InsertInTwoSteps => {
                let expires_at = new.expires_at.take();
                let key = self.inner.insert(&new, limit).await?;
                yield_now().await;
                let patch = KeyPatch::default().expires_at(expires_at);
                return Ok(self.inner.update(&key.record.id, None, &patch).await?.unwrap());
            }
            InsertLooksBefore => return self.add_after_a_look(&new, limit).await,
            _ => {}
        }
        let result = self.inner.insert(&new, limit).await;
        match (result, self.inner.get(&new.prefix, None).await?) {
            (Err(StoreError::Duplicate), Some(mut old))
                if self.is(InsertOverwrites)
                    || (self.is(InsertRevives) && old.record.revoked_at.is_some()) =>
            {
                old.record.revoked_at = None;
                old.record.name.clone_from(&new.name);
                self.save(old.clone());
                Ok(old)
            }
            (result, _) => result,
        }
    }

    /// Takes a prefix for its own if it was free before.
    async fn add_after_a_look(
        &self,
        new: &NewRecord<Team>,
        limit: Option<u32>,
    ) -> Result<OwnedKey, StoreError> {
        let is_taken = self.inner.get(&new.prefix, None).await?.is_some();
        if !is_taken {
            self.race.look();
            self.race.until_looked(2).await;
        }
        match self.inner.insert(new, limit).await {
            Err(StoreError::Duplicate) if !is_taken => {
                Ok(self.inner.get(&new.prefix, None).await?.unwrap())
            }
            result => result,
        }
    }
}
