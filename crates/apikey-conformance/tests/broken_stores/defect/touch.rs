//! What goes wrong with touches.

use apikey_core::{KeyStore, StoreError, Timestamp};

use super::BrokenStore;
use super::Defect::*;

impl BrokenStore {
    pub(super) async fn broken_touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
        if self.is(TouchTakesFew) && ids.len() > 999 {
            return Err(StoreError::Unavailable("too many SQL variables".into()));
        }
        for key in self.all().await? {
            let mut key = match self.defect {
                TouchSavesRow => self.cached(key.record.id),
                _ => key,
            };
            if !ids.contains(&key.record.id) {
                continue;
            }
            match self.defect {
                TouchStopsAtRevoked if key.record.revoked_at.is_some() => return Ok(()),
                TouchStopsAtRevoked => self.inner.touch(&[key.record.id], at).await?,
                TouchRevives => key.record.expires_at = None,
                TouchSavesRow | TouchGoesBack => key.record.last_used_at = Some(at),
                _ => return self.inner.touch(ids, at).await,
            }
            self.save(key);
        }
        Ok(())
    }
    pub(super) async fn broken_touch_each(
        &self,
        uses: &[(i64, Timestamp)],
    ) -> Result<(), StoreError> {
        let latest = uses.iter().map(|(_, at)| *at).max().unwrap_or_default();
        let uses: Vec<_> = match self.defect {
            TouchesAllAtOnce => uses.iter().map(|(id, _)| (*id, latest)).collect(),
            TouchesFewAtTheirTime => uses.iter().take(100).copied().collect(),
            _ => uses.to_vec(),
        };
        self.inner.touch_each(&uses).await
    }
}
