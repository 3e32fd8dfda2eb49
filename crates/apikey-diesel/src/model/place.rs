//! Where a table is in the database.

use std::borrow::Cow;
use std::fmt;

use diesel::QuerySource;
use diesel::backend::Backend;
use diesel::query_builder::{QueryBuilder, QueryFragment};

use super::TableNames;

/// The name of a table, and of its schema if the statements name that, too.
#[derive(Debug)]
#[non_exhaustive]
pub struct TablePlace {
    /// The table.
    pub table: String,
    /// The schema; on MySQL the database.
    pub schema: Option<String>,
}

impl TablePlace {
    /// Finds out what the statements on a table say, as `"schema"."table"`: `table!` tells nobody else. `name` is
    /// what the table is called if it does not say.
    pub fn of<DB, T>(table: &T, name: &str) -> Self
    where
        DB: Backend + Default,
        DB::QueryBuilder: Default,
        T: QuerySource,
        T::FromClause: QueryFragment<DB>,
    {
        let mut out = DB::QueryBuilder::default();
        let said = table.from_clause().to_sql(&mut out, &DB::default());
        let mut names = said.map_or_else(|_| Vec::new(), |()| unquoted(&out.finish()));
        match (names.pop(), names.pop()) {
            (Some(table), schema) => Self { table, schema },
            (None, _) => Self { table: name.to_owned(), schema: None },
        }
    }
}

/// Takes quoted names with dots between them apart.
fn unquoted(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(quote) = rest.chars().next().filter(|quote| ['"', '`'].contains(quote)) {
        let mut name = String::new();
        rest = &rest[1..];
        while let Some((part, behind)) = rest.split_once(quote) {
            name.push_str(part);
            rest = behind;
            // A quote within a name is doubled.
            let Some(behind) = rest.strip_prefix(quote) else { break };
            name.push(quote);
            rest = behind;
        }
        names.push(name);
        rest = rest.strip_prefix('.').unwrap_or_default();
    }
    names
}

impl TableNames {
    /// The table with its schema, if that is named: for people, and for statements that they copy.
    #[allow(dead_code, reason = "without any database there is none")]
    pub(crate) fn full_name(&self) -> Cow<'static, str> {
        match self.schema {
            Some(schema) => format!("{schema}.{}", self.table).into(),
            None => self.table.into(),
        }
    }

    /// Names the lock of an owner, or of the table if keys have no owner. Not by the schema, which one program names
    /// and another leaves to its connection: tables of one name in two schemas wait for each other.
    #[allow(dead_code, reason = "without a server there is no such lock")]
    pub(crate) fn lock_of<O: fmt::Debug>(&self, owner: Option<&O>) -> String {
        format!("{}/{owner:?}", self.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_one_lock_whether_or_not_the_schema_is_named() {
        let bare = TableNames::new("keys", "prefix", "hashed_key", &[]);
        let named = bare.in_schema(Some("auth"));
        assert_eq!(named.lock_of(Some(&7)), bare.lock_of(Some(&7)));
        let other = TableNames::new("others", "prefix", "hashed_key", &[]);
        let locks = [bare.lock_of(Some(&7)), bare.lock_of(Some(&8)), other.lock_of(Some(&7))];
        assert!(locks.iter().all(|lock| locks.iter().filter(|other| *other == lock).count() == 1));
        assert_ne!(bare.lock_of::<i32>(None), bare.lock_of(Some(&7)));
    }

    #[test]
    fn takes_names_apart() {
        for (text, names) in [
            ("\"keys\"", ["keys"].as_slice()),
            ("\"auth\".\"keys\"", &["auth", "keys"]),
            ("`auth`.`keys`", &["auth", "keys"]),
            ("\"a\"\"b.c\".\"d`e\"", &["a\"b.c", "d`e"]),
            ("keys", &[]),
        ] {
            assert_eq!(unquoted(text), names, "{text}");
        }
    }
}
