//! SQL that Diesel does not have.

use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::QueryId;
use diesel::sql_types::{Bool, Nullable, SingleValue, SqlType};

diesel::define_sql_function! {
    /// The first value that is not null.
    fn coalesce<T: SqlType + SingleValue>(first: Nullable<T>, second: Nullable<T>) -> Nullable<T>;
}

/// Whether a text begins with another, byte by byte: unlike `LIKE`, it minds the case on every
/// database, and no character has a meaning of its own. Each database says it in its own words.
#[derive(Debug, Clone, Copy, QueryId)]
#[non_exhaustive]
pub struct StartsWith<T, P> {
    /// The text.
    pub text: T,
    /// Its beginning.
    pub part: P,
}

/// Compares the beginning of `text` with `part`.
pub fn starts_with<T, P>(text: T, part: P) -> StartsWith<T, P> {
    StartsWith { text, part }
}

impl<T, P> Expression for StartsWith<T, P>
where
    T: Expression,
    P: Expression,
{
    type SqlType = Bool;
}

impl<T, P, Tables> AppearsOnTable<Tables> for StartsWith<T, P>
where
    T: AppearsOnTable<Tables>,
    P: AppearsOnTable<Tables>,
{
}

impl<T, P, Tables> SelectableExpression<Tables> for StartsWith<T, P>
where
    T: SelectableExpression<Tables>,
    P: SelectableExpression<Tables>,
{
}

impl<T, P> ValidGrouping<()> for StartsWith<T, P>
where
    T: ValidGrouping<()>,
    P: ValidGrouping<()>,
{
    type IsAggregate = is_aggregate::No;
}
