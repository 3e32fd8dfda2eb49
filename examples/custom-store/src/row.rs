//! A key as it stands in the file.

use apikey_core::chrono::DateTime;
use apikey_core::{HashedKey, KeyRecord, ScopeError, Scopes, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The built-in columns. `KeyRecord` itself is serialized without its hash, for the eyes of people; here the hash is
/// the point. Times are microseconds since 1970.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    id: i64,
    prefix: String,
    hashed_key: String,
    name: String,
    scopes: String,
    created_at: i64,
    expires_at: Option<i64>,
    disabled_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
    rotated_from: Option<String>,
}

/// Why a row is none.
#[derive(Debug, Error)]
pub(crate) enum RowError {
    #[error(transparent)]
    Scopes(#[from] ScopeError),
    #[error("a time is outside of the calendar")]
    Time,
}

impl From<&KeyRecord> for Row {
    fn from(key: &KeyRecord) -> Self {
        let micros = |time: Option<Timestamp>| time.map(|time| time.timestamp_micros());
        Self {
            id: key.id,
            prefix: key.prefix.clone(),
            hashed_key: key.hashed_key.as_str().to_owned(),
            name: key.name.clone(),
            scopes: key.scopes.as_str().to_owned(),
            created_at: key.created_at.timestamp_micros(),
            expires_at: micros(key.expires_at),
            disabled_at: micros(key.disabled_at),
            revoked_at: micros(key.revoked_at),
            last_used_at: micros(key.last_used_at),
            rotated_from: key.rotated_from.clone(),
        }
    }
}

impl TryFrom<Row> for KeyRecord {
    type Error = RowError;

    fn try_from(row: Row) -> Result<Self, RowError> {
        let time = |micros| DateTime::from_timestamp_micros(micros).ok_or(RowError::Time);
        let maybe = |micros: Option<i64>| micros.map(time).transpose();
        let hash = HashedKey::new(row.hashed_key);
        Ok(Self::new(row.id, row.prefix, hash, row.name, time(row.created_at)?)
            .with_scopes(Scopes::parse(&row.scopes)?)
            .with_expires_at(maybe(row.expires_at)?)
            .with_disabled_at(maybe(row.disabled_at)?)
            .with_revoked_at(maybe(row.revoked_at)?)
            .with_last_used_at(maybe(row.last_used_at)?)
            .with_rotated_from(row.rotated_from))
    }
}
