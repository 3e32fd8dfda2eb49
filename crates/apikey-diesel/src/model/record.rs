//! The built-in model in the built-in table, on SQLite.

use std::convert::Infallible;

use apikey_core::{
    Found, HashedKey, KeyPatch, KeyQuery, KeyRecord, KeyStatus, NewRecord, Scopes, Timestamp,
};
use diesel::connection::LoadConnection;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::Sqlite;

use super::{BlockingModel, TableNames};
use crate::schema::api_keys;
use crate::time::DbTime;

diesel::define_sql_function! {
    /// The first place of `part`, counted from 1. Unlike `LIKE`, which ignores the case of ASCII letters
    /// in SQLite, it compares byte by byte, and no character of `part` has a meaning of its own.
    fn instr(text: Text, part: Text) -> Integer;
}

diesel::define_sql_function! {
    /// The first value that is not null.
    fn coalesce(first: Nullable<Text>, second: Nullable<Text>) -> Nullable<Text>;
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(Sqlite))]
struct Row {
    id: i64,
    prefix: String,
    hashed_key: String,
    name: String,
    scopes: String,
    created_at: DbTime,
    expires_at: Option<DbTime>,
    disabled_at: Option<DbTime>,
    revoked_at: Option<DbTime>,
    last_used_at: Option<DbTime>,
    rotated_from: Option<String>,
}

impl Row {
    fn into_record(self) -> QueryResult<KeyRecord> {
        let scopes = Scopes::parse(&self.scopes).map_err(|error| {
            let text = format!("the column scopes of the key {:?}: {error}", self.prefix);
            Error::DeserializationError(text.into())
        })?;
        let hashed_key = HashedKey::new(self.hashed_key);
        let created_at = self.created_at.into();
        Ok(KeyRecord::new(self.id, self.prefix, hashed_key, self.name, created_at)
            .with_scopes(scopes)
            .with_expires_at(self.expires_at.map(Into::into))
            .with_disabled_at(self.disabled_at.map(Into::into))
            .with_revoked_at(self.revoked_at.map(Into::into))
            .with_last_used_at(self.last_used_at.map(Into::into))
            .with_rotated_from(self.rotated_from))
    }
}

#[derive(Insertable)]
#[diesel(table_name = api_keys)]
struct NewRow<'a> {
    prefix: &'a str,
    hashed_key: &'a str,
    name: &'a str,
    scopes: &'a str,
    created_at: DbTime,
    expires_at: Option<DbTime>,
    rotated_from: Option<&'a str>,
}

/// Keys of this model have no owner, so there is none to compare with.
fn unowned(owner: Option<&Infallible>) {
    if let Some(never) = owner {
        match *never {}
    }
}

impl BlockingModel<Sqlite> for KeyRecord {
    fn table() -> TableNames {
        const COLUMNS: &[&str] = &[
            api_keys::id::NAME,
            api_keys::prefix::NAME,
            api_keys::hashed_key::NAME,
            api_keys::name::NAME,
            api_keys::scopes::NAME,
            api_keys::created_at::NAME,
            api_keys::expires_at::NAME,
            api_keys::disabled_at::NAME,
            api_keys::revoked_at::NAME,
            api_keys::last_used_at::NAME,
            api_keys::rotated_from::NAME,
        ];
        TableNames::new("api_keys", api_keys::prefix::NAME, COLUMNS)
    }

    fn find_by_prefix<C>(conn: &mut C, prefix: &str) -> QueryResult<Option<Found<Self>>>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let key = Self::get(conn, prefix, None)?;
        Ok(key.map(|key| Found::new(key, true)))
    }

    fn get<C>(conn: &mut C, prefix: &str, owner: Option<&Infallible>) -> QueryResult<Option<Self>>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        unowned(owner);
        api_keys::table
            .filter(api_keys::prefix.eq(prefix))
            .select(Row::as_select())
            .first(conn)
            .optional()?
            .map(Row::into_record)
            .transpose()
    }

    fn count_live<C>(conn: &mut C, new: &NewRecord<()>) -> QueryResult<u64>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let at = DbTime::from(new.created_at);
        api_keys::table
            .filter(api_keys::revoked_at.is_null())
            .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(at)))
            .count()
            .get_result(conn)
            .and_then(to_u64)
    }

    fn insert<C>(conn: &mut C, new: &NewRecord<()>) -> QueryResult<Self>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let row = NewRow {
            prefix: &new.prefix,
            hashed_key: new.hashed_key.as_str(),
            name: &new.name,
            scopes: new.scopes.as_str(),
            created_at: new.created_at.into(),
            expires_at: new.expires_at.map(DbTime::from),
            rotated_from: new.rotated_from.as_deref(),
        };
        diesel::insert_into(api_keys::table).values(row).execute(conn)?;
        Self::get(conn, &new.prefix, None)?.ok_or(Error::NotFound)
    }

    fn update<C>(
        conn: &mut C,
        id: &i64,
        owner: Option<&Infallible>,
        patch: &KeyPatch,
    ) -> QueryResult<Option<Self>>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        unowned(owner);
        let is_guarded =
            |key: &Self| patch.if_hashed_key.as_ref().is_none_or(|seen| *seen == key.hashed_key);
        if is_empty(patch) {
            return Ok(by_id(conn, *id)?.filter(is_guarded));
        }
        let to_column = |time: Option<Timestamp>| time.map(DbTime::from);
        let revoked_at = |time: Timestamp| coalesce(api_keys::revoked_at, DbTime::from(time));
        let changes = (
            patch.name.as_ref().map(|name| api_keys::name.eq(name)),
            patch.scopes.as_ref().map(|scopes| api_keys::scopes.eq(scopes.as_str())),
            patch.expires_at.map(|time| api_keys::expires_at.eq(to_column(time))),
            patch.disabled_at.map(|time| api_keys::disabled_at.eq(to_column(time))),
            patch.revoked_at.map(|time| api_keys::revoked_at.eq(revoked_at(time))),
            patch.hashed_key.as_ref().map(|hash| api_keys::hashed_key.eq(hash.as_str())),
        );
        let mut update = diesel::update(api_keys::table.find(id)).set(changes).into_boxed();
        if let Some(seen) = &patch.if_hashed_key {
            update = update.filter(api_keys::hashed_key.eq(seen.as_str()));
        }
        match update.execute(conn)? {
            0 => Ok(None),
            _ => by_id(conn, *id),
        }
    }

    fn supersede<C>(
        conn: &mut C,
        id: &i64,
        owner: Option<&Infallible>,
        seen: Option<Timestamp>,
        expires_at: Timestamp,
    ) -> QueryResult<bool>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        unowned(owner);
        let update = diesel::update(api_keys::table.find(id))
            .set(api_keys::expires_at.eq(DbTime::from(expires_at)))
            .filter(api_keys::revoked_at.is_null())
            .filter(api_keys::disabled_at.is_null())
            .into_boxed();
        // `= NULL` is never true.
        let update = match seen {
            Some(seen) => update.filter(api_keys::expires_at.eq(DbTime::from(seen))),
            None => update.filter(api_keys::expires_at.is_null()),
        };
        Ok(update.execute(conn)? > 0)
    }

    fn touch<C>(conn: &mut C, ids: &[i64], at: Timestamp) -> QueryResult<()>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let at = DbTime::from(at);
        diesel::update(api_keys::table)
            .filter(api_keys::id.eq_any(ids))
            .filter(api_keys::revoked_at.is_null())
            .filter(api_keys::last_used_at.is_null().or(api_keys::last_used_at.lt(at)))
            .set(api_keys::last_used_at.eq(at))
            .execute(conn)
            .map(|_| ())
    }

    fn list<C>(conn: &mut C, query: &KeyQuery<Self>, now: Timestamp) -> QueryResult<Vec<Self>>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let mut rows = select(query, now)?;
        if let Some(after) = &query.after {
            let (created_at, id) = (DbTime::from(after.created_at), after.id);
            // The first bound follows from the second, but only the first can use the index.
            rows = rows.filter(api_keys::created_at.le(created_at)).filter(
                api_keys::created_at
                    .lt(created_at)
                    .or(api_keys::created_at.eq(created_at).and(api_keys::id.lt(id))),
            );
        }
        rows.order((api_keys::created_at.desc(), api_keys::id.desc()))
            .limit(i64::from(query.limit) + 1)
            .select(Row::as_select())
            .load(conn)?
            .into_iter()
            .map(Row::into_record)
            .collect()
    }

    fn count<C>(conn: &mut C, query: &KeyQuery<Self>, now: Timestamp) -> QueryResult<u64>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        select(query, now)?.count().get_result(conn).and_then(to_u64)
    }

    fn delete_expired<C>(conn: &mut C, before: Timestamp, limit: u32) -> QueryResult<u64>
    where
        C: LoadConnection<Backend = Sqlite>,
    {
        let before = DbTime::from(before);
        let ended = diesel::alias!(api_keys as ended);
        let (expires_at, revoked_at) = ended.fields((api_keys::expires_at, api_keys::revoked_at));
        let ended = ended
            .filter(expires_at.lt(before).or(revoked_at.lt(before)))
            .order((ended.field(api_keys::created_at), ended.field(api_keys::id)))
            .limit(i64::from(limit))
            .select(ended.field(api_keys::id));
        let deleted =
            diesel::delete(api_keys::table).filter(api_keys::id.eq_any(ended)).execute(conn)?;
        Ok(deleted as u64)
    }
}

fn by_id<C>(conn: &mut C, id: i64) -> QueryResult<Option<KeyRecord>>
where
    C: LoadConnection<Backend = Sqlite>,
{
    api_keys::table
        .find(id)
        .select(Row::as_select())
        .first(conn)
        .optional()?
        .map(Row::into_record)
        .transpose()
}

/// Whether a patch names no column, which is no statement in SQL.
fn is_empty(patch: &KeyPatch) -> bool {
    patch.name.is_none()
        && patch.scopes.is_none()
        && patch.expires_at.is_none()
        && patch.disabled_at.is_none()
        && patch.revoked_at.is_none()
        && patch.hashed_key.is_none()
}

/// Selects the rows on all pages of a query.
fn select(
    query: &KeyQuery<KeyRecord>,
    now: Timestamp,
) -> QueryResult<api_keys::BoxedQuery<'_, Sqlite>> {
    unowned(query.owner.as_ref());
    let mut rows = api_keys::table.into_boxed();
    if let Some(text) = &query.search {
        let is_found = api_keys::prefix.eq(text).or(instr(api_keys::name, text).eq(1));
        rows = rows.filter(is_found);
    }
    if let Some(encoding) = &query.encoding {
        rows = rows.filter(instr(api_keys::hashed_key, encoding).eq(1));
    }
    match query.status {
        Some(status) => with_status(rows, status, now.into()),
        None => Ok(rows),
    }
}

/// Keeps the rows in one state, in the order of [`KeyRecord::status`].
fn with_status<'a>(
    rows: api_keys::BoxedQuery<'a, Sqlite>,
    status: KeyStatus,
    now: DbTime,
) -> QueryResult<api_keys::BoxedQuery<'a, Sqlite>> {
    if status == KeyStatus::Revoked {
        return Ok(rows.filter(api_keys::revoked_at.is_not_null()));
    }
    let rows = rows.filter(api_keys::revoked_at.is_null());
    if status == KeyStatus::Disabled {
        return Ok(rows.filter(api_keys::disabled_at.is_not_null()));
    }
    let rows = rows.filter(api_keys::disabled_at.is_null());
    match status {
        KeyStatus::Expired => Ok(rows.filter(api_keys::expires_at.le(now))),
        KeyStatus::Active => {
            let is_alive = api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now));
            Ok(rows.filter(is_alive))
        }
        other => {
            let text = format!("keys cannot be selected by the status {other}");
            Err(Error::QueryBuilderError(text.into()))
        }
    }
}

fn to_u64(count: i64) -> QueryResult<u64> {
    u64::try_from(count).map_err(|error| Error::DeserializationError(Box::new(error)))
}
