//! What is left of Django's layout while the feature is off: a text for who asks for it.

/// Says that the feature `django` of `apikey-diesel` is off.
#[doc(hidden)]
#[macro_export]
macro_rules! __django_queries {
    ($($model:tt)*) => {
        ::core::compile_error!("`layout = django` needs the feature `django` of apikey-diesel");
    };
}
