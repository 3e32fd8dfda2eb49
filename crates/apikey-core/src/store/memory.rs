//! Keys in memory: for tests, for examples, and the contract in its shortest form.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Found, KeyStore, StoreError};
use crate::clock::Timestamp;
use crate::model::{KeyModel, KeyRecord};
use crate::store::change::{KeyPatch, NewRecord, Rotation};
use crate::store::query::{KeyQuery, Page};

/// Keeps keys of any model in memory, for as long as it lives.
///
/// # Examples
/// ```
/// use apikey_core::{ApiKeys, KeyRecord, MemoryStore};
///
/// let keys = ApiKeys::new(MemoryStore::<KeyRecord>::new());
/// ```
pub struct MemoryStore<M: KeyModel = KeyRecord> {
    rows: Mutex<Rows<M>>,
    next_id: Box<dyn Fn(u64) -> M::Id + Send + Sync>,
    is_usable: Box<dyn Fn(&M) -> bool + Send + Sync>,
}

struct Rows<M: KeyModel> {
    by_prefix: HashMap<String, M>,
    prefixes: HashMap<M::Id, String>,
    inserted: u64,
}

impl<M: KeyModel<Id = i64>> MemoryStore<M> {
    /// Creates an empty store that numbers its keys from 1.
    #[must_use]
    pub fn new() -> Self {
        Self::with_ids(|n| i64::try_from(n).unwrap_or(i64::MAX))
    }
}

impl<M: KeyModel<Id = i64>> Default for MemoryStore<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: KeyModel> MemoryStore<M> {
    /// Creates an empty store that makes the primary key of its n-th key, from 1, by a function.
    #[must_use]
    pub fn with_ids(next_id: impl Fn(u64) -> M::Id + Send + Sync + 'static) -> Self {
        let rows = Rows { by_prefix: HashMap::new(), prefixes: HashMap::new(), inserted: 0 };
        Self { rows: Mutex::new(rows), next_id: Box::new(next_id), is_usable: Box::new(|_| true) }
    }

    /// Sets the model's own filter: which keys may be used at all.
    #[must_use]
    pub fn usable_if(mut self, is_usable: impl Fn(&M) -> bool + Send + Sync + 'static) -> Self {
        self.is_usable = Box::new(is_usable);
        self
    }

    fn rows(&self) -> MutexGuard<'_, Rows<M>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, rows: &mut Rows<M>, new: &NewRecord<M::Extra>) -> Result<M, StoreError> {
        if rows.by_prefix.contains_key(&new.prefix) {
            return Err(StoreError::Duplicate);
        }
        rows.inserted += 1;
        let id = (self.next_id)(rows.inserted);
        let key = M::from_parts(new.to_record(id.clone()), new.extra.clone());
        rows.prefixes.insert(id, new.prefix.clone());
        rows.by_prefix.insert(new.prefix.clone(), key.clone());
        Ok(key)
    }
}

impl<M: KeyModel> fmt::Debug for MemoryStore<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("keys", &self.rows().by_prefix.len())
            .finish_non_exhaustive()
    }
}

impl<M: KeyModel> Rows<M> {
    fn by_id(&mut self, id: &M::Id, owner: Option<&M::Owner>) -> Option<&mut M> {
        let key = self.by_prefix.get_mut(self.prefixes.get(id)?)?;
        is_owned(key, owner).then_some(key)
    }

    /// Changes the built-in columns of a key in place.
    fn change(key: &mut M, change: impl FnOnce(&mut KeyRecord<M::Id>)) {
        let mut record = key.record().clone();
        change(&mut record);
        *key = M::from_parts(record, key.extra());
    }

    /// Moves the last use of a key forward.
    fn touch(&mut self, id: &M::Id, at: Timestamp) {
        if let Some(key) = self.by_id(id, None).filter(|key| key.record().revoked_at.is_none()) {
            Self::change(key, |record| record.last_used_at = record.last_used_at.max(Some(at)));
        }
    }

    /// Counts the keys of an owner, or of nobody, that are alive at a time.
    fn live(&self, owner: Option<&M::Owner>, at: Timestamp) -> usize {
        let counts = |key: &&M| key.record().counts_at(at) && key.owner() == owner;
        self.by_prefix.values().filter(counts).count()
    }

    /// Whether the owner of a new key may have one more.
    fn has_room(&self, new: &NewRecord<M::Extra>, limit: Option<u32>) -> Result<(), StoreError> {
        let Some(limit) = limit else { return Ok(()) };
        let live = self.live(M::owner_of(&new.extra), new.created_at);
        let has_room = u32::try_from(live).is_ok_and(|live| live < limit);
        if has_room { Ok(()) } else { Err(StoreError::LimitReached { limit }) }
    }

    fn select(&self, query: &KeyQuery<M>, now: Timestamp) -> impl Iterator<Item = &M> {
        self.by_prefix.values().filter(move |key| query.selects(key, now))
    }
}

fn is_owned<M: KeyModel>(key: &M, owner: Option<&M::Owner>) -> bool {
    owner.is_none_or(|owner| key.owner() == Some(owner))
}

#[async_trait]
impl<M: KeyModel> KeyStore<M> for MemoryStore<M> {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<M>>, StoreError> {
        let key = self.rows().by_prefix.get(prefix).cloned();
        Ok(key.map(|key| {
            let is_usable = (self.is_usable)(&key);
            Found::new(key, is_usable)
        }))
    }

    async fn get(&self, prefix: &str, owner: Option<&M::Owner>) -> Result<Option<M>, StoreError> {
        Ok(self.rows().by_prefix.get(prefix).filter(|key| is_owned(*key, owner)).cloned())
    }

    async fn insert(&self, new: &NewRecord<M::Extra>, limit: Option<u32>) -> Result<M, StoreError> {
        let mut rows = self.rows();
        rows.has_room(new, limit)?;
        self.add(&mut rows, new)
    }

    async fn update(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
    ) -> Result<Option<M>, StoreError> {
        let mut rows = self.rows();
        let Some(key) = rows.by_id(id, owner) else {
            return Ok(None);
        };
        if !patch.may_change(key.record()) {
            return Ok(None);
        }
        Rows::change(key, |record| patch.apply(record));
        Ok(Some(key.clone()))
    }

    async fn update_within(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        patch: &KeyPatch,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<M>, StoreError> {
        let mut rows = self.rows();
        let Some(before) = rows.by_id(id, owner).cloned() else {
            return Ok(None);
        };
        if !patch.may_change(before.record()) {
            return Ok(None);
        }
        let mut changed = before.clone();
        Rows::change(&mut changed, |record| patch.apply(record));
        if patch.prolongs(before.record()) && changed.record().counts_at(now) {
            let itself = usize::from(before.record().counts_at(now));
            let others = rows.live(before.owner(), now) - itself;
            if !u32::try_from(others).is_ok_and(|others| others < limit) {
                return Err(StoreError::LimitReached { limit });
            }
        }
        rows.by_prefix.insert(changed.record().prefix.clone(), changed.clone());
        Ok(Some(changed))
    }

    async fn rotate(
        &self,
        id: &M::Id,
        owner: Option<&M::Owner>,
        rotation: &Rotation<M::Extra>,
    ) -> Result<M, StoreError> {
        let mut rows = self.rows();
        let key = rows.by_id(id, owner).ok_or(StoreError::Conflict)?;
        let record = key.record();
        let is_as_seen =
            record.expires_at == rotation.seen_expires_at && rotation.inherits_from(key);
        if !is_as_seen || record.revoked_at.is_some() || record.disabled_at.is_some() {
            return Err(StoreError::Conflict);
        }
        // As in a transaction: the predecessor ends first, and goes on if the successor finds no place.
        let end = |rows: &mut Rows<M>, expires_at| {
            if let Some(key) = rows.by_id(id, owner) {
                Rows::change(key, |record| record.expires_at = expires_at);
            }
        };
        end(&mut rows, Some(rotation.expires_at));
        let successor = rows
            .has_room(&rotation.successor, rotation.limit)
            .and_then(|()| self.add(&mut rows, &rotation.successor));
        if successor.is_err() {
            end(&mut rows, rotation.seen_expires_at);
        }
        successor
    }

    async fn touch(&self, ids: &[M::Id], at: Timestamp) -> Result<(), StoreError> {
        let mut rows = self.rows();
        for id in ids {
            rows.touch(id, at);
        }
        Ok(())
    }

    async fn touch_each(&self, uses: &[(M::Id, Timestamp)]) -> Result<(), StoreError> {
        let mut rows = self.rows();
        for (id, at) in uses {
            rows.touch(id, *at);
        }
        Ok(())
    }

    async fn list(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<Page<M>, StoreError> {
        let place = |key: &M| (key.record().created_at, key.record().id.clone());
        let after = query.after.as_ref().map(|cursor| (cursor.created_at, cursor.id.clone()));
        let rows = self.rows();
        let mut keys: Vec<&M> = rows
            .select(query, now)
            .filter(|key| after.as_ref().is_none_or(|after| place(key) < *after))
            .collect();
        keys.sort_unstable_by_key(|key| std::cmp::Reverse(place(key)));
        let page = usize::try_from(query.limit).unwrap_or(usize::MAX).saturating_add(1);
        Ok(Page::from_rows(keys.into_iter().take(page).cloned().collect(), query.limit))
    }

    async fn count(&self, query: &KeyQuery<M>, now: Timestamp) -> Result<u64, StoreError> {
        Ok(self.rows().select(query, now).count() as u64)
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut rows = self.rows();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let ended = rows.by_prefix.values().filter(|key| key.record().ended_before(before));
        let ended: Vec<_> = ended.take(limit).map(|key| key.record().clone()).collect();
        for record in &ended {
            rows.by_prefix.remove(&record.prefix);
            rows.prefixes.remove(&record.id);
        }
        Ok(ended.len() as u64)
    }

    async fn delete_ended(
        &self,
        prefix: &str,
        owner: Option<&M::Owner>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let key = rows.by_prefix.get(prefix).filter(|key| is_owned(*key, owner));
        let ended = key.map(KeyModel::record).filter(|record| !record.counts_at(now));
        let Some(id) = ended.map(|record| record.id.clone()) else { return Ok(false) };
        rows.by_prefix.remove(prefix);
        rows.prefixes.remove(&id);
        Ok(true)
    }
}
