//! The built-in model on MySQL, and the macro that maps any model to it.

/// Maps a model to MySQL.
#[doc(hidden)]
#[macro_export]
macro_rules! __on_mysql {
    ($($model:tt)*) => {
        $crate::__key_queries! { nonblocking mysql [async]; $($model)* }
    };
}

crate::model::builtin::builtin_model!(__on_mysql, crate::mysql::schema::api_keys);
