//! What the macros call connections that do not block.

pub use diesel_async::AsyncConnection as Connection;
pub use diesel_async::RunQueryDsl as Run;

pub use super::model::AsyncModel as Model;
