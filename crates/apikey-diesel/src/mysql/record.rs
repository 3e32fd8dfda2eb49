//! The built-in model on MySQL, and the macro that maps any model to it.

/// Maps a model to MySQL.
#[doc(hidden)]
#[macro_export]
macro_rules! __on_mysql {
    // In a layout of its own, whose queries are another macro's.
    ({ $($checks:tt)* } @$queries:ident $($model:tt)*) => {
        $crate::$queries! { { $($checks)* } nonblocking mysql [async]; $($model)* }
    };
    ({ $($checks:tt)* } $($model:tt)*) => {
        const _: () = {
            $($checks)*
            $crate::__key_queries! { nonblocking mysql [async]; $($model)* }
        };
    };
}

/// Expands to nothing, since the feature `mysql` is on: see `without/mysql.rs`.
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_mysql {
    () => {};
}

crate::model::builtin::builtin_model!(__on_mysql, crate::mysql::schema::api_keys);
