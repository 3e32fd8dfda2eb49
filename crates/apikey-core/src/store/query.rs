//! What is read: which keys, which page.

use std::fmt;

use thiserror::Error;

use crate::clock::Timestamp;
use crate::model::{KeyModel, KeyStatus};

/// Which keys to list or count.
///
/// # Examples
/// ```
/// use apikey_core::{KeyQuery, KeyRecord, KeyStatus};
///
/// let query = KeyQuery::<KeyRecord>::new().status(KeyStatus::Active).search("report").limit(50);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KeyQuery<M: KeyModel> {
    /// Only keys of this owner.
    pub owner: Option<M::Owner>,
    /// Only keys in this state.
    pub status: Option<KeyStatus>,
    /// Only keys with exactly this prefix, or whose name begins with this text (case-sensitive).
    pub search: Option<String>,
    /// Only successors of the key with this prefix.
    pub rotated_from: Option<String>,
    /// Only keys whose stored hash begins with one of these encodings; if there are none, with whatever.
    pub encodings: Vec<String>,
    /// Only keys whose stored hash begins with none of these encodings.
    pub not_encodings: Vec<String>,
    /// Only keys that come after this place.
    pub after: Option<Cursor<M::Id>>,
    /// At most so many keys on a page.
    pub limit: u32,
}

/// The most keys that one page holds.
pub const MAX_PAGE: u32 = 1000;

impl<M: KeyModel> KeyQuery<M> {
    /// Selects all keys, 100 to a page.
    #[must_use]
    pub fn new() -> Self {
        Self {
            owner: None,
            status: None,
            search: None,
            rotated_from: None,
            encodings: Vec::new(),
            not_encodings: Vec::new(),
            after: None,
            limit: 100,
        }
    }

    /// Selects the keys of one owner.
    #[must_use]
    pub fn owner(self, owner: M::Owner) -> Self {
        Self { owner: Some(owner), ..self }
    }

    /// Selects the keys in one state.
    #[must_use]
    pub fn status(self, status: KeyStatus) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Selects the key with this prefix and those whose name begins with this text. A text with a whole key in
    /// it finds nothing, and no store is asked for it, which could log it.
    #[must_use]
    pub fn search(self, text: impl Into<String>) -> Self {
        Self { search: Some(text.into()), ..self }
    }

    /// Selects the successors of the key with this prefix, by the column `rotated_from`.
    #[must_use]
    pub fn rotated_from(self, prefix: impl Into<String>) -> Self {
        Self { rotated_from: Some(prefix.into()), ..self }
    }

    /// Selects the keys whose stored hash begins with this encoding, as in `sha256$$`; said again, also
    /// those of another.
    #[must_use]
    pub fn encoding(mut self, encoding: impl Into<String>) -> Self {
        self.encodings.push(encoding.into());
        self
    }

    /// Leaves out the keys whose stored hash begins with this encoding.
    #[must_use]
    pub fn not_encoding(mut self, encoding: impl Into<String>) -> Self {
        self.not_encodings.push(encoding.into());
        self
    }

    /// Whether the query selects a key at `now`, on whatever page: for stores that look at each key.
    #[must_use]
    pub fn selects(&self, key: &M, now: Timestamp) -> bool {
        let record = key.record();
        let found = |text: &String| record.prefix == *text || record.name.starts_with(text);
        let is_hashed_by = |encoding: &String| record.hashed_key.as_str().starts_with(encoding);
        self.owner.as_ref().is_none_or(|owner| key.owner() == Some(owner))
            && self.status.is_none_or(|status| record.status(now) == status)
            && self.search.as_ref().is_none_or(found)
            && self
                .rotated_from
                .as_ref()
                .is_none_or(|old| record.rotated_from.as_ref() == Some(old))
            && (self.encodings.is_empty() || self.encodings.iter().any(is_hashed_by))
            && !self.not_encodings.iter().any(is_hashed_by)
    }

    /// Goes on where a page ended: pass its [`next`](Page::next).
    #[must_use]
    pub fn after(self, cursor: Option<Cursor<M::Id>>) -> Self {
        Self { after: cursor, ..self }
    }

    /// Sets the size of a page, 1 to [`MAX_PAGE`]; others are cut to it.
    #[must_use]
    pub fn limit(self, limit: u32) -> Self {
        Self { limit: limit.clamp(1, MAX_PAGE), ..self }
    }
}

impl<M: KeyModel> Default for KeyQuery<M> {
    fn default() -> Self {
        Self::new()
    }
}

/// A place in the list of keys, which stays valid whatever is added or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cursor<Id> {
    /// The time of creation of the last key seen.
    pub created_at: Timestamp,
    /// Its id.
    pub id: Id,
}

impl<Id> Cursor<Id> {
    /// Marks the place behind a key.
    #[must_use]
    pub fn new(created_at: Timestamp, id: Id) -> Self {
        Self { created_at, id }
    }
}

/// One page of keys.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<M: KeyModel> {
    /// The keys, newest first.
    pub keys: Vec<M>,
    /// Where the next page begins; `None` if this was the last.
    pub next: Option<Cursor<M::Id>>,
    /// Rows that the query selects and that cannot be read. They take places of the page, and
    /// [`count`](crate::KeyStore::count) counts them; so a page may have no keys and yet a next one.
    pub unreadable: Vec<UnreadableRow>,
}

impl<M: KeyModel> Page<M> {
    /// Makes a page of what a query returned when asked for one row more than `limit`.
    #[must_use]
    pub fn from_rows(mut rows: Vec<M>, limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(KeyModel::record).filter(|_| more);
        let next = last.map(|record| Cursor::new(record.created_at, record.id.clone()));
        Self { keys: rows, next, unreadable: Vec::new() }
    }

    /// Makes a page of its keys and the place where the next one begins.
    #[must_use]
    pub fn new(keys: Vec<M>, next: Option<Cursor<M::Id>>) -> Self {
        Self { keys, next, unreadable: Vec::new() }
    }

    /// Adds the rows that cannot be read.
    #[must_use]
    pub fn with_unreadable(self, unreadable: Vec<UnreadableRow>) -> Self {
        Self { unreadable, ..self }
    }
}

/// A row of keys that cannot be read: somebody else wrote a value that the column may not have, such as a time
/// that is none. Its key is refused; it can be revoked, disabled and purged all the same, by its prefix.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{problem}", Named(prefix.as_deref()))]
#[non_exhaustive]
pub struct UnreadableRow {
    /// The public part of the key, if that can be read.
    pub prefix: Option<String>,
    /// Which column is damaged, and how. Never holds a hash.
    pub problem: String,
    /// How the row is repaired: a statement, where the store has one.
    pub fix: String,
}

impl UnreadableRow {
    /// Describes a row.
    #[must_use]
    pub fn new(prefix: Option<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { prefix, problem: problem.into(), fix: fix.into() }
    }
}

/// The beginning of a sentence about a row.
struct Named<'a>(Option<&'a str>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |prefix| write!(f, "key {prefix:?}: "))
    }
}
