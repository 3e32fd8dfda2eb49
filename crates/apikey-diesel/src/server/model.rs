//! How a key model is mapped to a table on a server: every query of one model, over a connection.

use std::slice;

use apikey_core::{Found, KeyModel, KeyPatch, KeyQuery, NewRecord, Page, Timestamp};
use diesel::QueryResult;
use diesel::backend::Backend;
use diesel_async::AsyncConnection;

use crate::model::{TableNames, unmapped};

/// The queries of one key model on one kind of server, over any connection of [`diesel_async`] to it.
///
/// The same as [`BlockingModel`](crate::BlockingModel), whose documentation says what the functions
/// have to take care of, for connections that do not block.
#[diagnostic::on_unimplemented(
    message = "the keys of `{Self}` are not mapped to `{DB}`",
    note = "`#[derive(KeyModel)]` of `apikey_diesel` maps them to every database whose feature is on, or to \
            those in #[apikey(backends(..))]"
)]
pub trait AsyncModel<DB: Backend>: KeyModel {
    /// Returns the names that the model uses in the database.
    fn table() -> TableNames;

    /// Finds the key that a client presents, in one query; the model's filter is selected with it.
    ///
    /// # Errors
    /// What Diesel reports.
    fn find_by_prefix<C>(
        conn: &mut C,
        prefix: &str,
    ) -> impl Future<Output = QueryResult<Option<Found<Self>>>> + Send
    where
        C: AsyncConnection<Backend = DB>;

    /// Returns the key with this prefix.
    ///
    /// # Errors
    /// What Diesel reports.
    fn get<C>(
        conn: &mut C,
        prefix: &str,
        owner: Option<&Self::Owner>,
    ) -> impl Future<Output = QueryResult<Option<Self>>> + Send
    where
        C: AsyncConnection<Backend = DB>;

    /// Counts the keys of the new key's owner that are neither revoked nor expired at its `created_at`.
    ///
    /// # Errors
    /// What Diesel reports.
    fn count_live<C>(
        conn: &mut C,
        new: &NewRecord<Self::Extra>,
    ) -> impl Future<Output = QueryResult<u64>> + Send
    where
        C: AsyncConnection<Backend = DB>;

    /// Inserts a key and returns it.
    ///
    /// # Errors
    /// What Diesel reports: a violated constraint among others.
    fn insert<C>(
        conn: &mut C,
        new: &NewRecord<Self::Extra>,
    ) -> impl Future<Output = QueryResult<Self>> + Send
    where
        C: AsyncConnection<Backend = DB>;

    /// Changes the columns that the patch names, guarded by its `if_hashed_key`, and returns the key.
    /// A `revoked_at` that is set stays.
    ///
    /// # Errors
    /// What Diesel reports.
    fn update<C>(
        conn: &mut C,
        id: &Self::Id,
        owner: Option<&Self::Owner>,
        patch: &KeyPatch,
    ) -> impl Future<Output = QueryResult<Option<Self>>> + Send
    where
        C: AsyncConnection<Backend = DB>;

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
    ) -> impl Future<Output = QueryResult<bool>> + Send
    where
        C: AsyncConnection<Backend = DB>;

    /// Moves `last_used_at` of these keys forward, never back, in one statement. The store passes at
    /// most 500.
    ///
    /// # Errors
    /// What Diesel reports.
    fn touch<C>(
        conn: &mut C,
        ids: &[Self::Id],
        at: Timestamp,
    ) -> impl Future<Output = QueryResult<()>> + Send
    where
        C: AsyncConnection<Backend = DB>;

    /// Moves `last_used_at` of each of these keys forward to its own time. By default, one
    /// [`touch`](Self::touch) for each.
    ///
    /// # Errors
    /// What Diesel reports.
    fn touch_each<C>(
        conn: &mut C,
        uses: &[(Self::Id, Timestamp)],
    ) -> impl Future<Output = QueryResult<()>> + Send
    where
        C: AsyncConnection<Backend = DB>,
    {
        async move {
            for (id, at) in uses {
                Self::touch(conn, slice::from_ref(id), *at).await?;
            }
            Ok(())
        }
    }

    /// Returns the rows of one page, newest first, and one more if there is a next page.
    ///
    /// # Errors
    /// What Diesel reports.
    fn list<C>(
        conn: &mut C,
        query: &KeyQuery<Self>,
        now: Timestamp,
    ) -> impl Future<Output = QueryResult<Vec<Self>>> + Send
    where
        C: AsyncConnection<Backend = DB>;

    /// Returns one page. Rows that cannot be read stand in [`Page::unreadable`].
    ///
    /// As provided it is [`list`](Self::list), which fails if one of its rows cannot be read.
    ///
    /// # Errors
    /// What Diesel reports.
    fn page<C>(
        conn: &mut C,
        query: &KeyQuery<Self>,
        now: Timestamp,
    ) -> impl Future<Output = QueryResult<Page<Self>>> + Send
    where
        C: AsyncConnection<Backend = DB>,
    {
        async move { Ok(Page::from_rows(Self::list(conn, query, now).await?, query.limit)) }
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
    ) -> impl Future<Output = QueryResult<bool>> + Send
    where
        C: AsyncConnection<Backend = DB>,
    {
        async move {
            match Self::get(conn, prefix, owner).await? {
                Some(key) => {
                    Ok(Self::update(conn, &key.record().id, owner, patch).await?.is_some())
                }
                None => Ok(false),
            }
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
    ) -> impl Future<Output = QueryResult<bool>> + Send
    where
        C: AsyncConnection<Backend = DB>,
    {
        let _ = (conn, prefix, owner, now);
        async { Err(unmapped("deleting one key")) }
    }

    /// Counts the keys that `query` selects on all its pages.
    ///
    /// # Errors
    /// What Diesel reports.
    fn count<C>(
        conn: &mut C,
        query: &KeyQuery<Self>,
        now: Timestamp,
    ) -> impl Future<Output = QueryResult<u64>> + Send
    where
        C: AsyncConnection<Backend = DB>;

    /// Deletes at most `limit` keys that expired or were revoked before `before`.
    ///
    /// # Errors
    /// What Diesel reports.
    fn delete_expired<C>(
        conn: &mut C,
        before: Timestamp,
        limit: u32,
    ) -> impl Future<Output = QueryResult<u64>> + Send
    where
        C: AsyncConnection<Backend = DB>;
}
