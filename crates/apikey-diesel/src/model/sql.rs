//! SQL that Diesel does not have.

pub(crate) mod time;

use diesel::expression::{
    AppearsOnTable, AsExpression, Expression, SelectableExpression, ValidGrouping, is_aggregate,
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

/// Whether a column holds this value: as with `=`, so that an index is used, but for a text byte by byte as well,
/// whatever the collation of the column takes for equal. Each database says it in its own words.
#[derive(Debug, Clone, Copy, QueryId)]
#[non_exhaustive]
pub struct Exactly<C, V> {
    /// The column.
    pub column: C,
    /// The value.
    pub value: V,
}

/// Compares a column with a value.
pub fn is_exactly<C, V>(column: C, value: V) -> Exactly<C, V::Expression>
where
    C: Expression<SqlType: SqlType>,
    V: AsExpression<C::SqlType>,
{
    Exactly { column, value: value.as_expression() }
}

impl<C, V> Expression for Exactly<C, V>
where
    C: Expression,
    V: Expression,
{
    type SqlType = Nullable<Bool>;
}

impl<C, V, Tables> AppearsOnTable<Tables> for Exactly<C, V>
where
    C: AppearsOnTable<Tables>,
    V: AppearsOnTable<Tables>,
{
}

impl<C, V, Tables> SelectableExpression<Tables> for Exactly<C, V>
where
    C: SelectableExpression<Tables>,
    V: SelectableExpression<Tables>,
{
}

impl<C, V> ValidGrouping<()> for Exactly<C, V>
where
    C: ValidGrouping<()>,
    V: ValidGrouping<()>,
{
    type IsAggregate = is_aggregate::No;
}
