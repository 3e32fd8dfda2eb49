//! A store in memory with one deliberate defect.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use apikey_conformance::async_trait;
use apikey_core::chrono::{SubsecRound, TimeDelta};
use apikey_core::{
    Cursor, Found, KeyModel, KeyPatch, KeyQuery, KeyRecord, KeyStore, MAX_PAGE, MemoryStore,
    NewRecord, Page, Rotation, StoreError, Timestamp,
};
use tokio::task::yield_now;

use Defect::*;

/// What is wrong with a [`BrokenStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    Sound,
    FindIgnoresCase,
    FindTrims,
    FindHidesRevoked,
    FindAppliesFilter,
    GetIgnoresOwner,
    InsertDropsRotatedFrom,
    InsertRevokesAfter,
    InsertDropsDisabled,
    InsertCutsTimes,
    InsertCutsNames,
    InsertOverwrites,
    InsertRevives,
    InsertLooksBefore,
    InsertRepeatsIds,
    InsertInTwoSteps,
    LimitIsIgnored,
    LimitCountsEnded,
    LimitCountsOthers,
    LimitCountsBefore,
    UpdateIgnoresEmpty,
    UpdateTouchesOthers,
    UpdateClearsRevoked,
    UpdateMovesRevoked,
    UpdateFailsOnAbsent,
    UpdateIgnoresOwner,
    UpdateIgnoresGuard,
    UpdateSavesRow,
    UpdateInTwoSteps,
    RehashSavesRow,
    RotateIgnoresGuard,
    RotateIgnoresScopes,
    RotateIgnoresOwner,
    RotateHandsOver,
    RotateEndsFirst,
    RotateInTwoSteps,
    RotateSavesRow,
    TouchGoesBack,
    TouchStopsAtRevoked,
    TouchSavesRow,
    TouchTakesFew,
    TouchRevives,
    ListOldestFirst,
    ListLosesTies,
    ListByOffset,
    ListNeverEnds,
    ListIgnoresOwner,
    ListEndsLate,
    ListIgnoresEncoding,
    ListTakesOneEncoding,
    ListTakesOtherEncodings,
    SearchIgnoresCase,
    SearchTakesWildcards,
    SearchSlipsPast,
    CountOfOnePage,
    DeletesAtTheTime,
    DeletesWithoutLimit,
    DeleteCountsBefore,
    StaysLocked,
}

/// A key that belongs to a team.
#[derive(Debug, Clone)]
pub(crate) struct OwnedKey {
    pub(crate) record: KeyRecord,
    pub(crate) team: Team,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Team {
    pub(crate) number: u8,
    pub(crate) is_active: bool,
}

impl KeyModel for OwnedKey {
    type Id = i64;
    type Extra = Team;
    type Owner = Team;

    fn record(&self) -> &KeyRecord {
        &self.record
    }

    fn from_parts(record: KeyRecord, team: Team) -> Self {
        Self { record, team }
    }

    fn extra(&self) -> Team {
        self.team.clone()
    }

    fn owner(&self) -> Option<&Team> {
        Some(&self.team)
    }

    fn owner_of(team: &Team) -> Option<&Team> {
        Some(team)
    }
}

/// Hands everything to a sound store, but for what its defect is about.
pub(crate) struct BrokenStore {
    inner: MemoryStore<OwnedKey>,
    defect: Defect,
    /// Rows as they were inserted: what a store that caches entities holds.
    cached: Mutex<HashMap<i64, OwnedKey>>,
    /// Rows that were saved whole, by prefix: they hide the sound ones.
    saved: Mutex<HashMap<String, OwnedKey>>,
    listed: AtomicUsize,
    is_locked: AtomicBool,
}

impl BrokenStore {
    pub(crate) fn new(defect: Defect) -> Self {
        let id = move |n: u64| match defect {
            InsertRepeatsIds => 1,
            _ => i64::try_from(n).unwrap(),
        };
        Self {
            inner: MemoryStore::with_ids(id).usable_if(|key: &OwnedKey| key.team.is_active),
            defect,
            cached: Mutex::default(),
            saved: Mutex::default(),
            listed: AtomicUsize::new(0),
            is_locked: AtomicBool::new(false),
        }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn owner<'a>(&self, defect: Defect, owner: Option<&'a Team>) -> Option<&'a Team> {
        owner.filter(|_| !self.is(defect))
    }

    fn seen(&self, key: OwnedKey) -> OwnedKey {
        self.saved.lock().unwrap().get(&key.record.prefix).cloned().unwrap_or(key)
    }

    fn save(&self, key: OwnedKey) {
        self.saved.lock().unwrap().insert(key.record.prefix.clone(), key);
    }

    fn cached(&self, id: i64) -> OwnedKey {
        self.cached.lock().unwrap()[&id].clone()
    }

    async fn all(&self) -> Result<Vec<OwnedKey>, StoreError> {
        let query = KeyQuery::new().limit(MAX_PAGE);
        Ok(self.inner.list(&query, Timestamp::default()).await?.keys)
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
            InsertLooksBefore => {
                let is_taken = self.inner.get(&new.prefix, None).await?.is_some();
                yield_now().await;
                return match self.inner.insert(&new, limit).await {
                    Err(StoreError::Duplicate) if !is_taken => {
                        Ok(self.inner.get(&new.prefix, None).await?.unwrap())
                    }
                    result => result,
                };
            }
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
}

#[async_trait]
impl KeyStore<OwnedKey> for BrokenStore {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<OwnedKey>>, StoreError> {
        let prefix = if self.is(FindTrims) { prefix.trim() } else { prefix };
        if self.is(FindIgnoresCase) {
            let keys = self.all().await?;
            let found = keys.into_iter().find(|key| key.record.prefix.eq_ignore_ascii_case(prefix));
            return Ok(found.map(|key| Found::new(key, true)));
        }
        let found = self.inner.find_by_prefix(prefix).await?;
        let found = found.map(|found| Found::new(self.seen(found.key), found.is_usable));
        Ok(found.filter(|found| match self.defect {
            FindHidesRevoked => found.key.record.revoked_at.is_none(),
            FindAppliesFilter => found.is_usable,
            _ => true,
        }))
    }

    async fn get(
        &self,
        prefix: &str,
        owner: Option<&Team>,
    ) -> Result<Option<OwnedKey>, StoreError> {
        let key = self.inner.get(prefix, self.owner(GetIgnoresOwner, owner)).await?;
        Ok(key.map(|key| self.seen(key)))
    }

    async fn insert(
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
                yield_now().await;
                None
            }
            limit => limit,
        };
        let key = self.add(new, limit).await?;
        self.cached.lock().unwrap().insert(key.record.id, key.clone());
        Ok(key)
    }

    async fn update(
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
                let key = self.all().await?.into_iter().find(|key| key.record.id == *id);
                let record = key.unwrap().record;
                yield_now().await;
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

    async fn rotate(
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

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
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

    async fn list(
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

    async fn count(&self, query: &KeyQuery<OwnedKey>, now: Timestamp) -> Result<u64, StoreError> {
        if self.is(CountOfOnePage) {
            return Ok(self.inner.list(query, now).await?.keys.len() as u64);
        }
        self.inner.count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        match self.defect {
            DeletesAtTheTime => {
                self.inner.delete_expired(before + TimeDelta::microseconds(1), limit).await
            }
            DeletesWithoutLimit => self.inner.delete_expired(before, u32::MAX).await,
            DeleteCountsBefore => {
                let is_ended = |key: &&OwnedKey| {
                    let record = &key.record;
                    record.expires_at.into_iter().chain(record.revoked_at).any(|end| end < before)
                };
                let ended = self.all().await?.iter().filter(is_ended).count() as u64;
                yield_now().await;
                self.inner.delete_expired(before, limit).await?;
                Ok(ended.min(limit.into()))
            }
            _ => self.inner.delete_expired(before, limit).await,
        }
    }
}

impl BrokenStore {
    fn distorted(&self, query: &KeyQuery<OwnedKey>) -> KeyQuery<OwnedKey> {
        let mut query = query.clone();
        match self.defect {
            ListIgnoresOwner => query.owner = None,
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
