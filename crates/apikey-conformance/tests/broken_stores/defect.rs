//! A store in memory with one deliberate defect.

mod end;
mod insert;
mod list;
mod race;
mod rotate;
mod touch;
mod update;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use apikey_conformance::async_trait;
use apikey_core::chrono::{Datelike, TimeDelta};
use apikey_core::{
    Found, KeyModel, KeyPatch, KeyQuery, KeyRecord, KeyStore, MAX_PAGE, MemoryStore, NewRecord,
    Page, Rotation, StoreError, Timestamp,
};

use Defect::*;
use race::Race;

/// What is wrong with a [`BrokenStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    Sound,
    FindIgnoresCase,
    FindTrims,
    FindFailsOnNul,
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
    WithinIgnoresLimit,
    WithinCountsAlways,
    WithinCountsBefore,
    WithinIgnoresOwner,
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
    RotateIgnoresLimit,
    RotateCountsBefore,
    RotateInTwoSteps,
    RotateSavesRow,
    TouchGoesBack,
    TouchStopsAtRevoked,
    TouchSavesRow,
    TouchTakesFew,
    TouchRevives,
    TouchesAllAtOnce,
    TouchesFewAtTheirTime,
    ListOldestFirst,
    ListLosesTies,
    ListByOffset,
    ListNeverEnds,
    ListIgnoresOwner,
    ListEndsLate,
    ListIgnoresEncoding,
    ListIgnoresPredecessor,
    ListTakesOneEncoding,
    ListTakesOtherEncodings,
    SearchIgnoresCase,
    SearchTakesWildcards,
    SearchSlipsPast,
    SearchStopsAtNul,
    CountOfOnePage,
    DeletesAtTheTime,
    DeletesWithoutLimit,
    DeleteCountsBefore,
    DeleteKnowsItsYears,
    EndIgnoresCase,
    EndMovesRevoked,
    EndIgnoresOwner,
    DeletesOneThatWorks,
    DeletesOneOfOthers,
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
    race: Race,
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
            race: Race::default(),
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
}

#[async_trait]
impl KeyStore<OwnedKey> for BrokenStore {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<OwnedKey>>, StoreError> {
        let prefix = if self.is(FindTrims) { prefix.trim() } else { prefix };
        if self.is(FindFailsOnNul) && prefix.contains('\0') {
            return Err(StoreError::Unavailable("invalid byte sequence".into()));
        }
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
        self.broken_insert(new, limit).await
    }

    async fn update(
        &self,
        id: &i64,
        owner: Option<&Team>,
        patch: &KeyPatch,
    ) -> Result<Option<OwnedKey>, StoreError> {
        self.broken_update(id, owner, patch).await
    }

    async fn update_within(
        &self,
        id: &i64,
        owner: Option<&Team>,
        patch: &KeyPatch,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<OwnedKey>, StoreError> {
        self.broken_update_within(id, owner, patch, limit, now).await
    }

    async fn end(
        &self,
        prefix: &str,
        owner: Option<&Team>,
        patch: &KeyPatch,
    ) -> Result<bool, StoreError> {
        self.broken_end(prefix, owner, patch).await
    }

    async fn delete_ended(
        &self,
        prefix: &str,
        owner: Option<&Team>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.broken_delete_ended(prefix, owner, now).await
    }

    async fn rotate(
        &self,
        id: &i64,
        owner: Option<&Team>,
        rotation: &Rotation<Team>,
    ) -> Result<OwnedKey, StoreError> {
        self.broken_rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
        self.broken_touch(ids, at).await
    }

    async fn touch_each(&self, uses: &[(i64, Timestamp)]) -> Result<(), StoreError> {
        self.broken_touch_each(uses).await
    }

    async fn list(
        &self,
        query: &KeyQuery<OwnedKey>,
        now: Timestamp,
    ) -> Result<Page<OwnedKey>, StoreError> {
        self.broken_list(query, now).await
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
            DeleteKnowsItsYears if before.year() < 0 => {
                Err(StoreError::Unavailable("a year out of range".into()))
            }
            DeleteCountsBefore => {
                let is_ended = |key: &&OwnedKey| {
                    let record = &key.record;
                    record.expires_at.into_iter().chain(record.revoked_at).any(|end| end < before)
                };
                let ended = self.all().await?.iter().filter(is_ended).count() as u64;
                // So many say together that they deleted more than there is.
                self.race.look();
                let callers = ended.checked_div(limit.into()).unwrap_or_default() + 1;
                self.race.until_looked(usize::try_from(callers).unwrap()).await;
                self.inner.delete_expired(before, limit).await?;
                Ok(ended.min(limit.into()))
            }
            _ => self.inner.delete_expired(before, limit).await,
        }
    }
}
