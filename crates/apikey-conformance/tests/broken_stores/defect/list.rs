//! What goes wrong with lists.

use std::sync::atomic::Ordering;

use apikey_core::chrono::TimeDelta;
use apikey_core::{
    Cursor, KeyModel, KeyQuery, KeyRecord, KeyStore, MAX_PAGE, Page, StoreError, Timestamp,
};
use tokio::task::yield_now;

use super::Defect::*;
use super::{BrokenStore, OwnedKey};

impl BrokenStore {
    pub(super) async fn broken_list(
        &self,
        query: &KeyQuery<OwnedKey>,
        now: Timestamp,
    ) -> Result<Page<OwnedKey>, StoreError> {
        if self.is(StaysLocked) {
            if self.is_locked.swap(true, Ordering::SeqCst) {
                return Err(StoreError::Unavailable("locked".into()));
            }
            yield_now().await;
            self.is_locked.store(false, Ordering::SeqCst);
        }
        let mut page = match self.defect {
            ListByOffset => self.list_by_offset(query, now).await?,
            ListEndsLate => self.inner.list(query, now - TimeDelta::microseconds(1)).await?,
            _ => self.inner.list(&self.distorted(query), now).await?,
        };
        page.keys = page.keys.into_iter().map(|key| self.seen(key)).collect();
        if self.is(RotateInTwoSteps) && page.keys.len() > 1 {
            self.race.look();
        }
        match (self.defect, &query.search) {
            (SearchIgnoresCase | SearchTakesWildcards, Some(text)) => {
                page.keys.retain(|key| self.is_like(&key.record, text));
            }
            (SearchSlipsPast, Some(text)) => {
                page.keys.extend(self.inner.get(text, None).await?);
            }
            (ListOldestFirst, _) => page.keys.reverse(),
            (ListNeverEnds, _) => {
                let last = page.keys.last().map(KeyModel::record);
                page.next = last.map(|record| Cursor::new(record.created_at, record.id));
            }
            _ => {}
        }
        Ok(page)
    }

    fn distorted(&self, query: &KeyQuery<OwnedKey>) -> KeyQuery<OwnedKey> {
        let mut query = query.clone();
        match self.defect {
            ListIgnoresOwner => query.owner = None,
            SearchStopsAtNul => {
                let text = query.search.take().unwrap_or_default();
                query.search = text.split('\0').next().map(str::to_owned);
            }
            ListIgnoresPredecessor => query.rotated_from = None,
            ListIgnoresEncoding => query.encodings.clear(),
            ListTakesOneEncoding => query.encodings.truncate(1),
            ListTakesOtherEncodings => query.not_encodings.clear(),
            SearchIgnoresCase | SearchTakesWildcards => query.search = None,
            ListLosesTies => {
                query.after = query.after.map(|after| Cursor::new(after.created_at, i64::MIN));
            }
            _ => {}
        }
        query
    }

    async fn list_by_offset(
        &self,
        query: &KeyQuery<OwnedKey>,
        now: Timestamp,
    ) -> Result<Page<OwnedKey>, StoreError> {
        if query.after.is_none() {
            self.listed.store(0, Ordering::SeqCst);
        }
        let page = query.limit as usize;
        let offset = self.listed.fetch_add(page, Ordering::SeqCst);
        let all = query.clone().after(None).limit(MAX_PAGE);
        let keys = self.inner.list(&all, now).await?.keys;
        Ok(Page::from_rows(keys.into_iter().skip(offset).take(page + 1).collect(), query.limit))
    }

    fn is_like(&self, record: &KeyRecord, text: &str) -> bool {
        if self.is(SearchIgnoresCase) {
            return record.name.to_lowercase().starts_with(&text.to_lowercase())
                || record.prefix == text;
        }
        let name: Vec<_> = record.name.chars().collect();
        let pattern: Vec<_> = text.chars().collect();
        let begins = name.len() >= pattern.len()
            && pattern.iter().zip(&name).all(|(wanted, is)| wanted == is || *wanted == '_');
        begins || record.prefix == text
    }
}
