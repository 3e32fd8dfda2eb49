//! What the rules of another program refuse, and what they find.

use apikey_core::{Finding, HashedKey, KeyFormat, KeyPatch, NewRecord, StoreError};
use thiserror::Error;

use super::TableNames;
use super::rules::{TableRules, TextRule};

/// A text that the program would refuse.
#[derive(Debug, Error)]
#[error("the column {table}.{column} takes {longest} characters, not {length}")]
struct TooLong {
    table: &'static str,
    column: &'static str,
    longest: usize,
    length: usize,
}

/// A hash that the program would not read: its keys would not open it.
#[derive(Debug, Error)]
#[error("the program that owns the table {table} reads hashes that begin with {}, and no others", encodings.join(" or "))]
struct Unread {
    table: &'static str,
    encodings: &'static [&'static str],
}

impl TableNames {
    pub(crate) fn writable_encodings(&self) -> Option<&'static [&'static str]> {
        self.rules.map(|rules| rules.encodings)
    }

    pub(crate) fn can_write_format(&self, format: &KeyFormat) -> bool {
        self.rules.is_none_or(|rules| {
            format.brand().is_none() && format.prefix_length() == rules.prefix_length
        })
    }

    /// What to do if there is no table.
    pub(crate) fn migrate(&self) -> &'static str {
        const MIGRATE: &str = "migrate the database: `apikey migrate`, or `DieselStore::migrate`; the SQL of a \
                               table of your own is printed by `apikey migration`";
        self.rules.map_or(MIGRATE, |rules| rules.missing)
    }

    /// What to do if a column is missing.
    ///
    /// A migration that is noted as applied is not applied again, and a table of the application's own is
    /// not migrated at all, so the column has to be added.
    pub(crate) fn migrate_column(&self, column: &str) -> String {
        let Some(rules) = self.rules else {
            return format!(
                "add it by a migration of your own, as `apikey migration --backend <DATABASE> --table \
                 {}` defines it; a model of your own can also say that its table lacks the column",
                self.full_name()
            );
        };
        let rule = rules.missing_columns.iter().find(|(missing, _)| *missing == column);
        rule.map_or(rules.missing, |&(_, fix)| fix).to_owned()
    }

    /// Finds the columns that are shorter than the program makes them by now; of the others its own
    /// migrations have taken care.
    pub(crate) fn too_short(&self, length: impl Fn(&str) -> Option<usize>) -> Vec<Finding> {
        let texts = self.rules.into_iter().flat_map(TableRules::texts);
        let short = texts.filter_map(|text| {
            let length = length(text.column).filter(|length| *length < text.longest)?;
            let problem = format!(
                "the column {}.{} takes {length} characters, not {}",
                self.table, text.column, text.longest
            );
            Some(Finding::new(problem, text.shorter))
        });
        short.collect()
    }

    /// Refuses a new key that the program would not have made.
    pub(super) fn keeps_rules<E>(&self, new: &NewRecord<E>) -> Result<(), StoreError> {
        let Some(rules) = self.rules else { return Ok(()) };
        let (prefix, hash) = (&new.prefix, &new.hashed_key);
        self.fits(&rules.prefix, prefix)?;
        self.is_read(rules, hash)?;
        self.fits(&rules.id, &format!("{prefix}.{}", hash.as_str()))?;
        self.fits(&rules.name, &new.name)
    }

    /// Refuses a change that the program would not have made.
    pub(super) fn keeps_rules_after(&self, patch: &KeyPatch) -> Result<(), StoreError> {
        let Some(rules) = self.rules else { return Ok(()) };
        if let Some(hash) = &patch.hashed_key {
            self.is_read(rules, hash)?;
        }
        patch.name.as_ref().map_or(Ok(()), |name| self.fits(&rules.name, name))
    }

    /// Refuses a hash that the program cannot verify a key by.
    fn is_read(&self, rules: &TableRules, hash: &HashedKey) -> Result<(), StoreError> {
        let encodings = rules.encodings;
        if !encodings.iter().any(|encoding| hash.as_str().starts_with(encoding)) {
            return Err(StoreError::Rejected(Unread { table: self.table, encodings }.into()));
        }
        self.fits(&rules.hashed_key, hash.as_str())
    }

    fn fits(&self, rule: &TextRule, text: &str) -> Result<(), StoreError> {
        let &TextRule { column, longest, .. } = rule;
        let length = text.chars().count();
        if length > longest {
            let refused = TooLong { table: self.table, column, longest, length };
            return Err(StoreError::Rejected(refused.into()));
        }
        Ok(())
    }
}
