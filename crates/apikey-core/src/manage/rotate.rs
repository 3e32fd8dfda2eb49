//! Replacing a key by a successor: once, and as it was seen.

use std::time::Duration;

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::ManageError;
use super::manager::{Arrival, LAST_YEAR, Manager};
use crate::clock::{Timestamp, after, to_micros};
use crate::hash::HashedKey;
use crate::model::{CreatedKey, KeyModel, KeyStatus};
use crate::store::StoreError;
use crate::store::change::NewRecord;
use crate::store::query::KeyQuery;

/// How often a rotation is tried, if what the successor inherits is changed each time meanwhile.
const ROTATION_ATTEMPTS: usize = 4;

impl<M: KeyModel> Manager<'_, M> {
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
        if old.record().expires_at != seen_expires_at.map(to_micros) {
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
        let now = self.inner().now();
        let record = old.record();
        match record.status(now) {
            KeyStatus::Active => {}
            status => return Err(ManageError::NotActive { status }),
        }
        if let Some(successor) = self.successor_of(&record.prefix).await? {
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
    async fn successor_of(&self, prefix: &str) -> Result<Option<String>, ManageError> {
        let query = KeyQuery::<M>::new().rotated_from(prefix).limit(1);
        match self.inner().store.list(&query, self.inner().now()).await {
            Ok(page) => {
                let keys = page.keys.into_iter().map(|key| key.record().prefix.clone());
                // One that cannot be read is one all the same.
                let unreadable = page.unreadable.into_iter();
                let unreadable = unreadable.map(|row| row.prefix.unwrap_or_else(|| "?".to_owned()));
                Ok(keys.chain(unreadable).next())
            }
            // The table does not keep it: then the change of the expiry is all that guards.
            Err(StoreError::Unsupported { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
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
