//! The table of Django's `djangorestframework-api-key`, shared with the Django site that owns it.
//!
//! A service in Rust and the site guard with the same keys: a key made on either side opens both, one that
//! is revoked on either side is refused by both, and a hash of another hasher of Django's is replaced by
//! SHA-512 on its first use, by whichever side sees it first. It takes version 3 of the package, which
//! writes and reads SHA-512.
//!
//! [`DjangoApiKey`] is the model of the package's own table. A model that a Django application derives
//! from `AbstractAPIKey` has its own columns beside the same ones:
//!
//! ```
//! use apikey_diesel::apikey_core::KeyRecord;
//! use apikey_diesel::{KeyModel, diesel};
//!
//! diesel::table! {
//!     projects_projectapikey (id) {
//!         id -> Text,
//!         prefix -> Text,
//!         hashed_key -> Text,
//!         name -> Text,
//!         created -> Timestamptz,
//!         revoked -> Bool,
//!         expiry_date -> Nullable<Timestamptz>,
//!         project_id -> BigInt,
//!     }
//! }
//!
//! #[derive(Debug, Clone, KeyModel)]
//! #[apikey(table = projects_projectapikey, layout = django, owner = project_id, backends(postgres))]
//! pub struct ProjectApiKey {
//!     pub record: KeyRecord<String>,
//!     pub project_id: i64,
//! }
//! ```
//!
//! Times are `Timestamp` on SQLite, `Timestamptz` on PostgreSQL and `Datetime` on MySQL and MariaDB, as
//! `diesel print-schema` says.
//!
//! # The handle
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use apikey_core::{ApiKeys, Django, Hashers};
//! use apikey_diesel::DieselStore;
//!
//! let store = DieselStore::django("postgres://site:secret@localhost/site").await?;
//! let keys = ApiKeys::builder(store).hashers(Hashers::new(Django::default())).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! `Hashers::new(Django::default())` verifies what Django wrote, and writes what Django reads. A preferred
//! hasher that writes anything else is refused by `build()`, and so is a format with a brand or another
//! length of prefix: Django would not know these keys.
//!
//! # What maps to what
//! | [`KeyRecord`] | Django | |
//! |---|---|---|
//! | `id`, `prefix` | `prefix` | Django's own `id` is made of prefix and hash, so it is written and never shown |
//! | `hashed_key` | `hashed_key` | at most 150 characters |
//! | `name` | `name` | at most 50 characters: a longer one is [`Rejected`](apikey_core::StoreError::Rejected) |
//! | `created_at` | `created` | |
//! | `expires_at` | `expiry_date` | |
//! | `revoked_at` | `revoked` | yes or no: a revoked key reads as revoked when it was created |
//! | `scopes`, `disabled_at`, `last_used_at`, `rotated_from` | none | what needs one of the first three is [`Unsupported`](apikey_core::StoreError::Unsupported); a rotation works |
//!
//! A hash that Django does not read is [`Rejected`](apikey_core::StoreError::Rejected), whoever writes it.
//!
//! Since nobody knows when a key was revoked, [`purge`](apikey_core::ApiKeys::purge) deletes keys that
//! expired, and a revoked key not before.
//!
//! # Whose table it is
//! Django's: its migrations make it and change it, and nothing here ever does. Where it is missing, or is
//! that of an old version of the package, [`check`](apikey_core::ApiKeys::check) names the migration to
//! run. Times are written as Django writes them with `USE_TZ = True`, the default.
//!
//! SQLite keeps whatever is written as a time. A key whose `created` or `expiry_date` is in another form than
//! Django's reads as expired in 1970, so it is refused, and `check` names it; without anything like a time in
//! `created` it is on no page of a list.
//!
//! # Security
//! Each change names the columns that it changes, so a key that the site revokes at the same moment stays
//! revoked. The site's own upgrade of a hash saves the whole row: see `docs/moving-from-django.md`.

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub(crate) mod model;
mod queries;
mod rows;
pub(crate) mod rules;

use std::convert::Infallible;
use std::ops::Deref;

use apikey_core::{KeyModel, KeyRecord};

use crate::address::trimmed;
use crate::any::AnyPool;
use crate::error::{ConnectError, scheme};
use crate::store::DieselStore;
use crate::{mysql, postgres, sqlite};

/// A key in the table `rest_framework_api_key_apikey`; see the [module](self).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DjangoApiKey {
    /// What there is of the built-in columns.
    pub record: KeyRecord<String>,
}

impl Deref for DjangoApiKey {
    type Target = KeyRecord<String>;

    fn deref(&self) -> &KeyRecord<String> {
        &self.record
    }
}

#[diagnostic::do_not_recommend]
impl KeyModel for DjangoApiKey {
    type Id = String;
    type Extra = ();
    type Owner = Infallible;

    fn record(&self) -> &KeyRecord<String> {
        &self.record
    }

    fn from_parts(record: KeyRecord<String>, (): ()) -> Self {
        Self { record }
    }

    fn extra(&self) {}

    fn owner(&self) -> Option<&Infallible> {
        None
    }

    fn owner_of((): &()) -> Option<&Infallible> {
        None
    }
}

impl DieselStore<DjangoApiKey> {
    /// Opens the database of a Django site, with the table of `djangorestframework-api-key`. Nothing is
    /// created or migrated, and a file keeps its journal mode.
    ///
    /// The URLs are those of [`connect`](DieselStore::connect). For a pool of your own, or a model of your
    /// own, use [`new`](Self::new).
    ///
    /// # Errors
    /// [`ConnectError`], which names the place and what to do, and never a password. Whether the table is
    /// there is what [`check`](apikey_core::ApiKeys::check) tells.
    pub async fn django(url: &str) -> Result<Self, ConnectError> {
        let pool: AnyPool<DjangoApiKey> = match scheme(trimmed(url)) {
            "sqlite" => sqlite::visit(url).await?,
            "postgres" | "postgresql" => postgres::connect(url).await?,
            "mysql" | "mariadb" => mysql::connect(url).await?,
            scheme => return Err(ConnectError::UnknownScheme { scheme: scheme.to_owned() }),
        };
        Ok(Self::new(pool))
    }
}
