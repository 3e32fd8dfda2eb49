//! What the macro of the queries writes differently for each flavour, database and model.

/// Waits for an operation, where there is something to wait for.
#[doc(hidden)]
#[macro_export]
macro_rules! __wait {
    (blocking $operation:expr) => {
        $operation
    };
    (nonblocking $operation:expr) => {
        $operation.await
    };
}

/// Locks the rows that are selected, where the whole database is not locked anyway.
#[doc(hidden)]
#[macro_export]
macro_rules! __lock_rows {
    (sqlite $rows:expr) => {
        $rows
    };
    ($backend:ident $rows:expr) => {
        $rows.for_update()
    };
}

/// The model's filter as a column of the answer; where it is neither true nor false, it is false.
#[doc(hidden)]
#[macro_export]
macro_rules! __is_usable {
    () => {
        true.into_sql::<$crate::diesel::sql_types::Bool>()
    };
    ($usable:expr) => {
        $crate::diesel::dsl::case_when($usable, true.into_sql::<$crate::diesel::sql_types::Bool>())
            .otherwise(false.into_sql::<$crate::diesel::sql_types::Bool>())
    };
}

/// Repeats something for an optional column without naming it.
#[doc(hidden)]
#[macro_export]
macro_rules! __instead_of {
    ($column:ident $($what:tt)*) => {
        $($what)*
    };
}
