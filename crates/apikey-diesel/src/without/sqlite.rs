//! What is left of a database whose feature is off: a mapping that does nothing, and an error.

use apikey_core::KeyModel;

use crate::any::AnyPool;
use crate::error::ConnectError;
use crate::import::ForeignDatabase;

/// Maps a model to nothing, since the feature `sqlite` of `apikey-diesel` is off.
#[doc(hidden)]
#[macro_export]
macro_rules! __on_sqlite {
    ($($model:tt)*) => {};
}

/// Says so to who names the database in `backends(..)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_sqlite {
    () => {
        ::core::compile_error!("`backends(sqlite)` needs the feature `sqlite` of apikey-diesel");
    };
}

/// Opening says that the feature is off.
#[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
pub(crate) fn doubt(_: &str) -> Result<Option<&'static str>, ConnectError> {
    Ok(None)
}

#[expect(clippy::unused_async, reason = "as with the feature")]
pub(crate) async fn connect<M: KeyModel>(_: &str) -> Result<AnyPool<M>, ConnectError> {
    Err(ConnectError::MissingFeature { feature: "sqlite" })
}

#[allow(dead_code, reason = "as with the feature")]
pub(crate) async fn visit<M: KeyModel>(url: &str) -> Result<AnyPool<M>, ConnectError> {
    connect(url).await
}

#[expect(clippy::unused_async, reason = "as with the feature")]
pub(crate) async fn open_foreign(_: &str) -> Result<Box<dyn ForeignDatabase>, ConnectError> {
    Err(ConnectError::MissingFeature { feature: "sqlite" })
}
