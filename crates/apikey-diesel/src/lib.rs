//! Keeps the keys of [`apikey_core`] in a SQL table, through Diesel: the built-in model, or a model of your
//! own with [`#[derive(KeyModel)]`](KeyModel), on SQLite, PostgreSQL and MySQL/MariaDB. No C library has to be
//! installed: SQLite is built from source, and the others are spoken to in Rust.
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
//!
//! # Opening a database
//! | URL | Opens |
//! |---|---|
//! | `sqlite://app.db` | the file `app.db` in the working directory, created if need be |
//! | `sqlite:///var/lib/app.db` | the file `/var/lib/app.db`, created if need be |
//! | `sqlite://app.db?mode=rw` | the file, which has to exist |
//! | `sqlite://app.db?mode=ro` | the file, for reading only: nothing is migrated or written |
//! | `sqlite://app.db?mode=ro&immutable=1` | the file, of which you promise that nobody writes to it |
//! | `sqlite::memory:` | a new database in memory, on one connection, for as long as the store lives |
//!
//! What stands between `sqlite://` and `?mode=` is the name of the file, character by character; nothing
//! in it is decoded, and what the table has at the end are the only parameters: a name that looks like another
//! one, or has white space or characters that are not seen around it, is refused unless there is such a file. A
//! [`ConnectError`] names the file and says what to do. New files are for their owner alone (mode 0600).
//!
//! A file in WAL mode has two companions, `app.db-wal` and `app.db-shm`. Reading it with `?mode=ro` needs
//! them, or the right to create them. `?mode=ro&immutable=1` does without, and is for a file that nobody
//! writes to as long as it is open: a change would not be seen, be it a revocation. The log is warned of that
//! once, and a file with an `app.db-wal` or an `app.db-journal` is refused.
//!
//! # Connections
//! A file has up to four connections, with the settings of [`ConnectionOptions`]; a database in memory has
//! one. A pool of your own works as well: [`DieselStore::new`].
//!
//! Each operation runs as a whole on one of Tokio's threads for blocking work, on any of its runtimes. As
//! many run at once as there are connections, but one alone of those that write: whoever waits for another
//! process to end its change holds up nobody who reads. The others wait in line without holding a thread; who waits
//! longer than the pool's `connection_timeout` (5 seconds for pools of this crate) gets
//! [`Unavailable`](apikey_core::StoreError::Unavailable), and so does who finds the database locked by
//! another process for longer than the busy timeout (5 seconds).
//!
//! # Dropped futures
//! An operation whose future is dropped (by a timeout, or since the client is gone) either has not begun
//! and never will, or runs to its end out of sight. It never stops half-way. So a dropped `create` may
//! have created a key, whose text nobody has seen.
//!
//! # Rules of your own
//! What a constraint or a trigger of yours refuses is [`Rejected`](apikey_core::StoreError::Rejected), with the
//! words of the database as its source, and is never tried again: a `CHECK`, a foreign key, a unique index; and
//! `RAISE(ABORT, '…')` on SQLite, `RAISE EXCEPTION '…'` on PostgreSQL, `SIGNAL SQLSTATE '45000'` on MySQL and
//! MariaDB.
//!
//! Diesel does not tell the codes of errors. MySQL and MariaDB are asked for them; on the others a trigger is
//! recognized by what it says, which has to stand in it (on PostgreSQL in its function, with `%` for what is
//! filled in). A text that is put together otherwise is taken for a failure of the database, unless the trigger
//! gives it the code of a constraint: `USING ERRCODE = 'check_violation'`. Where PostgreSQL's `lc_messages` is
//! another language than English, a change that was undone for a deadlock is tried again once, and a text too long
//! for its column counts as a failure of the database.
//!
//! What insert, update and rotate write is read back before it is committed: a row that did not keep it, since a
//! column is too short on a MySQL that is not strict, or since a trigger changes it, is `Rejected` as well.
//!
//! # Lost connections
//! A failure that a server does not explain, or that a dead connection, a statement that is too old or a server that
//! became read-only explains, closes the connection, and the operation is repeated once on a fresh one, if nothing
//! can have been done: reads, and changes whose commit was not sent. So a restart, a failover or an `ALTER TABLE`
//! under a running service is a blip.
//!
//! # Migrations
//! [`DieselStore::sqlite`] creates and migrates the table `api_keys`. For a program that wants to do or
//! report it at another time, there are [`connect_sqlite`](DieselStore::connect_sqlite),
//! [`migrate`](DieselStore::migrate) and [`pending_migrations`](DieselStore::pending_migrations). Several
//! processes may migrate one database at once. What is applied is noted in Diesel's own table,
//! `__diesel_schema_migrations`, beside the migrations of your own.
//!
//! # Features
//! | Feature | Makes available |
//! |---|---|
//! | `sqlite` (default) | [`DieselStore`] on SQLite, which is built from source |
//! | `postgres`, `mysql` | [`DieselStore`] on PostgreSQL, MySQL and MariaDB, without a C client library |
//! | `bb8` | bb8 pools beside deadpool for these two |
//! | `django` | `DjangoApiKey`, and `layout = django` in the derive: the table of a Django site, shared |

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod address;
mod any;
#[cfg(feature = "django")]
pub mod django;
#[cfg(not(feature = "django"))]
#[path = "without/django.rs"]
mod django;
mod error;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod failure;
pub mod import;
mod model;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(not(feature = "mysql"))]
#[path = "without/mysql.rs"]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(not(feature = "postgres"))]
#[path = "without/postgres.rs"]
mod postgres;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(not(feature = "sqlite"))]
#[path = "without/sqlite.rs"]
mod sqlite;
mod store;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod time;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod written;

pub use apikey_core;
pub use apikey_diesel_derive::KeyModel;
pub use diesel;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub use diesel_async;

pub use crate::address::{Place, url_doubt};
pub use crate::any::AnyPool;
#[cfg(feature = "django")]
pub use crate::django::DjangoApiKey;
pub use crate::error::ConnectError;
pub use crate::model::{BlockingModel, TableNames};
#[cfg(feature = "mysql")]
pub use crate::mysql::MysqlPool;
#[cfg(feature = "postgres")]
pub use crate::postgres::PostgresPool;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub use crate::server::model::AsyncModel;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub use crate::server::pool::ServerPool;
#[cfg(feature = "sqlite")]
pub use crate::sqlite::SqlitePool;
#[cfg(feature = "sqlite")]
pub use crate::sqlite::options::ConnectionOptions;
pub use crate::store::{DieselStore, Pool};
