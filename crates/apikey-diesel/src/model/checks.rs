//! What the columns, the fields and the filter of a model have to be, said so that the compiler's error
//! stands in the user's own line and names the fix.
//!
//! The derive asks in closures within constants of type `bool`, which nobody calls: they are only
//! compiled. A constant whose closure has an error has no value, so neither has a [`Gate`] behind it, and
//! to the compiler everything that stands behind that gate is an error that has been reported. That is
//! how one mistake is one error, and not one for each query that it spoils.

pub mod filter;

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::deserialize::FromSqlRow;
use diesel::expression::{AsExpression, TypedExpressionType};
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Bool, Nullable, SqlType, Text, Timestamp};

/// Stands in front of what makes sense only if a check has passed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Gate<const PASSED: bool>;

/// What stands behind a gate.
pub trait Behind<T> {
    /// The type, as it is.
    type Type;

    /// Returns the value, as it is.
    fn pass(value: T) -> Self::Type;
}

impl<T> Behind<T> for Gate<true> {
    type Type = T;

    fn pass(value: T) -> T {
        value
    }
}

/// A type that makes sense only if a check has passed.
pub type Checked<const PASSED: bool, T> = <Gate<PASSED> as Behind<T>>::Type;

/// Finds the column for a built-in one: the table's, or the one in [`missing`].
pub trait Has<BuiltIn> {
    /// What stands there.
    type Column;
    /// Its value.
    const COLUMN: Self::Column;
}

/// What the name of a built-in column means where the table has none. The columns of the table are
/// imported in front of these.
pub mod missing {
    macro_rules! missing {
        ($($column:ident)*) => {$(
            #[doc = concat!("There is no `", stringify!($column), "`.")]
            #[allow(clippy::exhaustive_structs, non_camel_case_types, reason = "it stands in for a column")]
            #[derive(Debug)]
            pub struct $column;
        )*};
    }

    missing! {
        id prefix hashed_key name scopes created_at expires_at disabled_at revoked_at last_used_at rotated_from
        created revoked expiry_date
    }
}

/// Holds if a model can be cloned.
#[diagnostic::on_unimplemented(
    message = "the key model `{Model}` is not `Clone`",
    label = "write #[derive(Debug, Clone, KeyModel)]"
)]
pub trait IsClone<Model> {
    /// Asks.
    const FITS: () = ();
}

/// Implemented for something else than the model, or the compiler would propose to borrow it: references are
/// `Clone`.
#[diagnostic::do_not_recommend]
impl<M: Clone> IsClone<M> for Gate<true> {}

/// Holds if a model can be printed for programmers.
#[diagnostic::on_unimplemented(
    message = "the key model `{Self}` is not `Debug`",
    label = "write #[derive(Debug, Clone, KeyModel)]"
)]
pub trait IsDebug {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<M: Debug> IsDebug for M {}

/// Holds if a model can be used by several threads.
#[diagnostic::on_unimplemented(
    message = "the key model `{Self}` cannot be used by several threads",
    label = "each field has to be `Send + Sync + 'static`"
)]
pub trait IsShared {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<M: Send + Sync + 'static> IsShared for M {}

/// Holds if a type can say whose a key is.
#[diagnostic::on_unimplemented(
    message = "the type `{Self}` cannot be that of an owner: it is not `Clone + Eq + Hash + Debug`",
    label = "owners are compared, and looked up by their hash",
    note = "a number or a text can; for a type of your own: #[derive(Debug, Clone, PartialEq, Eq, Hash)]"
)]
pub trait IsOwner {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Eq + Hash + Debug + Send + Sync + 'static> IsOwner for T {}

/// Holds if a column is a text.
#[diagnostic::on_unimplemented(
    message = "the column `{Self}` is `{SqlType}`, and has to be `Text`",
    label = "a built-in column of this table has another type"
)]
pub trait HoldsText<SqlType> {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<C> HoldsText<Text> for C {}

/// Holds if a column is a text or null.
#[diagnostic::on_unimplemented(
    message = "the column `{Self}` is `{SqlType}`, and has to be `Nullable<Text>`",
    label = "a built-in column of this table has another type"
)]
pub trait HoldsOptionalText<SqlType> {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<C> HoldsOptionalText<Nullable<Text>> for C {}

/// Holds if a column is true or false.
#[diagnostic::on_unimplemented(
    message = "the column `{Self}` is `{SqlType}`, and has to be `Bool`",
    label = "a built-in column of this table has another type"
)]
pub trait HoldsBool<SqlType> {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<C> HoldsBool<Bool> for C {}

/// What a time can be in SQL.
pub trait TimeType {}

impl TimeType for Timestamp {}

/// Holds if a column is a time.
#[diagnostic::on_unimplemented(
    message = "the column `{Self}` is `{SqlType}`, and has to be a time that is never null",
    label = "a built-in column of this table has another type",
    note = "a time is `Timestamp`; or `Timestamptz` on PostgreSQL, `Datetime` on MySQL, `Text` or \
            `TimestamptzSqlite` on SQLite"
)]
pub trait HoldsTime<SqlType> {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<C, ST: TimeType> HoldsTime<ST> for C {}

/// Holds if a column is a time or null.
#[diagnostic::on_unimplemented(
    message = "the column `{Self}` is `{SqlType}`, and has to be `Nullable` of a time",
    label = "a built-in column of this table has another type",
    note = "a time is `Timestamp`; or `Timestamptz` on PostgreSQL, `Datetime` on MySQL, `Text` or \
            `TimestamptzSqlite` on SQLite"
)]
pub trait HoldsOptionalTime<SqlType> {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<C, ST: TimeType> HoldsOptionalTime<Nullable<ST>> for C {}

/// Holds if the primary key of a record can be written to its column.
#[diagnostic::on_unimplemented(
    message = "the primary key `{Self}` does not fit its column of SQL type `{SqlType}`",
    label = "it has to fit the column `id`",
    note = "`KeyRecord` alone has an `i64`, which fits `BigInt`; `KeyRecord<Id>` has another type"
)]
pub trait FitsPrimaryKey<SqlType>: Sized {
    /// Asks.
    const FITS: () = ();

    /// Asks for the type of a value.
    fn check(self) {}
}

#[diagnostic::do_not_recommend]
impl<T, ST> FitsPrimaryKey<ST> for T
where
    T: AsExpression<ST>,
    ST: SqlType + TypedExpressionType,
{
}

/// Holds if a value can be written to a column.
#[diagnostic::on_unimplemented(
    message = "the field type `{Self}` does not fit its column of SQL type `{SqlType}`",
    label = "change this type, or the column's in `table!`",
    note = "which types fit is listed in the documentation of `diesel::sql_types`; an `Option` fits \
            only `Nullable`"
)]
pub trait FitsColumn<SqlType> {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<T, ST> FitsColumn<ST> for T
where
    T: AsExpression<ST>,
    ST: SqlType + TypedExpressionType,
{
}

/// Holds if the types on both sides are known to one database: the last parameter says so. Without the
/// database's name in it, the error for each of them is the same, and shown once.
#[diagnostic::on_unimplemented(
    message = "the field type `{Self}` cannot be read from its column of SQL type `{SqlType}`",
    label = "change this type, or the column's in `table!`",
    note = "a column that is `Nullable` needs an `Option`",
    note = "a type that only some databases have needs #[apikey(backends(..))]"
)]
pub trait LoadsColumn<SqlType, const LOADS: bool> {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<T, ST> LoadsColumn<ST, true> for T {}

/// Holds if a column holds times on one database: the last parameter says so.
#[diagnostic::on_unimplemented(
    message = "the column `{Self}` is `{SqlType}`, which holds times on some databases only",
    label = "a built-in column of this table does not fit every database of the model",
    note = "write `Timestamp`, or name the databases of this model: #[apikey(backends(..))]"
)]
pub trait HoldsTimeHere<SqlType, const LOADS: bool> {
    /// Asks.
    const FITS: () = ();
}

#[diagnostic::do_not_recommend]
impl<C, ST> HoldsTimeHere<ST, true> for C {}

/// Whether a type of Rust and one of SQL are the two sides of a column on a database: the constant of
/// the type hides the one of the trait, where it exists.
#[derive(Debug)]
pub struct Sides<T, ST, DB>(PhantomData<(T, ST, DB)>);

impl<T, ST, DB> Sides<T, ST, DB>
where
    T: FromSqlRow<ST, DB> + AsExpression<ST>,
    T::Expression: QueryFragment<DB>,
    ST: SqlType + TypedExpressionType,
    DB: Backend,
{
    /// They are.
    pub const LOADS: bool = true;
}

/// Answers where [`Sides`] does not.
pub trait NoSides {
    /// They are not.
    const LOADS: bool = false;
}

impl<T, ST, DB> NoSides for Sides<T, ST, DB> {}
