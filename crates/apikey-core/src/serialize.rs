//! `Serialize` for what applications show of their keys. A stored hash is never shown.

use chrono::SecondsFormat;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::clock::Timestamp;
use crate::model::{KeyRecord, KeyStatus};
use crate::scope::Scopes;

impl Serialize for Scopes {
    /// As a list of texts.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for KeyStatus {
    /// As its word: `active`, `expired`, `disabled`, `revoked`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<Id: Serialize> Serialize for KeyRecord<Id> {
    /// As a map of the columns, without `hashed_key`; times as RFC 3339 in UTC.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |time: Timestamp| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let mut map = serializer.serialize_struct("KeyRecord", 10)?;
        map.serialize_field("id", &self.id)?;
        map.serialize_field("prefix", &self.prefix)?;
        map.serialize_field("name", &self.name)?;
        map.serialize_field("scopes", &self.scopes)?;
        map.serialize_field("created_at", &text(self.created_at))?;
        map.serialize_field("expires_at", &self.expires_at.map(text))?;
        map.serialize_field("disabled_at", &self.disabled_at.map(text))?;
        map.serialize_field("revoked_at", &self.revoked_at.map(text))?;
        map.serialize_field("last_used_at", &self.last_used_at.map(text))?;
        map.serialize_field("rotated_from", &self.rotated_from)?;
        map.end()
    }
}
