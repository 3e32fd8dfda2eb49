//! The work behind `ApiKeys` and `OwnedKeys`: the same steps, for all keys or for one owner's.

use std::time::Duration;

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::{KeyUpdate, MAX_NAME_LENGTH, ManageError};
use crate::clock::{Timestamp, after, to_micros};
use crate::handle::Inner;
use crate::hash::HashedKey;
use crate::hash::encoding::Encodings;
use crate::key::{PlaintextKey, PresentedKey, is_prefix};
use crate::model::{CreatedKey, Expiry, KeyModel, KeyStatus, NewKey};
use crate::scope::{MAX_SCOPES, ScopeError, Scopes};
use crate::store::change::{KeyPatch, NewRecord, Rotation};
use crate::store::query::{KeyQuery, Page};
use crate::store::{Finding, StoreError};

/// How often a taken prefix is drawn anew: by chance a second draw is needed once in 10^8 keys.
const PREFIX_DRAWS: usize = 8;

/// How often a rotation is tried, if what the successor inherits is changed each time meanwhile.
const ROTATION_ATTEMPTS: usize = 4;

/// The last year that SQL knows.
const LAST_YEAR: i32 = 9999;

pub(super) struct Manager<'a, M: KeyModel> {
    inner: &'a Inner<M>,
    /// Only the keys of this owner.
    owner: Option<&'a M::Owner>,
}

/// How a new key comes into the store.
enum Arrival<'a, M: KeyModel> {
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
        check_name(&new.name)?;
        let scopes = check_scopes(new.scopes)?;
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
    async fn draw(
        &self,
        mut record: NewRecord<M::Extra>,
        arrival: Arrival<'_, M>,
    ) -> Result<CreatedKey<M>, ManageError> {
        self.check_new(&record)?;
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
            Arrival::New => self.inner.store.insert(record, self.inner.max_keys_per_owner).await,
            Arrival::Successor { of, end } => {
                // Nobody else's key, whoever asks: it may have changed hands since it was read. That it
                // still has no owner is for the store to see, by what the successor inherits.
                let owner = self.owner.or(of.owner());
                let of = of.record();
                let limit = self.inner.max_keys_per_owner.map(|limit| limit.saturating_mul(2));
                let rotation = Rotation::new(of.expires_at, *end, record.clone()).with_limit(limit);
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
        let prefix = self.inner.formats.prefix_of(plaintext.expose().as_bytes());
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

    async fn find(&self, prefix: &str) -> Result<M, ManageError> {
        self.get(prefix).await?.ok_or_else(|| not_found(prefix))
    }

    pub(super) async fn list(&self, query: &KeyQuery<M>) -> Result<Page<M>, ManageError> {
        let mut page = self.inner.store.list(&self.narrow(query), self.inner.now()).await?;
        page.keys.retain(|key| self.may_see(key));
        Ok(page)
    }

    pub(super) async fn count(&self, query: &KeyQuery<M>) -> Result<u64, ManageError> {
        Ok(self.inner.store.count(&self.narrow(query), self.inner.now()).await?)
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
            check_name(&name)?;
            patch = patch.name(name);
        }
        if let Some(scopes) = update.scopes {
            patch = patch.scopes(check_scopes(scopes)?);
        }
        if let Some(expires_at) = update.expires_at {
            patch = patch.expires_at(check_expiry(expires_at, self.inner.now())?);
        }
        self.change(prefix, &patch).await
    }

    pub(super) async fn revoke(&self, prefix: &str) -> Result<M, ManageError> {
        self.change(prefix, &KeyPatch::default().revoked_at(self.inner.now())).await
    }

    pub(super) async fn disable(&self, prefix: &str) -> Result<M, ManageError> {
        self.change(prefix, &KeyPatch::default().disabled_at(Some(self.inner.now()))).await
    }

    pub(super) async fn enable(&self, prefix: &str) -> Result<M, ManageError> {
        self.change(prefix, &KeyPatch::default().disabled_at(None)).await
    }

    async fn change(&self, prefix: &str, patch: &KeyPatch) -> Result<M, ManageError> {
        let key = self.find(prefix).await?;
        let has_ended = key.record().expires_at.is_some_and(|end| end <= self.inner.now());
        if self.inner.max_keys_per_owner.is_some() && patch.expires_at.is_some() && has_ended {
            return Err(ManageError::Expired);
        }
        let change = self.inner.change(prefix);
        let changed = self.inner.store.update(&key.record().id, self.owner, patch).await?;
        change.done();
        changed.ok_or_else(|| not_found(prefix))
    }

    pub(super) async fn rotate(
        &self,
        prefix: &str,
        grace: Duration,
    ) -> Result<CreatedKey<M>, ManageError> {
        let old = self.find(prefix).await?;
        self.succeed_as_seen(old, grace).await
    }

    pub(super) async fn rotate_seen(
        &self,
        prefix: &str,
        seen_expires_at: Option<Timestamp>,
        grace: Duration,
    ) -> Result<CreatedKey<M>, ManageError> {
        let old = self.find(prefix).await?;
        if old.record().expires_at != seen_expires_at {
            return Err(ManageError::Conflict);
        }
        self.succeed_as_seen(old, grace).await
    }

    /// Replaces a key, and begins anew with what it is by then where something else was changed than its
    /// expiry, which another rotation would have moved.
    async fn succeed_as_seen(
        &self,
        mut old: M,
        grace: Duration,
    ) -> Result<CreatedKey<M>, ManageError> {
        for _ in 1..ROTATION_ATTEMPTS {
            match self.succeed(&old, grace).await {
                Err(ManageError::Conflict) => {}
                outcome => return outcome,
            }
            let seen_expires_at = old.record().expires_at;
            old = self.find(&old.record().prefix).await?;
            if old.record().expires_at != seen_expires_at {
                return Err(ManageError::Conflict);
            }
        }
        self.succeed(&old, grace).await
    }

    /// Replaces a key as it was read: the store looks whether it still is so.
    async fn succeed(&self, old: &M, grace: Duration) -> Result<CreatedKey<M>, ManageError> {
        let now = self.inner.now();
        let record = old.record();
        match record.status(now) {
            KeyStatus::Active => {}
            status => return Err(ManageError::NotActive { status }),
        }
        if let Some(successor) = self.successor_of(&record.prefix).await? {
            let successor = successor.record().prefix.clone();
            return Err(ManageError::AlreadyRotated { successor });
        }
        let lifetime = record.expires_at.map(|end| end - record.created_at);
        let expires_at = lifetime.map(|life| within_calendar(now.checked_add_signed(life)));
        let successor = NewRecord::new("", HashedKey::new(""), &*record.name, now, old.extra())
            .with_scopes(record.scopes.clone())
            .with_expires_at(expires_at)
            .with_rotated_from(Some(record.prefix.clone()));
        let end = after(now, grace).map(to_micros).ok_or(ManageError::Expiry)?;
        let end = last_moment(record.expires_at, end);
        if end.year() > LAST_YEAR {
            return Err(ManageError::Expiry);
        }
        self.draw(successor, Arrival::Successor { of: old, end }).await
    }

    /// Finds what a key was replaced by. Its expiry alone does not tell, which others may have set.
    async fn successor_of(&self, prefix: &str) -> Result<Option<M>, ManageError> {
        let query = KeyQuery::new().rotated_from(prefix).limit(1);
        match self.inner.store.list(&query, self.inner.now()).await {
            Ok(page) => Ok(page.keys.into_iter().next()),
            // The table does not keep it: then the change of the expiry is all that guards.
            Err(StoreError::Unsupported { .. }) => Ok(None),
            Err(error) => Err(error.into()),
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

    pub(super) async fn check(&self) -> Result<Vec<Finding>, ManageError> {
        let mut findings = self.inner.store.check().await?;
        match self.check_hashes().await {
            // What is wrong with the table is known already.
            Err(_) if !findings.is_empty() => {}
            found => findings.extend(found?),
        }
        Ok(findings)
    }

    /// Looks for hashes that no hasher of the handle reads, and tells what others would read from what nobody
    /// does, as verification does.
    async fn check_hashes(&self) -> Result<Vec<Finding>, ManageError> {
        let configured = self.inner.hashers.all().flat_map(|hasher| hasher.encodings());
        let others = configured.fold(KeyQuery::new(), KeyQuery::not_encoding);
        let all = self.count(&others).await?;
        if all == 0 {
            return Ok(Vec::new());
        }
        let known = Encodings::known_to(&self.inner.hashers);
        let unreadable = known.all().iter().fold(KeyQuery::new(), KeyQuery::not_encoding);
        let unreadable = self.count(&unreadable).await?.min(all);
        let mut findings = Vec::new();
        if all > unreadable {
            findings.push(Finding::new(
                format!(
                    "{} stored keys were hashed by a hasher or pepper that is not configured",
                    all - unreadable
                ),
                "accept it with `Hashers::accept` or `HmacSha256::accept`; until then these keys get 503",
            ));
        }
        if unreadable > 0 {
            findings.push(Finding::new(
                format!("{unreadable} stored keys have a hash that is damaged, or of an unknown algorithm"),
                "restore the column `hashed_key`, or accept a hasher of your own with `Hashers::accept`; until \
                 then these keys get 401, and each use of one is an error in the log",
            ));
        }
        Ok(findings)
    }
}

/// The error goes to logs, so what may be a whole key is not repeated.
fn not_found(prefix: &str) -> ManageError {
    let shown = if is_prefix(prefix) { prefix } else { "(not a prefix)" };
    ManageError::NotFound { prefix: shown.to_owned() }
}

/// The end of a predecessor: never later than it was, and never the same, since the change of it is what
/// a second rotation is recognized by.
fn last_moment(seen: Option<Timestamp>, end: Timestamp) -> Timestamp {
    match seen {
        Some(seen) if seen <= end => seen - TimeDelta::microseconds(1),
        _ => end,
    }
}

/// The successor of a key that hardly ever ends has no longer a life than the calendar.
fn within_calendar(expires_at: Option<Timestamp>) -> Timestamp {
    let last = NaiveDate::from_ymd_opt(LAST_YEAR, 12, 31)
        .and_then(|day| day.and_hms_micro_opt(23, 59, 59, 999_999))
        .map_or(Timestamp::MAX_UTC, |last| last.and_utc());
    expires_at.map_or(last, |time| to_micros(time).min(last))
}

fn check_scopes(scopes: Vec<String>) -> Result<Scopes, ManageError> {
    let scopes = Scopes::collect(scopes)?;
    if scopes.len() > MAX_SCOPES { Err(ScopeError::TooMany.into()) } else { Ok(scopes) }
}

fn check_name(name: &str) -> Result<(), ManageError> {
    let is_good = !name.trim().is_empty()
        && name.chars().count() <= MAX_NAME_LENGTH
        && !name.chars().any(char::is_control);
    if is_good { Ok(()) } else { Err(ManageError::Name) }
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
