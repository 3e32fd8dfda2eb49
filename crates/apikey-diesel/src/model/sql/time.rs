//! SQL about times.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, AsExpression, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Nullable, SqlType};

/// The time that belongs to the key of a row: `CASE id WHEN .. THEN .. ELSE time END`. The column of the time at
/// the end tells every database of which type the others are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TimeByKey<K, V, C, T> {
    /// The column of the key.
    pub key: K,
    /// Keys and their times.
    pub times: Vec<(V, T)>,
    /// The column of the time, for rows of other keys.
    pub otherwise: C,
}

/// Chooses a time by the key of the row.
pub fn time_by_key<K, V, C, T>(
    key: K,
    otherwise: C,
    times: impl IntoIterator<Item = (V, T)>,
) -> TimeByKey<K, V::Expression, C, T::Expression>
where
    K: Expression<SqlType: SqlType>,
    V: AsExpression<K::SqlType>,
    C: Expression<SqlType: SqlType>,
    T: AsExpression<C::SqlType>,
{
    let times = times.into_iter().map(|(key, time)| (key.as_expression(), time.as_expression()));
    TimeByKey { key, times: times.collect(), otherwise }
}

impl<K, V, C, T> Expression for TimeByKey<K, V, C, T>
where
    C: Expression,
{
    type SqlType = C::SqlType;
}

impl<K, V, C, T, Tables> AppearsOnTable<Tables> for TimeByKey<K, V, C, T>
where
    C: AppearsOnTable<Tables>,
    K: AppearsOnTable<Tables>,
    V: AppearsOnTable<Tables>,
    T: AppearsOnTable<Tables>,
{
}

impl<K, V, C, T, Tables> SelectableExpression<Tables> for TimeByKey<K, V, C, T>
where
    C: SelectableExpression<Tables>,
    K: SelectableExpression<Tables>,
    V: SelectableExpression<Tables>,
    T: SelectableExpression<Tables>,
{
}

impl<K, V, C, T> ValidGrouping<()> for TimeByKey<K, V, C, T> {
    type IsAggregate = is_aggregate::No;
}

impl<K, V, C, T, DB> QueryFragment<DB> for TimeByKey<K, V, C, T>
where
    DB: Backend,
    K: QueryFragment<DB>,
    V: QueryFragment<DB>,
    C: QueryFragment<DB>,
    T: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // Each number of keys is another statement.
        out.unsafe_to_cache_prepared();
        out.push_sql("CASE ");
        self.key.walk_ast(out.reborrow())?;
        for (key, time) in &self.times {
            out.push_sql(" WHEN ");
            key.walk_ast(out.reborrow())?;
            out.push_sql(" THEN ");
            time.walk_ast(out.reborrow())?;
        }
        out.push_sql(" ELSE ");
        self.otherwise.walk_ast(out.reborrow())?;
        out.push_sql(" END");
        Ok(())
    }
}

impl<K, V, C, T> QueryId for TimeByKey<K, V, C, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Whether a time in a column is before, at or after another one, whatever form of text it has there: see
/// [`is_until`] and the others. Each database says it in its own words. What is no time, or none that a key can
/// have, is neither before nor at it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct TimeCompared<C, V> {
    /// The column.
    pub column: C,
    /// How the two are compared.
    pub how: Comparison,
    /// The time.
    pub value: V,
}

/// How a time in a column is compared with another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comparison {
    /// It is before the other one.
    Before,
    /// It is before the other one, or the same.
    Until,
    /// Not `Until`.
    After,
    /// Not `Before`.
    NotBefore,
    /// It is the same.
    Same,
}

macro_rules! compared {
    ($($name:ident $how:ident $doc:literal;)*) => {$(
        #[doc = $doc]
        pub fn $name<C, V>(column: C, value: V) -> TimeCompared<C, V::Expression>
        where
            C: Expression<SqlType: SqlType>,
            V: AsExpression<C::SqlType>,
        {
            TimeCompared { column, how: Comparison::$how, value: value.as_expression() }
        }
    )*};
}

compared! {
    is_before Before "Whether the time in a column is before another one.";
    is_until Until "Whether the time in a column is not after another one.";
    is_after After "Whether the time in a column is after another one, or none.";
    is_not_before NotBefore "Whether the time in a column is not before another one, or none.";
    is_same_time Same "Whether the time in a column is this one.";
}

impl Comparison {
    /// The operator.
    #[allow(dead_code, reason = "without any database nothing is compared")]
    pub(crate) fn operator(self) -> &'static str {
        match self {
            Self::Before => " < ",
            Self::Until => " <= ",
            Self::After => " > ",
            Self::NotBefore => " >= ",
            Self::Same => " = ",
        }
    }

    /// Whether what is no time is meant, too.
    #[allow(dead_code, reason = "without any database nothing is compared")]
    pub(crate) fn takes_what_is_no_time(self) -> bool {
        matches!(self, Self::After | Self::NotBefore)
    }
}

impl<C, V> Expression for TimeCompared<C, V>
where
    C: Expression,
    V: Expression,
{
    type SqlType = Nullable<Bool>;
}

impl<C, V, Tables> AppearsOnTable<Tables> for TimeCompared<C, V>
where
    C: AppearsOnTable<Tables>,
    V: AppearsOnTable<Tables>,
{
}

impl<C, V, Tables> SelectableExpression<Tables> for TimeCompared<C, V>
where
    C: SelectableExpression<Tables>,
    V: SelectableExpression<Tables>,
{
}

impl<C, V> ValidGrouping<()> for TimeCompared<C, V>
where
    C: ValidGrouping<()>,
    V: ValidGrouping<()>,
{
    type IsAggregate = is_aggregate::No;
}

/// One comparison is another statement than the next, which the type does not tell.
impl<C, V> QueryId for TimeCompared<C, V> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Whether the value of a column has the place among the others that its time has among times: so that pages can go
/// by it. What is no time has none, nor has a time in a form of text that sorts otherwise.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct TimeOrder<C> {
    /// The column.
    pub column: C,
    /// Whether it has.
    pub is_kept: bool,
}

/// Selects the rows whose time has its place.
pub fn is_in_order<C>(column: C) -> TimeOrder<C> {
    TimeOrder { column, is_kept: true }
}

/// Selects the others.
pub fn is_out_of_order<C>(column: C) -> TimeOrder<C> {
    TimeOrder { column, is_kept: false }
}

impl<C: Expression> Expression for TimeOrder<C> {
    type SqlType = Nullable<Bool>;
}

impl<C: AppearsOnTable<Tables>, Tables> AppearsOnTable<Tables> for TimeOrder<C> {}

impl<C: SelectableExpression<Tables>, Tables> SelectableExpression<Tables> for TimeOrder<C> {}

impl<C: ValidGrouping<()>> ValidGrouping<()> for TimeOrder<C> {
    type IsAggregate = is_aggregate::No;
}

impl<C> QueryId for TimeOrder<C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
