//! What is refused because a table lacks the column for it.

use apikey_core::{KeyModel, KeyPatch, KeyQuery, NewRecord, StoreError};

use super::TableNames;

impl TableNames {
    fn require(&self, column: &str, what: &'static str) -> Result<(), StoreError> {
        if self.lacks.contains(&column) {
            return Err(StoreError::Unsupported { what });
        }
        Ok(())
    }

    /// Refuses a new key that would lose something. The predecessor's prefix may be lost: it is history,
    /// and rotation works without.
    pub(crate) fn can_insert<E>(&self, new: &NewRecord<E>) -> Result<(), StoreError> {
        if !new.scopes.as_str().is_empty() {
            self.require("scopes", "scopes: the table lacks the column")?;
        }
        if new.expires_at.is_some() {
            self.require("expires_at", "an expiry: the table lacks the column expires_at")?;
        }
        if new.disabled_at.is_some() {
            self.require("disabled_at", "disabling: the table lacks the column disabled_at")?;
        }
        self.keeps_rules(new)
    }

    pub(crate) fn can_update(&self, patch: &KeyPatch) -> Result<(), StoreError> {
        if patch.scopes.is_some() {
            self.require("scopes", "scopes: the table lacks the column")?;
        }
        if patch.expires_at.is_some() {
            self.require("expires_at", "an expiry: the table lacks the column expires_at")?;
        }
        if patch.disabled_at.is_some() {
            self.require("disabled_at", "disabling: the table lacks the column disabled_at")?;
        }
        self.keeps_rules_after(patch)
    }

    pub(crate) fn can_rotate(&self) -> Result<(), StoreError> {
        self.require("expires_at", "rotating: the table lacks the column expires_at")
    }

    pub(crate) fn can_select<M: KeyModel>(&self, query: &KeyQuery<M>) -> Result<(), StoreError> {
        if query.rotated_from.is_some() {
            self.require("rotated_from", "successors: the table lacks the column rotated_from")?;
        }
        Ok(())
    }

    pub(crate) fn can_touch(&self) -> Result<(), StoreError> {
        self.require("last_used_at", "noting uses: the table lacks the column last_used_at")
    }
}
