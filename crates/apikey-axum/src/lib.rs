//! API keys for Axum: an extractor, a guard for routes and subtrees, typed scopes.
//!
//! The keys, and every decision about them, are [`apikey_core`]'s, re-exported here; this crate lends it
//! the request and translates its answer.
//!
//! ```
//! use apikey_axum::{ApiKey, ApiKeys, OptionalApiKey, guarded, scope};
//! use axum::{Router, routing::get};
//!
//! # fn reports() -> Router<ApiKeys> { Router::new().route("/", get(|| async { "reports" })) }
//! # futures::executor::block_on(async {
//! let keys = ApiKeys::in_memory(); // or `ApiKeys::new(DieselStore::sqlite("sqlite://app.db").await?)`
//! let created = keys.create("reporting-service").await?; // created.plaintext: shown once
//!
//! let app: Router = Router::new()
//!     // 401 without a good key
//!     .route("/whoami", get(|key: ApiKey| async move { key.name.clone() }))
//!     // absent is None; present but bad is refused
//!     .route("/maybe", get(|key: OptionalApiKey| async move { key.is_some().to_string() }))
//!     // a whole subtree
//!     .nest("/reports", guarded(reports(), &keys, scope("reports:read") | scope("admin")))
//!     .with_state(keys);
//! # use {apikey_axum::test, tower::ServiceExt};
//! # let request = || http::Request::get("/whoami").body(axum::body::Body::empty());
//! # assert_eq!(app.clone().oneshot(request()?).await?.status(), 401);
//! # let request = test::authorized(request()?, &created.plaintext);
//! # assert_eq!(app.oneshot(request).await?.status(), 200);
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
//! | a route, or a tower service | [`require`] |
//! | everything under a path | [`guarded`] |
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
//! Once a request has been looked at, the headers that may hold a key are marked
//! [sensitive](http::HeaderValue::set_sensitive), so that logging layers behind print no key. A logging
//! layer in front of the guard sees the request first: mark the header there.

mod extract;
mod guarded;
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
pub use crate::guarded::guarded;
pub use crate::rejection::{ApiKeyRejection, ProblemResponse, Respond};
pub use crate::require::{RequireFuture, RequireLayer, RequireService, require};
