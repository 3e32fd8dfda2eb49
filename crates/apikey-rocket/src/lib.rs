//! API keys for Rocket: request guards, a guard for whole mounts, typed scopes.
//!
//! The keys, and every decision about them, are [`apikey_core`]'s, re-exported here; this crate lends it
//! the request and translates its answer.
//!
//! ```
//! use apikey_rocket::{ApiKey, ApiKeys, OptionalApiKey, fairing, require, scope};
//! use rocket::{get, routes};
//!
//! #[get("/whoami")] // 401 without a good key
//! fn whoami(key: ApiKey) -> String {
//!     key.name.clone()
//! }
//!
//! #[get("/maybe")] // absent is None; present but bad is refused
//! fn maybe(key: OptionalApiKey) -> String {
//!     key.is_some().to_string()
//! }
//!
//! #[get("/")]
//! fn reports() -> &'static str {
//!     "reports"
//! }
//!
//! # rocket::execute(async {
//! let keys = ApiKeys::in_memory(); // or `ApiKeys::new(DieselStore::sqlite("sqlite://app.db").await?)`
//! let created = keys.create("reporting-service").await?; // created.plaintext: shown once
//!
//! let guarded = require(&keys, scope("reports:read") | scope("admin"), routes![reports]);
//! let app = rocket::build()
//!     .mount("/", routes![whoami, maybe])
//!     .mount("/reports", guarded) // everything below, unknown paths included
//!     .attach(fairing(keys));
//! # use apikey_rocket::test;
//! # let client = rocket::local::asynchronous::Client::tracked(app).await?;
//! # assert_eq!(client.get("/whoami").dispatch().await.status().code, 401);
//! # let request = test::authorized(client.get("/whoami"), &created.plaintext);
//! # assert_eq!(request.dispatch().await.into_string().await.unwrap(), "reporting-service");
//! # assert_eq!(client.get("/reports/x").dispatch().await.status().code, 401);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # What goes where
//! | To guard | Write |
//! |---|---|
//! | a handler that wants to know the key | [`ApiKey`], with scopes as a type: [`scopes!`] |
//! | a handler that can do without a key | [`OptionalApiKey`] |
//! | a handler that takes something else instead of a key | `Result<ApiKey, ApiKeyRejection>` |
//! | everything under a path | [`require`] |
//!
//! A refusal is an [`ApiKeyRejection`]; its documentation shows how to give it a body of your own.
//!
//! # Features
//! They are the core's; none is on by default, and none changes behaviour.
//!
//! | Feature | Makes available in [`apikey_core`] |
//! |---|---|
//! | `argon2`, `bcrypt`, `pbkdf2`, `scrypt` | the hashers `Argon2id`, `Bcrypt`, `Pbkdf2`, `Scrypt` |
//! | `django` | `Django`: every encoding that Django and `djangorestframework-api-key` wrote |
//! | `password-hash` | `Phc`, the wrapper for any hasher of the `password-hash` traits |
//! | `serde` | `Serialize` for [`KeyRecord`], `KeyStatus` and `Scopes` |
//! | `utoipa` | the module `openapi`, in this crate too: keys in OpenAPI documents |
//!
//! # Security
//! Never write `Option<ApiKey>`: Rocket implements it for every guard, and it turns each refusal into
//! `None`, a revoked key and a failing store included. [`OptionalApiKey`] is what you mean.
//!
//! Rocket lends a request immutably: nothing here can mark a header as sensitive or take the key out of
//! a request. Handlers and fairings that log headers have to leave out `Authorization` themselves.
//!
//! Rocket's own log holds keys, too. At the level `debug` it prints every request with all headers:
//! never serve with it. At the level `normal` it prints each URL with its query: with
//! [`KeyLocation::query`], keep to `critical`.
//!
//! # Logs
//! Refusals and mistakes are `tracing` events. Where the application has set no subscriber, they go to
//! Rocket's log: this crate switches on `tracing/log`.

mod extract;
mod fairing;
mod headers;
mod rejection;
mod require;
pub mod test;

pub use apikey_core;
#[cfg(feature = "utoipa")]
pub use apikey_core::openapi;
pub use apikey_core::{
    And, AnyKey, ApiKeys, AuthError, CreatedKey, Denied, KeyLocation, KeyModel, KeyRecord, NewKey,
    Or, Permission, Rule, Scope, Verified, rule, scope, scopes,
};

pub use crate::extract::{ApiKey, OptionalApiKey};
pub use crate::fairing::{ApiKeysFairing, fairing};
pub use crate::rejection::ApiKeyRejection;
pub use crate::require::require;

/// Runs the examples of the book.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rocket.md")]
struct Book;
