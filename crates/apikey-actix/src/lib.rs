//! API keys for Actix Web: an extractor, a guard for resources, scopes and applications, typed scopes.
//!
//! The keys, and every decision about them, are [`apikey_core`]'s, re-exported here; this crate lends it
//! the request and translates its answer.
//!
//! ```
//! use actix_web::{App, web};
//! use apikey_actix::{ApiKey, ApiKeys, OptionalApiKey, require, scope};
//!
//! # use {actix_web::test::{TestRequest, call_service, init_service}, apikey_actix::test};
//! # fn reports(service: &mut web::ServiceConfig) { service.route("", web::get().to(async || "reports")); }
//! # actix_web::rt::System::new().block_on(async {
//! let keys = ApiKeys::in_memory(); // or `ApiKeys::new(DieselStore::sqlite("sqlite://app.db").await?)`
//! let created = keys.create("reporting-service").await?; // created.plaintext: shown once
//!
//! let app = App::new()
//!     // 401 without a good key
//!     .route("/whoami", web::get().to(async |key: ApiKey| key.name.clone()))
//!     // absent is None; present but bad is refused
//!     .route("/maybe", web::get().to(async |key: OptionalApiKey| key.is_some().to_string()))
//!     // a whole subtree
//!     .service(
//!         web::scope("/reports")
//!             .configure(reports)
//!             .wrap(require(&keys, scope("reports:read") | scope("admin"))),
//!     )
//!     .app_data(web::Data::new(keys));
//! # let app = init_service(app).await;
//! # let request = TestRequest::with_uri("/whoami");
//! # assert_eq!(call_service(&app, request.to_request()).await.status(), 401);
//! # let request = test::authorized(TestRequest::with_uri("/whoami"), &created.plaintext);
//! # assert_eq!(call_service(&app, request.to_request()).await.status(), 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # What goes where
//! | To guard | Write |
//! |---|---|
//! | a handler that wants to know the key | [`ApiKey`], with scopes as a type: [`scopes!`] |
//! | a handler that can do without a key | [`OptionalApiKey`], never `Option<ApiKey>` |
//! | a handler that takes something else instead of a key | `Result<ApiKey, ApiKeyRejection>` |
//! | a resource, everything under a path, the application | [`require`] |
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
//! [`require`] marks the headers that may hold a key as
//! [sensitive](actix_web::http::header::HeaderValue::set_sensitive), so that middleware behind it prints
//! no key. The extractors cannot: Actix lends them a request that nobody may change. Its own `Debug`
//! output redacts `Authorization`, and no other header: if you log requests and look for keys elsewhere,
//! put `require` in front. What runs before the guard sees the request as it came.

mod extract;
mod handle;
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
pub use crate::rejection::ApiKeyRejection;
pub use crate::require::{Require, RequireService, require};
