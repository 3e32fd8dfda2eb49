//! API keys for Rust web services: create, verify, scope and revoke keys for machine clients.
//!
//! This crate knows no framework and no database. Applications use it through an adapter (`apikey-axum`,
//! `apikey-actix` or `apikey-rocket`) and a store (`apikey-diesel`); each re-exports it.
//!
//! ```
//! use apikey_core::{ApiKeys, NewKey, scope};
//!
//! # futures::executor::block_on(async {
//! let keys = ApiKeys::in_memory();
//! let created = keys.create(NewKey::new("reporting-service").scopes(["reports:read"])).await?;
//! println!("shown once: {}", created.plaintext.expose());
//!
//! let key = keys.verify(created.plaintext.expose()).await?;
//! keys.authorize(&key, &scope("reports:read"))?;
//! assert_eq!(key.name, "reporting-service");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # A tour
//! - [`ApiKeys`] is what an application holds. [`ApiKeys::builder`] has every setting: [`KeyFormat`],
//!   [`Hashers`], [`KeyLocation`]s, [`Clock`].
//! - [`ApiKeys::create`] answers with the record and, once, with the [`PlaintextKey`].
//! - [`ApiKeys::authenticate`] turns the head of a request into a [`Verified`] key or an [`AuthError`],
//!   which knows its status, headers and body.
//! - [`Permission`]s judge a verified key: [`scope`], [`rule`], `&`, `|`, and types made by [`scopes!`].
//! - [`KeyModel`] is the key as the application knows it, [`KeyStore`] where it is kept.
//! - [`KeyHasher`] hashes: [`Sha256`] unless told otherwise, [`HmacSha256`] with a pepper, or any
//!   password hash.
//!
//! # Features
//! | Feature | Makes available |
//! |---|---|
//! | `argon2` | `Argon2id` |
//! | `pbkdf2` | `Pbkdf2` |
//! | `scrypt` | `Scrypt` |
//! | `bcrypt` | `Bcrypt` |
//! | `django` | `Django`: every encoding that Django and `djangorestframework-api-key` wrote |
//! | `password-hash` | `Phc`, the wrapper for any hasher of the `password-hash` traits |
//! | `serde` | `Serialize` for [`KeyRecord`], [`KeyStatus`] and [`Scopes`] |
//! | `utoipa` | the module `openapi`: keys in OpenAPI documents |
//!
//! None is on by default, and none changes behaviour.

mod authenticate;
mod bus;
mod cache;
mod clock;
mod credentials;
mod error;
mod event;
mod handle;
mod hash;
mod key;
mod maintain;
mod manage;
mod model;
#[cfg(feature = "utoipa")]
pub mod openapi;
mod permission;
mod policy;
mod scope;
#[cfg(feature = "serde")]
mod serialize;
mod store;
mod sync;
mod usage;

pub use async_trait::async_trait;
pub use chrono;

pub use crate::authenticate::{Authenticate, Outcomes, Verified};
pub use crate::bus::local::LocalBus;
pub use crate::bus::{Invalidation, InvalidationBus, InvalidationFeed};
pub use crate::cache::Cache;
pub use crate::clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use crate::credentials::{Carried, KeyLocation, RequestHead};
pub use crate::error::{AuthError, DenyReason};
pub use crate::handle::ApiKeys;
pub use crate::handle::builder::{ApiKeysBuilder, BuildError};
#[cfg(feature = "argon2")]
pub use crate::hash::argon2::Argon2id;
#[cfg(feature = "bcrypt")]
pub use crate::hash::bcrypt::Bcrypt;
#[cfg(feature = "django")]
pub use crate::hash::django::Django;
pub use crate::hash::gate::HashingThreads;
pub use crate::hash::hmac::{HmacSha256, Pepper, PepperError};
#[cfg(feature = "pbkdf2")]
pub use crate::hash::pbkdf2::Pbkdf2;
#[cfg(feature = "password-hash")]
pub use crate::hash::phc::{ParameterCaps, Phc};
#[cfg(feature = "scrypt")]
pub use crate::hash::scrypt::Scrypt;
pub use crate::hash::set::Hashers;
pub use crate::hash::sha2::{Sha256, Sha512};
pub use crate::hash::{HashError, HashedKey, KeyHasher};
pub use crate::key::format::{FormatError, KeyFormat, ParseKeyError};
pub use crate::key::generate::{GenerateError, KeyGenerator, OsGenerator};
pub use crate::key::{MAX_KEY_LENGTH, PlaintextKey, PresentedKey};
pub use crate::manage::hashers::{EncodingUse, HasherReport, Standing};
pub use crate::manage::owned::OwnedKeys;
pub use crate::manage::update::KeyUpdate;
pub use crate::manage::{Creating, DEFAULT_GRACE, MAX_NAME_LENGTH, ManageError};
pub use crate::model::{CreatedKey, IntoNewKey, KeyModel, KeyRecord, KeyStatus, NewKey};
pub use crate::permission::{
    And, AnyKey, Denied, Not, Or, Permission, Predicate, Rule, rule, scope,
};
pub use crate::scope::{MAX_SCOPE_LENGTH, MAX_SCOPES, Scope, ScopeError, Scopes};
pub use crate::store::change::{KeyPatch, NewRecord, Rotation};
pub use crate::store::memory::MemoryStore;
pub use crate::store::query::{Cursor, KeyQuery, MAX_PAGE, Page, UnreadableRow};
pub use crate::store::{BoxError, Finding, Found, KeyStore, StoreError};
