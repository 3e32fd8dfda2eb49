//! What goes wrong in a store at work.

use apikey_core::{BoxError, Finding, StoreError, UnreadableRow};
use diesel::result::{DatabaseErrorKind, Error};
use thiserror::Error as ThisError;

use crate::model::damage::WrongColumn;
use crate::model::{TableNames, Unmapped};

/// What can fail inside of a transaction.
pub(crate) enum Failure {
    Query(Error),
    Store(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Query(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<BoxError> for Failure {
    fn from(error: BoxError) -> Self {
        Self::Store(unavailable(error))
    }
}

impl Failure {
    pub(crate) fn into_store_error(self, names: TableNames) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Query(error) => query_error(error, names),
        }
    }
}

/// Judges by the database's own words, and hands them on without what may be a hash.
fn query_error(error: Error, names: TableNames) -> StoreError {
    use DatabaseErrorKind::{
        CheckViolation, ExclusionViolation, ForeignKeyViolation, NotNullViolation,
        RestrictViolation, UniqueViolation,
    };
    let error = match error {
        Error::DeserializationError(source) if source.is::<WrongColumn>() => {
            return unavailable(source);
        }
        Error::DeserializationError(source) => return StoreError::Unreadable(unreadable(source)),
        Error::QueryBuilderError(source) if source.is::<Unmapped>() => {
            let what = source.downcast::<Unmapped>().map_or("", |unmapped| unmapped.what);
            return StoreError::Unsupported { what };
        }
        error => error,
    };
    match &error {
        Error::DatabaseError(UniqueViolation, info) if is_about_prefix(info.message(), names) => {
            StoreError::Duplicate
        }
        Error::DatabaseError(
            UniqueViolation | CheckViolation | ForeignKeyViolation | NotNullViolation
            | RestrictViolation | ExclusionViolation,
            _,
        )
        | Error::SerializationError(_) => {
            let finding = too_short(&error, names);
            StoreError::Rejected(source(finding, error))
        }
        _ => {
            let finding = wrong_table(&error, names).or_else(|| too_short(&error, names));
            unavailable(source(finding, error))
        }
    }
}

/// What the database says, behind what is known of the table.
fn source(finding: Option<Finding>, error: Error) -> BoxError {
    let error = without_hashes(error);
    match finding {
        Some(finding) => WrongTable::new(finding, error).into(),
        None => error.into(),
    }
}

/// Says which row is damaged, as far as that is known: a mapping by hand knows less.
fn unreadable(source: BoxError) -> UnreadableRow {
    match source.downcast::<UnreadableRow>() {
        Ok(row) => *row,
        Err(source) => {
            let mut problem = source.to_string();
            let mut causes = std::iter::successors(source.source(), |error| error.source());
            for cause in &mut causes {
                problem.push_str(&format!(": {cause}"));
            }
            UnreadableRow::new(None, problem, "repair the row")
        }
    }
}

/// The table is not as the model expects it.
#[derive(Debug, ThisError)]
#[error("{problem}; {fix}")]
pub(crate) struct WrongTable {
    problem: String,
    fix: String,
    #[source]
    source: BoxError,
}

impl WrongTable {
    pub(crate) fn new(finding: Finding, source: impl Into<BoxError>) -> Self {
        Self { problem: finding.problem, fix: finding.fix, source: source.into() }
    }
}

/// What is wrong with the table, on SQLite: its texts are English everywhere. Diesel has no kind for these errors,
/// and keeps the code of none, so servers, which speak many languages, are asked for their columns instead.
fn wrong_table(error: &Error, names: TableNames) -> Option<Finding> {
    let Error::DatabaseError(_, info) = error else { return None };
    let message = info.message();
    let says = |text| message.contains(text);
    if says("no such column") || says("no column named") {
        let is_named = |name: &&&str| words(message).any(|word| word == **name);
        let column = names.columns.iter().find(is_named)?;
        return Some(missing_column(names, column));
    }
    (says("no such table") && says(names.table)).then(|| missing_table(names))
}

/// Whether a text is too long for a column that its program would make longer by now: what the program
/// bounds has been measured before. A server that speaks no English gives its own words instead.
fn too_short(error: &Error, names: TableNames) -> Option<Finding> {
    let (Error::DatabaseError(_, info), Some(rules)) = (error, names.rules) else { return None };
    let says = |text| info.message().contains(text);
    let is_too_long = says("value too long for type") || says("Data too long for column");
    let problem = format!("the columns of the table {} are too short", names.full_name());
    is_too_long.then(|| Finding::new(problem, rules.hashed_key.shorter))
}

/// Takes what may be a hash, or a part of one, out of an error's text: a generated column or a trigger may repeat the
/// values of a row. Every stored hash has a dollar sign or so long a run of its characters.
pub(crate) fn without_hashes(error: Error) -> Error {
    match error {
        Error::DatabaseError(kind, info) => match hidden(info.message()) {
            Some(text) => Error::DatabaseError(kind, Box::new(text)),
            None => Error::DatabaseError(kind, info),
        },
        error => error,
    }
}

/// As many characters of a hash are worth nothing.
const LONGEST_RUN: usize = 31;

/// The text with what may be a hash hidden, if there is any.
fn hidden(text: &str) -> Option<String> {
    let is_of_hash = |c: char| c.is_ascii_alphanumeric() || "$+/=,.-".contains(c);
    let may_be_hash = |word: &str| word.contains('$') || word.len() > LONGEST_RUN;
    let mut safe = String::new();
    let mut is_changed = false;
    for part in text.split_inclusive(|c| !is_of_hash(c)) {
        let word = part.trim_end_matches(|c| !is_of_hash(c));
        if may_be_hash(word) {
            safe.push('…');
            safe.push_str(&part[word.len()..]);
            is_changed = true;
        } else {
            safe.push_str(part);
        }
    }
    is_changed.then_some(safe)
}

fn words(message: &str) -> impl Iterator<Item = &str> {
    message.split(|c: char| !c.is_alphanumeric() && c != '_')
}

pub(crate) fn missing_table(names: TableNames) -> Finding {
    Finding::new(format!("the table {} does not exist", names.full_name()), names.migrate())
}

pub(crate) fn missing_column(names: TableNames, column: &str) -> Finding {
    let problem = format!("the table {} has no column {column}", names.full_name());
    Finding::new(problem, names.migrate_column(column))
}

/// Hands on what a database says of somebody else's table: the names in it are not ours.
#[allow(dead_code, reason = "servers are asked under no name of ours")]
pub(crate) fn foreign(error: Error) -> Failure {
    Failure::Store(unavailable(without_hashes(error)))
}

pub(crate) fn unavailable(error: impl Into<BoxError>) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// SQLite names neither the index nor the columns but in the text, MySQL and MariaDB the index, which
/// unless told otherwise is called as its column.
fn is_about_prefix(message: &str, names: TableNames) -> bool {
    let TableNames { table, prefix, .. } = names;
    // Whose id is taken has its prefix taken, too.
    let columns = [Some(prefix), names.rules.map(|rules| rules.id.column)];
    if let Some(column) = message.strip_prefix("UNIQUE constraint failed: ") {
        return columns.iter().flatten().any(|name| column == format!("{table}.{name}"));
    }
    message.strip_prefix("Duplicate entry for key ").is_some_and(|key| {
        let key = key.trim_matches('\'');
        let key = key.strip_prefix(table).and_then(|key| key.strip_prefix('.')).unwrap_or(key);
        key == prefix || (names.rules.is_some() && key == "PRIMARY")
    })
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn no_text_keeps_a_hash() {
        let hex = "0123456789abcdef".repeat(4);
        for hash in [
            format!("sha256$${hex}"),
            hex.clone(),
            format!("hmac-sha256$v=1${hex}"),
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI".into(),
            "pbkdf2_sha256$1000000$saltsaltsaltsaltsaltsa$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=".into(),
        ] {
            for text in [
                format!("Incorrect integer value: '{hash}' for column `db`.`t`.`g` at row 1"),
                format!("invalid input syntax for type integer: \"{hash}\""),
                format!("mine: {hash}"),
            ] {
                let hidden = hidden(&text).unwrap();
                let tail = hash.rsplit('$').next().unwrap();
                assert!(!hidden.contains(tail), "{hidden}");
                assert!(hidden.contains('…'), "{hidden}");
            }
        }
    }

    #[test]
    fn what_names_things_is_kept() {
        for text in [
            "Data too long for column 'organization_id' at row 1",
            "CONSTRAINT `a_long_name_of_a_constraint_of_somebody_else` failed for `db`.`t`",
            "duplicate key value violates unique constraint \"api_keys_pkey\"",
            "could not extend file \"base/5/16400\": No space left on device",
        ] {
            assert_eq!(hidden(text), None, "{text}");
        }
    }
}
