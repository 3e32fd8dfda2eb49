//! The built-in model on PostgreSQL, and the macro that maps any model to it.

/// Maps a model to PostgreSQL.
#[doc(hidden)]
#[macro_export]
macro_rules! __on_postgres {
    // In a layout of its own, whose queries are another macro's.
    ({ $($checks:tt)* } @$queries:ident $($model:tt)*) => {
        $crate::$queries! { { $($checks)* } nonblocking postgres [async]; $($model)* }
    };
    ({ $($checks:tt)* } $($model:tt)*) => {
        const _: () = {
            $($checks)*
            $crate::__key_queries! { nonblocking postgres [async]; $($model)* }
        };
    };
}

/// Expands to nothing, since the feature `postgres` is on: see `without/postgres.rs`.
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_postgres {
    () => {};
}

crate::model::builtin::builtin_model!(__on_postgres, crate::postgres::schema::api_keys);
