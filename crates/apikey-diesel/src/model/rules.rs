//! What holds in a table that belongs to another program.

use super::TableNames;

/// What holds in a table that belongs to another program, beside what its database checks.
///
/// Each text that a key writes is a field, so that none can be left without a bound.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableRules {
    /// The primary key, made of prefix and hash.
    pub id: TextRule,
    /// The public part of a key.
    pub prefix: TextRule,
    /// The hash.
    pub hashed_key: TextRule,
    /// The name.
    pub name: TextRule,
    /// The columns of times.
    pub times: &'static [&'static str],
    /// What to do if there is no table.
    pub missing: &'static str,
    /// What to do if a column is missing.
    pub missing_columns: &'static [(&'static str, &'static str)],
    /// The encodings of hashes that the program verifies.
    pub encodings: &'static [&'static str],
    /// The number of characters in the prefix of its keys, which have no brand.
    pub prefix_length: usize,
}

impl TableRules {
    #[allow(dead_code, reason = "without any database there is no column to check")]
    pub(crate) const fn texts(&self) -> [&TextRule; 4] {
        [&self.id, &self.prefix, &self.hashed_key, &self.name]
    }
}

/// The longest text that a column may hold.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextRule {
    /// The column.
    pub column: &'static str,
    /// So many characters.
    pub longest: usize,
    /// What to do if the column is shorter.
    pub shorter: &'static str,
}

impl TableNames {
    /// Puts the table under the rules of another program.
    #[doc(hidden)]
    #[must_use]
    pub const fn ruled_by(self, rules: &'static TableRules) -> Self {
        Self { rules: Some(rules), ..self }
    }
}
