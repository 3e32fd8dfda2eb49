//! The built-in model on PostgreSQL, and the macro that maps any model to it.

/// Maps a model to PostgreSQL.
#[doc(hidden)]
#[macro_export]
macro_rules! __on_postgres {
    ($($model:tt)*) => {
        $crate::__key_queries! { nonblocking postgres [async]; $($model)* }
    };
}

crate::model::builtin::builtin_model!(__on_postgres, crate::postgres::schema::api_keys);
