//! The store: a table in memory, and a journal from which it is made again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use apikey_core::{
    BoxError, Found, KeyPatch, KeyQuery, KeyRecord, KeyStore, NewRecord, Page, Rotation,
    StoreError, Timestamp, async_trait,
};

use crate::journal::{Change, Journal, OpenError};
use crate::row::Row;

/// Keeps keys in a file of JSON lines, for one process.
///
/// Every operation holds one lock and has no `await` inside, so it happens whole or not at all, whoever drops its
/// future. It blocks the thread while the file is synced; a busy service would move that to a thread of its own.
#[derive(Debug)]
pub struct JournalStore(Mutex<Table>);

struct Table {
    journal: Journal,
    rows: Rows,
}

#[derive(Default)]
struct Rows {
    keys: BTreeMap<i64, KeyRecord>,
    ids: HashMap<String, i64>,
    /// The highest id there ever was: none is used twice.
    last_id: i64,
}

impl JournalStore {
    /// Opens a file, which is created if need be.
    ///
    /// # Errors
    /// [`OpenError`] if it cannot be read, is open elsewhere or holds something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let mut rows = Rows::default();
        let journal = Journal::open(path.as_ref(), |change| rows.apply(change))?;
        Ok(Self(Mutex::new(Table { journal, rows })))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Makes a change durable, and then visible.
    fn change(&mut self, change: Change) -> Result<(), StoreError> {
        self.journal.append(&change).map_err(unavailable)?;
        self.rows.apply(change).map_err(StoreError::Unavailable)
    }

    /// Returns a key as it is and as it would be; `None` if there is none, or it is not to be changed.
    fn patched(&self, id: i64, patch: &KeyPatch) -> Option<(KeyRecord, KeyRecord)> {
        let before = self.rows.keys.get(&id).filter(|key| patch.may_change(key))?;
        let mut after = before.clone();
        patch.apply(&mut after);
        Some((before.clone(), after))
    }

    /// Stores keys: all of them or none.
    fn put(&mut self, keys: &[&KeyRecord]) -> Result<(), StoreError> {
        self.change(Change::Put(keys.iter().map(|key| Row::from(*key)).collect()))
    }
}

impl Rows {
    fn apply(&mut self, change: Change) -> Result<(), BoxError> {
        match change {
            Change::Put(rows) => {
                // All are read before the first counts.
                let keys: Result<Vec<_>, _> = rows.into_iter().map(KeyRecord::try_from).collect();
                for key in keys? {
                    self.last_id = self.last_id.max(key.id);
                    self.ids.insert(key.prefix.clone(), key.id);
                    self.keys.insert(key.id, key);
                }
            }
            Change::Delete(ids) => {
                for key in ids.iter().filter_map(|id| self.keys.remove(id)) {
                    self.ids.remove(&key.prefix);
                }
            }
        }
        Ok(())
    }

    fn find(&self, prefix: &str) -> Option<&KeyRecord> {
        self.keys.get(self.ids.get(prefix)?)
    }

    /// Gives a new key its id, if its prefix is free.
    fn admit(&self, new: &NewRecord<()>) -> Result<KeyRecord, StoreError> {
        if self.ids.contains_key(&new.prefix) {
            return Err(StoreError::Duplicate);
        }
        Ok(new.to_record(self.last_id + 1))
    }

    /// Whether one more key may be live when this one is created, and another one is as it is to be.
    fn has_room(
        &self,
        new: &NewRecord<()>,
        limit: Option<u32>,
        changed: Option<&KeyRecord>,
    ) -> Result<(), StoreError> {
        let Some(limit) = limit else { return Ok(()) };
        let live = self.live(new.created_at, changed);
        if live < u64::from(limit) { Ok(()) } else { Err(StoreError::LimitReached { limit }) }
    }

    /// Counts the keys that are live then, one of them as it is to be.
    fn live(&self, at: Timestamp, changed: Option<&KeyRecord>) -> u64 {
        let keys = self.keys.values();
        let keys = keys.map(|key| changed.filter(|changed| changed.id == key.id).unwrap_or(key));
        keys.filter(|key| key.counts_at(at)).count() as u64
    }

    fn select(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Vec<&KeyRecord> {
        self.keys.values().filter(|key| query.selects(key, now)).collect()
    }
}

/// Keys of the built-in model have no owner, so no operation is given one.
type NoOwner<'a> = Option<&'a Infallible>;

#[async_trait]
impl KeyStore<KeyRecord> for JournalStore {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<KeyRecord>>, StoreError> {
        Ok(self.table().rows.find(prefix).cloned().map(|key| Found::new(key, true)))
    }

    async fn get(&self, prefix: &str, _: NoOwner<'_>) -> Result<Option<KeyRecord>, StoreError> {
        Ok(self.table().rows.find(prefix).cloned())
    }

    async fn insert(
        &self,
        new: &NewRecord<()>,
        limit: Option<u32>,
    ) -> Result<KeyRecord, StoreError> {
        let mut table = self.table();
        table.rows.has_room(new, limit, None)?;
        let key = table.rows.admit(new)?;
        table.put(&[&key])?;
        Ok(key)
    }

    async fn update(
        &self,
        id: &i64,
        _: NoOwner<'_>,
        patch: &KeyPatch,
    ) -> Result<Option<KeyRecord>, StoreError> {
        let mut table = self.table();
        let Some((_, key)) = table.patched(*id, patch) else { return Ok(None) };
        table.put(&[&key])?;
        Ok(Some(key))
    }

    /// Nobody else has the table until the key is counted and changed.
    async fn update_within(
        &self,
        id: &i64,
        _: NoOwner<'_>,
        patch: &KeyPatch,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<KeyRecord>, StoreError> {
        let mut table = self.table();
        let Some((before, key)) = table.patched(*id, patch) else { return Ok(None) };
        let is_counted = patch.prolongs(&before) && key.counts_at(now);
        if is_counted && table.rows.live(now, Some(&key)) > u64::from(limit) {
            return Err(StoreError::LimitReached { limit });
        }
        table.put(&[&key])?;
        Ok(Some(key))
    }

    async fn rotate(
        &self,
        id: &i64,
        _: NoOwner<'_>,
        rotation: &Rotation<()>,
    ) -> Result<KeyRecord, StoreError> {
        let mut table = self.table();
        let mut old = table.rows.keys.get(id).cloned().ok_or(StoreError::Conflict)?;
        let is_as_seen = old.expires_at == rotation.seen_expires_at && rotation.inherits_from(&old);
        if !is_as_seen || old.revoked_at.is_some() || old.disabled_at.is_some() {
            return Err(StoreError::Conflict);
        }
        old.expires_at = Some(rotation.expires_at);
        table.rows.has_room(&rotation.successor, rotation.limit, Some(&old))?;
        let successor = table.rows.admit(&rotation.successor)?;
        table.put(&[&old, &successor])?;
        Ok(successor)
    }

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
        self.touch_each(&ids.iter().map(|id| (*id, at)).collect::<Vec<_>>()).await
    }

    async fn touch_each(&self, uses: &[(i64, Timestamp)]) -> Result<(), StoreError> {
        let mut table = self.table();
        let touched = |(id, at): &(i64, Timestamp)| {
            let key = table.rows.keys.get(id).filter(|key| key.revoked_at.is_none())?;
            (key.last_used_at < Some(*at)).then(|| key.clone().with_last_used_at(Some(*at)))
        };
        let touched: Vec<_> = uses.iter().filter_map(touched).collect();
        if touched.is_empty() {
            return Ok(());
        }
        table.put(&touched.iter().collect::<Vec<_>>())
    }

    async fn list(
        &self,
        query: &KeyQuery<KeyRecord>,
        now: Timestamp,
    ) -> Result<Page<KeyRecord>, StoreError> {
        let table = self.table();
        let place = |key: &KeyRecord| (key.created_at, key.id);
        let mut keys = table.rows.select(query, now);
        if let Some(after) = &query.after {
            keys.retain(|key| place(key) < (after.created_at, after.id));
        }
        keys.sort_unstable_by_key(|key| Reverse(place(key)));
        // One more than asked for shows whether there is another page.
        keys.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX).saturating_add(1));
        Ok(Page::from_rows(keys.into_iter().cloned().collect(), query.limit))
    }

    async fn count(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Result<u64, StoreError> {
        Ok(self.table().rows.select(query, now).len() as u64)
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut table = self.table();
        let ended = table.rows.keys.values().filter(|key| key.ended_before(before));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let ids: Vec<_> = ended.take(limit).map(|key| key.id).collect();
        let deleted = ids.len() as u64;
        if deleted > 0 {
            table.change(Change::Delete(ids))?;
        }
        Ok(deleted)
    }
}

fn unavailable(error: impl Into<BoxError>) -> StoreError {
    StoreError::Unavailable(error.into())
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("keys", &self.rows.keys.len()).finish_non_exhaustive()
    }
}
