//! The built-in model on SQLite, and the macro that maps any model to it.

/// Maps a model to SQLite.
#[doc(hidden)]
#[macro_export]
macro_rules! __on_sqlite {
    ($($model:tt)*) => {
        $crate::__key_queries! { blocking sqlite []; $($model)* }
    };
}

crate::model::builtin::builtin_model!(__on_sqlite, crate::sqlite::schema::api_keys);
