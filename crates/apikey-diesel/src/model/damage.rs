//! What is wrong with a row, or with its table, and how it is repaired.

use std::str::Utf8Error;
use std::string::FromUtf8Error;

use apikey_core::{BoxError, UnreadableRow};
use diesel::result::{Error, UnexpectedNullError};
use thiserror::Error as ThisError;

use crate::model::TableNames;
use crate::model::attempt::Field;

/// What is wrong with a row, collected while its values are read.
#[derive(Debug)]
pub struct Damage {
    /// Whether all values of a column are of one type.
    is_typed: bool,
    worst: Option<Problem>,
}

#[derive(Debug)]
struct Problem {
    column: &'static str,
    repair: Option<&'static str>,
    text: String,
    /// It is not the row that is wrong, but its table.
    is_of_table: bool,
}

impl Damage {
    /// Begins with a row in which nothing is wrong. `is_typed` says whether all values of a column are of one type.
    #[must_use]
    pub const fn new(is_typed: bool) -> Self {
        Self { is_typed, worst: None }
    }

    /// Takes a value out of its field. `repair` is SQL for a value that can stand in its place without making
    /// the key good for more than before.
    pub fn take<T>(
        &mut self,
        column: &'static str,
        repair: Option<&'static str>,
        Field(value): Field<T>,
    ) -> Option<T> {
        let is_of_table = self.is_typed && value.as_ref().err().is_some_and(is_of_another_type);
        self.note(column, repair, value, is_of_table)
    }

    /// Takes a value of the application's own out of its field: what its type refuses may be one value of many.
    pub fn take_own<T>(&mut self, column: &'static str, Field(value): Field<T>) -> Option<T> {
        self.note(column, None, value, false)
    }

    /// Keeps a value that was made of another.
    pub fn keep<T>(
        &mut self,
        column: &'static str,
        repair: Option<&'static str>,
        value: Result<T, BoxError>,
    ) -> Option<T> {
        self.note(column, repair, value, false)
    }

    fn note<T>(
        &mut self,
        column: &'static str,
        repair: Option<&'static str>,
        value: Result<T, BoxError>,
        is_of_table: bool,
    ) -> Option<T> {
        let error = match value {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let is_worse = |worst: &Problem| is_of_table && !worst.is_of_table;
        if self.worst.as_ref().is_none_or(is_worse) {
            let text = format!("the column {column}: {error}");
            self.worst = Some(Problem { column, repair, text, is_of_table });
        }
        None
    }

    /// Puts the row together, unless something in it is damaged.
    ///
    /// # Errors
    /// What is known of the damaged row.
    pub fn finish<R>(
        self,
        names: TableNames,
        place: Place,
        assemble: impl FnOnce() -> Option<R>,
    ) -> Result<R, Damaged> {
        let problem = match self.worst {
            Some(problem) => problem,
            None => match assemble() {
                Some(row) => return Ok(row),
                // Nothing is missing where nothing is wrong.
                None => Problem {
                    column: names.prefix,
                    repair: None,
                    text: "a value".to_owned(),
                    is_of_table: false,
                },
            },
        };
        if problem.is_of_table {
            let table = names.full_name().into_owned();
            let wrong = WrongColumn { table, column: problem.column, problem: problem.text };
            return Err(Damaged(Cause::Table(wrong)));
        }
        let fix = fix(names, &place, &problem);
        Err(Damaged(Cause::Row(UnreadableRow::new(place.prefix, problem.text, fix))))
    }
}

/// Whether something is not of its column's type, rather than a value that the type has and a key has not.
fn is_of_another_type(error: &BoxError) -> bool {
    let is_value = error.is::<UnexpectedNullError>()
        || error.is::<NoTime>()
        || error.is::<Utf8Error>()
        || error.is::<FromUtf8Error>();
    !is_value
}

/// A column is of another type than the model reads. So is every row, and no key is to blame.
#[derive(Debug, ThisError)]
#[error(
    "the column {table}.{column} is not of the type that the model reads ({problem}); see `apikey check`"
)]
pub(crate) struct WrongColumn {
    table: String,
    column: &'static str,
    problem: String,
}

/// Where a row stands, as far as it can be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Place {
    prefix: Option<String>,
    id: Option<String>,
}

impl Place {
    /// Names the prefix and the primary key.
    #[must_use]
    pub fn new(prefix: Option<&String>, id: Option<&impl ToString>) -> Self {
        Self { prefix: prefix.cloned(), id: id.map(ToString::to_string) }
    }

    /// The condition that selects the row, for people who copy it: whoever wrote the row chose the texts in it, so
    /// that none is repeated which could be more than a text. The primary key is the first of the columns.
    fn condition(&self, names: TableNames) -> Option<String> {
        let is_plain = |prefix: &&String| {
            !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        if let Some(prefix) = self.prefix.as_ref().filter(is_plain) {
            return Some(format!("{} = '{prefix}'", names.prefix));
        }
        let id: i128 = self.id.as_ref()?.parse().ok()?;
        let column = names.columns.first().copied().unwrap_or("id");
        Some(format!("{column} = {id}"))
    }
}

/// A statement that makes the row readable, and the key good for no more than before.
fn fix(names: TableNames, place: &Place, problem: &Problem) -> String {
    let Some(row) = place.condition(names) else {
        return "find the row by its other columns, and delete or repair it".to_owned();
    };
    let (table, column) = (names.full_name(), problem.column);
    match problem.repair {
        Some(value) => format!("UPDATE {table} SET {column} = {value} WHERE {row}"),
        None if column == names.hashed_key => {
            format!(
                "restore the column {column} from a backup, or: DELETE FROM {table} WHERE {row}"
            )
        }
        None => format!("UPDATE {table} SET {column} = <a value that it may have> WHERE {row}"),
    }
}

/// Why a row cannot be read.
#[derive(Debug)]
pub struct Damaged(pub(super) Cause);

#[derive(Debug)]
pub(super) enum Cause {
    Row(UnreadableRow),
    Table(WrongColumn),
}

impl Damaged {
    pub(super) fn into_source(self) -> BoxError {
        match self.0 {
            Cause::Row(row) => row.into(),
            Cause::Table(column) => column.into(),
        }
    }

    pub(super) fn into_error(self) -> Error {
        Error::DeserializationError(self.into_source())
    }
}

/// A column of times holds one that no key has: too far away, or none of the calendar's.
#[derive(Debug, ThisError)]
#[error("{0}")]
pub(crate) struct NoTime(BoxError);

impl NoTime {
    #[allow(dead_code, reason = "SQLite has no type for times")]
    pub(crate) fn new(error: impl Into<BoxError>) -> Self {
        Self(error.into())
    }
}
