//! How a key model is mapped to a table: every query of one model, over a connection.

pub(crate) mod attempt;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub(crate) mod builtin;
pub mod checks;
pub(crate) mod damage;
mod endings;
mod filters;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod lack;
mod lookups;
mod pages;
pub(crate) mod place;
mod queries;
mod rows;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod ruled;
pub(crate) mod rules;
pub(crate) mod sql;
mod tokens;
mod uses;

use std::slice;

use apikey_core::{Found, KeyModel, KeyPatch, KeyQuery, NewRecord, Page, Timestamp};
use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::connection::LoadConnection;
use diesel::result::Error;
use thiserror::Error as ThisError;

use crate::model::rules::TableRules;

/// The queries of one key model on one kind of database, over any blocking connection to it.
///
/// Implemented for [`KeyRecord`](apikey_core::KeyRecord) on SQLite, and by the derive for your own models.
/// Where your tables are too odd for the derive (a join, a key spread over two tables), implement it by
/// hand: [`DieselStore`](crate::DieselStore) asks for nothing else.
///
/// The functions are single steps: the store calls them inside of its transactions, and what they write
/// in several statements is one change. The promises are those of [`KeyStore`](apikey_core::KeyStore);
/// here is only what the store does not take care of:
///
/// - An `owner` that is given belongs into the `WHERE` of the statement itself.
/// - A built-in column that the table lacks is named in [`TableNames::lacks`]; the store then refuses what
///   would need it.
/// - A row that cannot be understood is
///   [`DeserializationError`](diesel::result::Error::DeserializationError), whose text never holds
///   `hashed_key`. Its key is refused then, and no other. Implement [`page`](Self::page) and [`end`](Self::end) as
///   well, so that it keeps nobody from the rest of a list, and can be revoked.
#[diagnostic::on_unimplemented(
    message = "the keys of `{Self}` are not mapped to `{DB}`",
    note = "`#[derive(KeyModel)]` of `apikey_diesel` maps them to every database whose feature is on, or to \
            those in #[apikey(backends(..))]"
)]
pub trait BlockingModel<DB: Backend>: KeyModel {
    /// Returns the names that the model uses in the database.
    fn table() -> TableNames;

    /// Finds the key that a client presents, in one query; the model's filter is selected with it.
    ///
    /// # Errors
    /// What Diesel reports.
    fn find_by_prefix<C>(conn: &mut C, prefix: &str) -> QueryResult<Option<Found<Self>>>
    where
        C: LoadConnection<Backend = DB>;

    /// Returns the key with this prefix.
    ///
    /// # Errors
    /// What Diesel reports.
    fn get<C>(conn: &mut C, prefix: &str, owner: Option<&Self::Owner>) -> QueryResult<Option<Self>>
    where
        C: LoadConnection<Backend = DB>;

    /// Counts the keys of the new key's owner that are neither revoked nor expired at its `created_at`.
    ///
    /// # Errors
    /// What Diesel reports.
    fn count_live<C>(conn: &mut C, new: &NewRecord<Self::Extra>) -> QueryResult<u64>
    where
        C: LoadConnection<Backend = DB>;

    /// Inserts a key and returns it.
    ///
    /// # Errors
    /// What Diesel reports: a violated constraint among others.
    fn insert<C>(conn: &mut C, new: &NewRecord<Self::Extra>) -> QueryResult<Self>
    where
        C: LoadConnection<Backend = DB>;

    /// Changes the columns that the patch names, guarded by its `if_hashed_key`, and returns the key. A
    /// `revoked_at` that is set stays. A patch that names no column reads the key.
    ///
    /// # Errors
    /// What Diesel reports.
    fn update<C>(
        conn: &mut C,
        id: &Self::Id,
        owner: Option<&Self::Owner>,
        patch: &KeyPatch,
    ) -> QueryResult<Option<Self>>
    where
        C: LoadConnection<Backend = DB>;

    /// Sets the expiry of a key that is neither revoked nor disabled and whose expiry is still `seen`,
    /// in one statement. Returns whether there was such a key.
    ///
    /// # Errors
    /// What Diesel reports.
    fn supersede<C>(
        conn: &mut C,
        id: &Self::Id,
        owner: Option<&Self::Owner>,
        seen: Option<Timestamp>,
        expires_at: Timestamp,
    ) -> QueryResult<bool>
    where
        C: LoadConnection<Backend = DB>;

    /// Moves `last_used_at` of these keys forward, never back, in one statement. The store passes at
    /// most 500.
    ///
    /// # Errors
    /// What Diesel reports.
    fn touch<C>(conn: &mut C, ids: &[Self::Id], at: Timestamp) -> QueryResult<()>
    where
        C: LoadConnection<Backend = DB>;

    /// Moves `last_used_at` of each of these keys forward to its own time, never back. The store passes at most
    /// 100, each once. By default, one [`touch`](Self::touch) for each; models that are derived take one statement.
    ///
    /// # Errors
    /// What Diesel reports.
    fn touch_each<C>(conn: &mut C, uses: &[(Self::Id, Timestamp)]) -> QueryResult<()>
    where
        C: LoadConnection<Backend = DB>,
    {
        uses.iter().try_for_each(|(id, at)| Self::touch(conn, slice::from_ref(id), *at))
    }

    /// Returns the rows of one page, newest first, and one more if there is a next page.
    ///
    /// # Errors
    /// What Diesel reports.
    fn list<C>(conn: &mut C, query: &KeyQuery<Self>, now: Timestamp) -> QueryResult<Vec<Self>>
    where
        C: LoadConnection<Backend = DB>;

    /// Returns one page. Rows that cannot be read stand in [`Page::unreadable`].
    ///
    /// As provided it is [`list`](Self::list), which fails if one of its rows cannot be read.
    ///
    /// # Errors
    /// What Diesel reports.
    fn page<C>(conn: &mut C, query: &KeyQuery<Self>, now: Timestamp) -> QueryResult<Page<Self>>
    where
        C: LoadConnection<Backend = DB>,
    {
        Ok(Page::from_rows(Self::list(conn, query, now)?, query.limit))
    }

    /// Changes the key with this prefix as [`update`](Self::update) does, and returns whether there is one.
    ///
    /// As provided it reads the key, which fails if it cannot be read.
    ///
    /// # Errors
    /// What Diesel reports.
    fn end<C>(
        conn: &mut C,
        prefix: &str,
        owner: Option<&Self::Owner>,
        patch: &KeyPatch,
    ) -> QueryResult<bool>
    where
        C: LoadConnection<Backend = DB>,
    {
        match Self::get(conn, prefix, owner)? {
            Some(key) => Ok(Self::update(conn, &key.record().id, owner, patch)?.is_some()),
            None => Ok(false),
        }
    }

    /// Deletes the key with this prefix if it is revoked, or expired at `now`, and returns whether there was one.
    ///
    /// As provided it is [`Unsupported`](apikey_core::StoreError::Unsupported).
    ///
    /// # Errors
    /// What Diesel reports.
    fn delete_ended<C>(
        conn: &mut C,
        prefix: &str,
        owner: Option<&Self::Owner>,
        now: Timestamp,
    ) -> QueryResult<bool>
    where
        C: LoadConnection<Backend = DB>,
    {
        let _ = (conn, prefix, owner, now);
        Err(unmapped("deleting one key"))
    }

    /// Counts the keys that `query` selects on all its pages.
    ///
    /// # Errors
    /// What Diesel reports.
    fn count<C>(conn: &mut C, query: &KeyQuery<Self>, now: Timestamp) -> QueryResult<u64>
    where
        C: LoadConnection<Backend = DB>;

    /// Deletes at most `limit` keys that expired or were revoked before `before`.
    ///
    /// # Errors
    /// What Diesel reports.
    fn delete_expired<C>(conn: &mut C, before: Timestamp, limit: u32) -> QueryResult<u64>
    where
        C: LoadConnection<Backend = DB>;
}

/// What a mapping by hand has no query for.
#[derive(Debug, ThisError)]
#[error("the model has no query for {what}")]
pub(crate) struct Unmapped {
    pub(crate) what: &'static str,
}

pub(crate) fn unmapped(what: &'static str) -> Error {
    Error::QueryBuilderError(Box::new(Unmapped { what }))
}

/// What a model's table and columns are called in the database, and what the table lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableNames {
    /// The table.
    pub table: &'static str,
    /// The schema of the table, if its statements name one; on MySQL the database.
    pub schema: Option<&'static str>,
    /// The unique column that holds the prefix.
    pub prefix: &'static str,
    /// The column that holds what is stored of a key.
    pub hashed_key: &'static str,
    /// All columns that the model reads.
    pub columns: &'static [&'static str],
    /// Those that hold the times of the built-in columns.
    pub times: &'static [&'static str],
    /// The column that holds the owner.
    pub owner: Option<&'static str>,
    /// The built-in columns, by the names of [`KeyRecord`](apikey_core::KeyRecord), that the table does
    /// not have.
    pub lacks: &'static [&'static str],
    /// The columns that hold texts, and the most characters that one may have to hold.
    pub(crate) texts: &'static [(&'static str, usize)],
    /// The built-in columns that always have a value.
    pub(crate) required: &'static [&'static str],
    /// What holds in the table because it belongs to another program.
    pub(crate) rules: Option<&'static TableRules>,
}

impl TableNames {
    /// Names a table, two of its columns, and all its columns.
    #[must_use]
    pub const fn new(
        table: &'static str,
        prefix: &'static str,
        hashed_key: &'static str,
        columns: &'static [&'static str],
    ) -> Self {
        Self {
            table,
            schema: None,
            prefix,
            hashed_key,
            columns,
            times: &[],
            owner: None,
            lacks: &[],
            texts: &[],
            required: &[],
            rules: None,
        }
    }

    /// Names the schema of the table.
    #[must_use]
    pub const fn in_schema(self, schema: Option<&'static str>) -> Self {
        Self { schema, ..self }
    }

    /// Names the columns of times, so that [`check`](apikey_core::KeyStore::check) looks whether they keep
    /// microseconds.
    #[must_use]
    pub const fn with_times(self, times: &'static [&'static str]) -> Self {
        Self { times, ..self }
    }

    /// Names the column of the owner, so that [`check`](apikey_core::KeyStore::check) looks whether it tells
    /// owners apart.
    #[must_use]
    pub const fn owned_by(self, owner: &'static str) -> Self {
        Self { owner: Some(owner), ..self }
    }

    /// Names the columns of texts with the most characters that each may have to hold, and those that always have a
    /// value, so that [`check`](apikey_core::KeyStore::check) looks whether they do.
    #[must_use]
    pub const fn with_texts(
        self,
        texts: &'static [(&'static str, usize)],
        required: &'static [&'static str],
    ) -> Self {
        Self { texts, required, ..self }
    }

    /// Whether a built-in column holds times.
    #[allow(dead_code, reason = "SQLite has no type for times")]
    pub(crate) fn is_time(&self, column: &str) -> bool {
        self.times.contains(&column)
    }

    /// Whether a built-in column holds texts.
    #[allow(dead_code, reason = "SQLite keeps any value in any column")]
    pub(crate) fn is_text(&self, column: &str) -> bool {
        let built_in = [self.prefix, self.hashed_key];
        built_in.contains(&column) || self.texts.iter().any(|(text, _)| *text == column)
    }

    /// Says which built-in columns there are not, of `scopes`, `expires_at`, `disabled_at`,
    /// `last_used_at` and `rotated_from`. What would need one of them is
    /// [`Unsupported`](apikey_core::StoreError::Unsupported); a rotation works without `rotated_from`.
    #[must_use]
    pub const fn lacking(self, lacks: &'static [&'static str]) -> Self {
        Self { lacks, ..self }
    }
}
