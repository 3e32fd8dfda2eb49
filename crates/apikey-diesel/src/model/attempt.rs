//! Rows read value by value, so that one which cannot be read spoils no other.

use apikey_core::chrono::DateTime;
use apikey_core::{BoxError, Cursor, Found, KeyModel, Page, Timestamp};
use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, Queryable};
use diesel::result::Error;
use diesel::sql_types::SingleValue;

use crate::model::damage::{Cause, Damaged};

/// A value as the database gave it, or why it is none of its type.
#[derive(Debug)]
#[non_exhaustive]
pub struct Raw<T>(pub(crate) Result<T, BoxError>);

impl<T, ST, DB> FromSql<ST, DB> for Raw<T>
where
    DB: Backend,
    T: FromSql<ST, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(T::from_sql(bytes)))
    }

    fn from_nullable_sql(bytes: Option<DB::RawValue<'_>>) -> deserialize::Result<Self> {
        Ok(Self(T::from_nullable_sql(bytes)))
    }
}

/// A value of a field, or why the column holds none.
#[derive(Debug)]
#[non_exhaustive]
pub struct Field<T>(pub(super) Result<T, BoxError>);

impl<T, ST, DB> Queryable<ST, DB> for Field<T>
where
    DB: Backend,
    ST: SingleValue,
    T: Queryable<ST, DB>,
    T::Row: FromSql<ST, DB>,
{
    type Row = Raw<T::Row>;

    fn build(Raw(row): Self::Row) -> deserialize::Result<Self> {
        Ok(Self(row.and_then(T::build)))
    }
}

/// A row, and its primary key as far as that can be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt<R, Id> {
    row: Result<R, Damaged>,
    id: Option<Id>,
    created_at: Option<Timestamp>,
}

impl<R, Id> Attempt<R, Id> {
    /// Keeps what became of a row.
    #[must_use]
    pub fn new(row: Result<R, Damaged>, id: Option<Id>, created_at: Option<Timestamp>) -> Self {
        Self { row, id, created_at }
    }

    /// Returns the row.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn into_row(self) -> deserialize::Result<R> {
        self.row.map_err(Damaged::into_source)
    }
}

/// Returns the key that was looked for.
///
/// # Errors
/// If its row cannot be read.
pub fn one<M, R>(row: Option<Attempt<R, M::Id>>, prefix: Option<&str>) -> QueryResult<Option<M>>
where
    M: KeyModel + From<R>,
{
    let Some(Attempt { row, .. }) = row else { return Ok(None) };
    match row {
        Ok(row) => {
            let key = M::from(row);
            let is_meant = prefix.is_none_or(|prefix| key.record().prefix == prefix);
            Ok(is_meant.then_some(key))
        }
        // A column that ignores case finds the rows of others, too.
        Err(Damaged(Cause::Row(row)))
            if prefix
                .is_some_and(|prefix| row.prefix.as_deref().is_some_and(|is| is != prefix)) =>
        {
            Ok(None)
        }
        Err(damaged) => Err(damaged.into_error()),
    }
}

/// Returns the key that a client presents.
///
/// # Errors
/// If its row cannot be read.
pub fn found<M, R>(
    row: Option<(Attempt<R, M::Id>, bool)>,
    prefix: &str,
) -> QueryResult<Option<Found<M>>>
where
    M: KeyModel + From<R>,
{
    let Some((row, is_usable)) = row else { return Ok(None) };
    Ok(one(Some(row), Some(prefix))?.map(|key| Found::new(key, is_usable)))
}

/// The place behind all rows whose time of creation has a place among times. The others come after them, in the
/// order of their primary keys.
#[must_use]
pub fn last_place() -> Timestamp {
    // The first moment of the year 0, before which no time is written.
    DateTime::from_timestamp(-62_167_219_200, 0).unwrap_or_default()
}

/// Makes a page of the rows that have a place among times, and of those that come after them.
///
/// # Errors
/// If it is the table whose rows cannot be read.
pub fn page<M, R>(
    mut rows: Vec<Attempt<R, M::Id>>,
    others: Vec<Attempt<R, M::Id>>,
    limit: u32,
) -> QueryResult<Page<M>>
where
    M: KeyModel + From<R>,
{
    for row in others {
        rows.push(Attempt { created_at: Some(last_place()), ..row });
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let (mut keys, mut unreadable, mut next) = (Vec::new(), Vec::new(), None);
    for Attempt { row, id, created_at } in rows {
        // A row without a place is passed again, and not for ever: the one before it has moved on.
        if let Some((created_at, id)) = created_at.zip(id) {
            next = Some(Cursor::new(created_at, id));
        }
        match row {
            Ok(row) => keys.push(M::from(row)),
            Err(Damaged(Cause::Row(row))) => unreadable.push(row),
            Err(damaged) => return Err(damaged.into_error()),
        }
    }
    Ok(Page::new(keys, next.filter(|_| has_more)).with_unreadable(unreadable))
}

/// Returns the keys of a page as rows.
///
/// # Errors
/// If one of them cannot be read.
pub fn rows<M: KeyModel>(page: Page<M>) -> QueryResult<Vec<M>> {
    match page.unreadable.into_iter().next() {
        Some(row) => Err(Error::DeserializationError(Box::new(row))),
        None => Ok(page.keys),
    }
}
