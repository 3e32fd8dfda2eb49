//! Whether a table keeps what is written to it.
//!
//! A MySQL that is not strict cuts what is too long, with nothing but a warning: the scope `tenants:admin-audit`
//! becomes `tenants:admin`. A trigger may change a value, and a rule of the database may hide the row. So each change
//! reads back what it wrote before it is committed, and is undone if that differs.

use apikey_core::chrono::TimeDelta;
use apikey_core::{KeyModel, KeyPatch, KeyRecord, NewRecord, StoreError, Timestamp};
use diesel::QueryResult;
use diesel::result::Error;
use thiserror::Error as ThisError;

use crate::failure::Failure;
use crate::model::TableNames;

/// What is less precise than this loses more than the fraction of a second, which `check` finds.
const PRECISION: TimeDelta = TimeDelta::seconds(1);

/// A table did not keep what was written. The values are in no text: one of them is a hash.
#[derive(Debug, ThisError)]
#[error(
    "the table {table} did not keep the {what} that was written: its column is too short or of the wrong type, or a \
     trigger changes it; see `apikey check`"
)]
struct NotKept {
    table: String,
    what: &'static str,
}

/// A row is not there after it was written.
#[derive(Debug, ThisError)]
#[error(
    "the table {table} does not show the row that was written: its column {prefix} is too short, or row-level \
     security or a trigger hides it; see `apikey check`"
)]
struct NotThere {
    table: String,
    prefix: &'static str,
}

/// Takes the key that an insertion returns, if it is the one that was written.
pub(crate) fn inserted<M: KeyModel>(
    names: TableNames,
    new: &NewRecord<M::Extra>,
    key: QueryResult<M>,
) -> Result<M, Failure> {
    let key = match key {
        Err(Error::NotFound) => {
            let error = NotThere { table: names.full_name().into_owned(), prefix: names.prefix };
            return Err(StoreError::Rejected(error.into()).into());
        }
        key => key?,
    };
    let record = key.record();
    let has = |column: &str| !names.lacks.contains(&column);
    let differs = [
        (record.prefix != new.prefix, "prefix"),
        (record.hashed_key != new.hashed_key, "hash"),
        (record.name != new.name, "name"),
        (has("scopes") && record.scopes != new.scopes, "list of scopes"),
        (!is_same(Some(record.created_at), Some(new.created_at)), "time of creation"),
        (has("expires_at") && !is_same(record.expires_at, new.expires_at), "expiry"),
        (has("disabled_at") && !is_same(record.disabled_at, new.disabled_at), "time of disabling"),
        (!is_revoked_at(names, record, new.revoked_at), "time of revocation"),
        (has("rotated_from") && record.rotated_from != new.rotated_from, "predecessor"),
        (key.owner() != M::owner_of(&new.extra), "owner"),
    ];
    refuse(names, differs)?;
    Ok(key)
}

/// Takes the key that an update returns, if it has what was written.
pub(crate) fn updated<M: KeyModel>(
    names: TableNames,
    patch: &KeyPatch,
    key: Option<M>,
) -> Result<Option<M>, Failure> {
    let Some(key) = key else { return Ok(None) };
    let record = key.record();
    let differs = [
        (patch.name.as_ref().is_some_and(|name| *name != record.name), "name"),
        (patch.scopes.as_ref().is_some_and(|scopes| *scopes != record.scopes), "list of scopes"),
        (patch.hashed_key.as_ref().is_some_and(|hash| *hash != record.hashed_key), "hash"),
        (patch.expires_at.is_some_and(|time| !is_same(time, record.expires_at)), "expiry"),
        (
            patch.disabled_at.is_some_and(|time| !is_same(time, record.disabled_at)),
            "time of disabling",
        ),
        // One that is set stays.
        (patch.revoked_at.is_some() && record.revoked_at.is_none(), "time of revocation"),
    ];
    refuse(names, differs)?;
    Ok(Some(key))
}

/// Refuses a predecessor that did not get the expiry of its rotation, or whose new one was rounded back to the one
/// that was seen: the next rotation would take the key for one that was never rotated.
pub(crate) fn superseded<M: KeyModel>(
    names: TableNames,
    key: &M,
    seen: Option<Timestamp>,
    expires_at: Timestamp,
) -> Result<(), Failure> {
    let found = key.record().expires_at;
    let is_rounded_back = found == seen && seen != Some(expires_at);
    refuse(names, [(is_rounded_back || !is_same(found, Some(expires_at)), "expiry")])
}

fn refuse<const N: usize>(
    names: TableNames,
    differs: [(bool, &'static str); N],
) -> Result<(), Failure> {
    match differs.into_iter().find(|(differs, _)| *differs) {
        Some((_, what)) => {
            let error = NotKept { table: names.full_name().into_owned(), what };
            Err(StoreError::Rejected(error.into()).into())
        }
        None => Ok(()),
    }
}

fn is_same(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= PRECISION,
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// A table of another program may know that a key is revoked, and not since when.
fn is_revoked_at<Id>(names: TableNames, record: &KeyRecord<Id>, time: Option<Timestamp>) -> bool {
    if names.rules.is_some() {
        return record.revoked_at.is_some() == time.is_some();
    }
    is_same(record.revoked_at, time)
}
