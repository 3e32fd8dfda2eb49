//! What the rules of another program refuse, and what they find.

use apikey_core::{BoxError, Finding, KeyFormat, KeyPatch, NewRecord, StoreError};
use thiserror::Error;

use super::TableNames;
use super::rules::TextRule;

/// A text that the program would refuse.
#[derive(Debug, Error)]
#[error("the column {table}.{column} takes {longest} characters, not {length}")]
struct TooLong {
    table: &'static str,
    column: &'static str,
    longest: usize,
    length: usize,
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
                self.table
            );
        };
        let rule = rules.missing_columns.iter().find(|(missing, _)| *missing == column);
        rule.map_or(rules.missing, |&(_, fix)| fix).to_owned()
    }

    /// Finds the rule for a text.
    pub(crate) fn text_rule(&self, column: &str) -> Option<&'static TextRule> {
        self.rules?.texts.iter().find(|text| text.column == column)
    }

    /// Finds the columns that are shorter than the program makes them by now; of the others its own
    /// migrations have taken care.
    pub(crate) fn too_short(&self, length: impl Fn(&str) -> Option<usize>) -> Vec<Finding> {
        let texts = self.rules.map_or(&[][..], |rules| rules.texts);
        let short = texts.iter().filter_map(|text| {
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
        self.fits("prefix", &new.prefix)?;
        self.fits("hashed_key", new.hashed_key.as_str())?;
        self.fits("id", &format!("{}.{}", new.prefix, new.hashed_key.as_str()))?;
        self.fits("name", &new.name)
    }

    /// Refuses a change that the program would not have made.
    pub(super) fn keeps_rules_after(&self, patch: &KeyPatch) -> Result<(), StoreError> {
        let hash = patch.hashed_key.as_ref().map_or("", |hash| hash.as_str());
        self.fits("hashed_key", hash)?;
        self.fits("name", patch.name.as_deref().unwrap_or_default())
    }

    fn fits(&self, column: &str, text: &str) -> Result<(), StoreError> {
        let length = text.chars().count();
        match self.text_rule(column) {
            Some(&TextRule { column, longest, .. }) if length > longest => {
                let refused: BoxError =
                    TooLong { table: self.table, column, longest, length }.into();
                Err(StoreError::Rejected(refused))
            }
            _ => Ok(()),
        }
    }
}
