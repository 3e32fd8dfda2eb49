//! What the `usable` filter of a model has to be.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::expression::{
    Expression, MixedAggregates, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::QueryFragment;
use diesel::sql_types::BoolOrNullableBool;

/// Holds if a filter is true, false or null.
#[diagnostic::on_unimplemented(
    message = "the `usable` filter is not a condition: its SQL type is neither `Bool` nor `Nullable<Bool>`",
    label = "expected a condition of Diesel, as for `.filter(..)`",
    note = "a column is compared with `.eq(..)`, or looked up in another table with `.eq_any(..)`"
)]
pub trait IsCondition {
    /// Asks.
    fn check_condition(&self) {}
}

/// Holds if a filter can be asked of the key table alone.
#[diagnostic::on_unimplemented(
    message = "the `usable` filter is not a condition on the table of the keys alone",
    label = "a column of another table needs a subquery",
    note = "as in `keys::owner_id.eq_any(owners::table.filter(owners::active).select(owners::id))`",
    note = "the tables are joined by `diesel::allow_tables_to_appear_in_same_query!(owners, keys)`"
)]
pub trait IsOnTable {
    /// Asks.
    fn check_table(&self) {}
}

/// Holds if a filter can be said to a database.
#[diagnostic::on_unimplemented(
    message = "the `usable` filter is not SQL on every database of the model",
    label = "some database does not know this",
    note = "name the databases of this model: #[apikey(backends(..))]"
)]
pub trait IsSqlHere {
    /// Asks.
    fn check_sql(&self) {}
}

/// A filter that is a condition on the table.
#[derive(Debug)]
#[non_exhaustive]
pub struct Condition;

/// A filter that is a condition on something else.
#[derive(Debug)]
#[non_exhaustive]
pub struct Elsewhere;

/// A filter that is something else.
#[derive(Debug)]
#[non_exhaustive]
pub struct NoCondition;

#[diagnostic::do_not_recommend]
impl IsCondition for Condition {}
#[diagnostic::do_not_recommend]
impl IsCondition for Elsewhere {}
#[diagnostic::do_not_recommend]
impl IsOnTable for Condition {}
#[diagnostic::do_not_recommend]
impl IsOnTable for NoCondition {}
#[diagnostic::do_not_recommend]
impl IsSqlHere for Condition {}

/// A filter, of which method resolution finds out what it is: it tries the traits below in their order.
#[derive(Debug)]
pub struct Filter<Table, E>(PhantomData<(Table, E)>);

/// Takes the type of a filter on a table.
#[must_use]
pub fn filter<Table, E>(_: E) -> Filter<Table, E> {
    Filter(PhantomData)
}

/// First: it is a condition on the table.
pub trait OnTable {
    /// Says so.
    fn verdict(&self) -> Condition {
        Condition
    }
}

impl<Table, E> OnTable for &&Filter<Table, E>
where
    E: SelectableExpression<Table> + ValidGrouping<()>,
    // It is selected beside columns.
    E::IsAggregate: MixedAggregates<is_aggregate::No, Output = is_aggregate::No>,
    E::SqlType: BoolOrNullableBool,
{
}

/// Second: it is a condition on something else.
pub trait OffTable {
    /// Says so.
    fn verdict(&self) -> Elsewhere {
        Elsewhere
    }
}

impl<Table, E> OffTable for &Filter<Table, E>
where
    E: Expression,
    E::SqlType: BoolOrNullableBool,
{
}

/// Last: it is something else.
pub trait Off {
    /// Says so.
    fn verdict(&self) -> NoCondition {
        NoCondition
    }
}

impl<Table, E> Off for Filter<Table, E> {}

/// First: the database knows it.
pub trait Known {
    /// Says so.
    fn verdict(&self) -> Condition {
        Condition
    }
}

impl<DB, E> Known for &Filter<DB, E>
where
    DB: Backend,
    E: QueryFragment<DB>,
{
}
