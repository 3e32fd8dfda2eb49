//! What is left of a database whose feature is off: a mapping that does nothing, and an error.

use crate::any::AnyPool;
use crate::error::ConnectError;

/// Maps a model to nothing, since the feature `mysql` of `apikey-diesel` is off.
#[doc(hidden)]
#[macro_export]
macro_rules! __on_mysql {
    ($($model:tt)*) => {};
}

#[expect(clippy::unused_async, reason = "as with the feature")]
pub(crate) async fn connect(_: &str) -> Result<AnyPool, ConnectError> {
    Err(ConnectError::MissingFeature { feature: "mysql" })
}
