//! The work behind `ApiKeys` and `OwnedKeys`: the same steps, for all keys or for one owner's.

use std::time::Duration;

use chrono::{Datelike, TimeDelta};

use super::name::check_name;
use super::{KeyUpdate, ManageError};
use crate::clock::{Timestamp, after, to_micros};
use crate::handle::Inner;
use crate::hash::HashedKey;
use crate::key::format::Formats;
use crate::key::{PlaintextKey, PresentedKey, is_prefix};
use crate::model::{CreatedKey, Expiry, KeyModel, KeyStatus, NewKey};
use crate::scope::{MAX_SCOPES, ScopeError, Scopes};
use crate::store::StoreError;
use crate::store::change::{KeyPatch, NewRecord, Rotation};
use crate::store::query::{KeyQuery, Page};

/// How often a taken prefix is drawn anew: by chance a second draw is needed once in 10^8 keys.
const PREFIX_DRAWS: usize = 8;

/// The last year that SQL knows.
pub(super) const LAST_YEAR: i32 = 9999;

pub(super) struct Manager<'a, M: KeyModel> {
    inner: &'a Inner<M>,
    /// Only the keys of this owner.
    owner: Option<&'a M::Owner>,
}

/// How a new key comes into the store.
pub(super) enum Arrival<'a, M: KeyModel> {
    New,
    /// As the successor of a key that ends then.
    Successor {
        of: &'a M,
        end: Timestamp,
    },
}

impl<'a, M: KeyModel> Manager<'a, M> {
    pub(super) fn new(inner: &'a Inner<M>, owner: Option<&'a M::Owner>) -> Self {
        Self { inner, owner }
    }

    pub(super) fn inner(&self) -> &Inner<M> {
        self.inner
    }

    pub(super) async fn create(&self, new: NewKey<M::Extra>) -> Result<CreatedKey<M>, ManageError> {
        let now = self.inner.now();
        check_name(&new.name, &self.inner.formats)?;
        let scopes = check_scopes(new.scopes, &self.inner.formats)?;
        let expires_at = match new.expiry {
            Expiry::Never => None,
            Expiry::At(time) => Some(time),
            Expiry::In(time) => Some(after(now, time).ok_or(ManageError::Expiry)?),
        };
        let expires_at = check_expiry(expires_at, now)?;
        let record = NewRecord::new("", HashedKey::new(""), new.name, now, new.extra)
            .with_scopes(scopes)
            .with_expires_at(expires_at);
        match new.plaintext {
            None => self.draw(record, Arrival::New).await,
            Some(plaintext) => self.create_fixed(record, plaintext).await,
        }
    }

    /// Draws keys until one's prefix is free.
    pub(super) async fn draw(
        &self,
        mut record: NewRecord<M::Extra>,
        arrival: Arrival<'_, M>,
    ) -> Result<CreatedKey<M>, ManageError> {
        self.check_new(&record)?;
        self.has_room(&record, &arrival).await?;
        let mut draws = 0;
        loop {
            let (prefix, plaintext) = self.inner.formats.generate()?;
            record.prefix = prefix;
            record.hashed_key = self.hash(&plaintext).await?;
            draws += 1;
            match self.insert(&record, &arrival).await {
                Ok(key) => return Ok(CreatedKey::new(key, plaintext)),
                Err(StoreError::Duplicate) if draws < PREFIX_DRAWS => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn insert(
        &self,
        record: &NewRecord<M::Extra>,
        arrival: &Arrival<'_, M>,
    ) -> Result<M, StoreError> {
        match arrival {
            Arrival::New => self.inner.store.insert(record, self.limit(arrival)).await,
            Arrival::Successor { of, end } => {
                // Nobody else's key, whoever asks: it may have changed hands since it was read. That it
                // still has no owner is for the store to see, by what the successor inherits.
                let owner = self.owner.or(of.owner());
                let of = of.record();
                let rotation = Rotation::new(of.expires_at, *end, record.clone())
                    .with_limit(self.limit(arrival));
                self.inner.write_use_of(&of.id).await;
                let change = self.inner.change(&of.prefix);
                let successor = self.inner.store.rotate(&of.id, owner, &rotation).await?;
                change.done();
                Ok(successor)
            }
        }
    }

    /// Creates a key of a fixed text, or finds that it is there.
    async fn create_fixed(
        &self,
        mut record: NewRecord<M::Extra>,
        plaintext: PlaintextKey,
    ) -> Result<CreatedKey<M>, ManageError> {
        self.check_new(&record)?;
        let prefix = self.inner.formats.prefix_of_new(plaintext.expose().as_bytes());
        prefix.map_err(ManageError::Plaintext)?.clone_into(&mut record.prefix);
        record.hashed_key = self.hash(&plaintext).await?;
        // It may have been presented before, and be looked up just now.
        let change = self.inner.change(&record.prefix);
        match self.insert(&record, &Arrival::New).await {
            Ok(key) => {
                change.done();
                return Ok(CreatedKey::new(key, plaintext));
            }
            Err(StoreError::Duplicate) => change.done(),
            Err(error) => return Err(error.into()),
        }
        let key = self.get(&record.prefix).await?.ok_or(ManageError::PlaintextTaken)?;
        let is_active = key.record().status(self.inner.now()) == KeyStatus::Active;
        let presented = PresentedKey::new(plaintext.expose().as_bytes()).to_shared();
        let stored = &key.record().hashed_key;
        let is_same = self.inner.verify_hash(&record.prefix, &presented, stored).await?;
        if is_active && is_same {
            Ok(CreatedKey::new(key, plaintext))
        } else {
            Err(ManageError::PlaintextTaken)
        }
    }

    /// Refuses what must not be stored: another owner's key, or a hash that the store may not hold.
    fn check_new(&self, new: &NewRecord<M::Extra>) -> Result<(), ManageError> {
        if !self.inner.may_write(&self.inner.hashers.preferred().encodings()) {
            return Err(ManageError::NotWritable);
        }
        if self.owner.is_some() && M::owner_of(&new.extra) != self.owner {
            return Err(ManageError::ForeignOwner);
        }
        Ok(())
    }

    async fn hash(&self, plaintext: &PlaintextKey) -> Result<HashedKey, ManageError> {
        Ok(self.inner.hash(&PresentedKey::new(plaintext.expose().as_bytes()).to_shared()).await?)
    }

    pub(super) async fn get(&self, prefix: &str) -> Result<Option<M>, ManageError> {
        if !is_prefix(prefix) {
            // It may be a whole key: no database is asked for it, which could log it.
            return Ok(None);
        }
        let key = self.inner.store.get(prefix, self.owner).await?;
        // A column that ignores case, or spaces at the end, finds others' keys, too.
        Ok(key.filter(|key| key.record().prefix == prefix && self.may_see(key)))
    }

    fn may_see(&self, key: &M) -> bool {
        self.owner.is_none_or(|owner| key.owner() == Some(owner))
    }

    pub(super) async fn find(&self, prefix: &str) -> Result<M, ManageError> {
        self.get(prefix).await?.ok_or_else(|| not_found(prefix))
    }

    pub(super) async fn list(&self, query: &KeyQuery<M>) -> Result<Page<M>, ManageError> {
        if self.is_for_key(query) {
            return Ok(Page::new(Vec::new(), None));
        }
        let mut page = self.inner.store.list(&self.narrow(query), self.inner.now()).await?;
        page.keys.retain(|key| self.may_see(key));
        Ok(page)
    }

    pub(super) async fn count(&self, query: &KeyQuery<M>) -> Result<u64, ManageError> {
        if self.is_for_key(query) {
            return Ok(0);
        }
        Ok(self.inner.store.count(&self.narrow(query), self.inner.now()).await?)
    }

    /// Whether the text of a key is looked for: no database is asked for it, which could log it.
    fn is_for_key(&self, query: &KeyQuery<M>) -> bool {
        let texts = [&query.search, &query.rotated_from];
        texts.into_iter().flatten().any(|text| self.inner.formats.find_key_in(text))
    }

    fn narrow(&self, query: &KeyQuery<M>) -> KeyQuery<M> {
        let mut query = query.clone();
        if let Some(owner) = self.owner {
            query.owner = Some(owner.clone());
        }
        query
    }

    pub(super) async fn update(&self, prefix: &str, update: KeyUpdate) -> Result<M, ManageError> {
        let mut patch = KeyPatch::default();
        if let Some(name) = update.name {
            check_name(&name, &self.inner.formats)?;
            patch = patch.name(name);
        }
        if let Some(scopes) = update.scopes {
            patch = patch.scopes(check_scopes(scopes, &self.inner.formats)?);
        }
        if let Some(expires_at) = update.expires_at {
            patch = patch.expires_at(check_expiry(expires_at, self.inner.now())?);
        }
        self.change(prefix, &patch).await
    }

    pub(super) async fn revoke(&self, prefix: &str) -> Result<M, ManageError> {
        self.end(prefix, &KeyPatch::default().revoked_at(self.inner.now())).await
    }

    pub(super) async fn disable(&self, prefix: &str) -> Result<M, ManageError> {
        self.end(prefix, &KeyPatch::default().disabled_at(Some(self.inner.now()))).await
    }

    pub(super) async fn enable(&self, prefix: &str) -> Result<M, ManageError> {
        self.change(prefix, &KeyPatch::default().disabled_at(None)).await
    }

    async fn change(&self, prefix: &str, patch: &KeyPatch) -> Result<M, ManageError> {
        let key = self.find(prefix).await?;
        self.change_found(&key, patch).await
    }

    /// Changes a key that was read before.
    async fn change_found(&self, key: &M, patch: &KeyPatch) -> Result<M, ManageError> {
        let record = key.record();
        let now = self.inner.now();
        let limit = self.inner.max_keys_per_owner.filter(|_| patch.expires_at.is_some());
        if limit.is_some() && record.expires_at.is_some_and(|end| end <= now) {
            return Err(ManageError::Expired);
        }
        let change = self.inner.change(&record.prefix);
        let (store, id) = (&self.inner.store, &record.id);
        let changed = match limit {
            None => store.update(id, self.owner, patch).await?,
            Some(limit) => match store.update_within(id, self.owner, patch, limit, now).await {
                // Such a store can end a key sooner, and cannot know whether there is room for one that ends later.
                Err(StoreError::Unsupported { .. }) if !patch.prolongs(record) => {
                    store.update(id, self.owner, patch).await?
                }
                outcome => outcome?,
            },
        };
        change.done();
        changed.ok_or_else(|| not_found(&record.prefix))
    }

    /// Changes a key so that it works no more, also if nobody can read it.
    async fn end(&self, prefix: &str, patch: &KeyPatch) -> Result<M, ManageError> {
        let row = match self.end_read(prefix, patch).await {
            Err(ManageError::Unreadable(row)) => row,
            outcome => return outcome,
        };
        let change = self.inner.change(prefix);
        let has_ended = self.inner.store.end(prefix, self.owner, patch).await?;
        change.done();
        Err(if has_ended { ManageError::EndedUnread(row) } else { not_found(prefix) })
    }

    async fn end_read(&self, prefix: &str, patch: &KeyPatch) -> Result<M, ManageError> {
        let key = self.find(prefix).await?;
        // No use is written to a revoked key, and the last ones may be what somebody will ask for.
        self.inner.write_use_of(&key.record().id).await;
        self.change_found(&key, patch).await
    }

    pub(super) async fn purge_key(&self, prefix: &str) -> Result<(), ManageError> {
        if !is_prefix(prefix) {
            return Err(not_found(prefix));
        }
        match self.find(prefix).await {
            // What cannot be read cannot be compared, either: the store alone knows whose it is.
            Ok(_) | Err(ManageError::Unreadable(_)) => {}
            Err(error) => return Err(error),
        }
        let change = self.inner.change(prefix);
        let deleted = self.inner.store.delete_ended(prefix, self.owner, self.inner.now()).await?;
        change.done();
        if deleted {
            return Ok(());
        }
        match self.find(prefix).await {
            Ok(_) | Err(ManageError::Unreadable(_)) => {
                Err(ManageError::NotEnded { prefix: prefix.to_owned() })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn purge(&self, retention: Duration, limit: u32) -> Result<u64, ManageError> {
        let now = self.inner.now();
        let before =
            TimeDelta::from_std(retention).ok().and_then(|age| now.checked_sub_signed(age));
        // Nothing ended before the calendar begins.
        let Some(before) = before else { return Ok(0) };
        Ok(self.inner.store.delete_expired(before, limit).await?)
    }
}

/// The error goes to logs, so what may be a whole key is not repeated.
fn not_found(prefix: &str) -> ManageError {
    let shown = if is_prefix(prefix) { prefix } else { "(not a prefix)" };
    ManageError::NotFound { prefix: shown.to_owned() }
}

fn check_scopes(scopes: Vec<String>, formats: &Formats) -> Result<Scopes, ManageError> {
    // First of all, since the error of another rule repeats the text.
    if scopes.iter().any(|scope| formats.find_key_in(scope)) {
        return Err(ScopeError::Key.into());
    }
    let scopes = Scopes::collect(scopes)?;
    if scopes.len() > MAX_SCOPES { Err(ScopeError::TooMany.into()) } else { Ok(scopes) }
}

/// Cuts an expiry to what stores keep.
fn check_expiry(
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, ManageError> {
    match expires_at.map(to_micros) {
        Some(time) if time <= now || time.year() > LAST_YEAR => Err(ManageError::Expiry),
        expires_at => Ok(expires_at),
    }
}
