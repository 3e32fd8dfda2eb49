//! The built-in model on SQLite, and the macro that maps any model to it.

/// Maps a model to SQLite.
#[doc(hidden)]
#[macro_export]
macro_rules! __on_sqlite {
    // In a layout of its own, whose queries are another macro's.
    ({ $($checks:tt)* } @$queries:ident $($model:tt)*) => {
        $crate::$queries! { { $($checks)* } blocking sqlite []; $($model)* }
    };
    ({ $($checks:tt)* } $($model:tt)*) => {
        const _: () = {
            $($checks)*
            $crate::__key_queries! { blocking sqlite []; $($model)* }
        };
    };
}

/// Expands to nothing, since the feature `sqlite` is on: see `without/sqlite.rs`.
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_sqlite {
    () => {};
}

crate::model::builtin::builtin_model!(__on_sqlite, crate::sqlite::schema::api_keys);
