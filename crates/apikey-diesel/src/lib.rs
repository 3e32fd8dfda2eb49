//! Keeps the keys of [`apikey_core`] in a SQL table, through Diesel.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use apikey_core::{ApiKeys, NewKey};
//! use apikey_diesel::DieselStore;
//!
//! let keys = ApiKeys::new(DieselStore::sqlite("sqlite::memory:").await?);
//! let created = keys.create(NewKey::new("reporting-service").scopes(["reports:read"])).await?;
//!
//! let key = keys.verify(created.plaintext.expose()).await?;
//! assert_eq!(key.name, "reporting-service");
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "sqlite")]
mod error;
#[cfg(feature = "sqlite")]
mod gate;
mod model;
#[cfg(feature = "sqlite")]
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod store;
#[cfg(feature = "sqlite")]
mod time;

pub use apikey_core;
pub use diesel;

#[cfg(feature = "sqlite")]
pub use crate::error::ConnectError;
pub use crate::model::{BlockingModel, TableNames};
#[cfg(feature = "sqlite")]
pub use crate::sqlite::SqlitePool;
#[cfg(feature = "sqlite")]
pub use crate::sqlite::options::ConnectionOptions;
#[cfg(feature = "sqlite")]
pub use crate::store::DieselStore;
