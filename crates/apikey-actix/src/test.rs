//! For the application's own tests: requests with a key.

use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::test::TestRequest;
use apikey_core::{ApiKeys, Carried, KeyModel, PlaintextKey};

/// Puts a key into a request, in place of any other `Authorization`: `Api-Key` and the key, where a handle
/// with the default location looks. For other locations there is [`authorized_by`].
///
/// # Panics
/// If the key cannot stand in a header, which no created one does.
///
/// # Examples
/// ```
/// use actix_web::test::{TestRequest, call_service, init_service};
/// use actix_web::{App, web};
/// use apikey_actix::{ApiKey, ApiKeys, test::authorized};
///
/// # actix_web::rt::System::new().block_on(async {
/// let keys = ApiKeys::in_memory();
/// let created = keys.create("reporting-service").await?;
/// let app = App::new()
///     .route("/whoami", web::get().to(async |key: ApiKey| key.name.clone()))
///     .app_data(web::Data::new(keys));
///
/// let app = init_service(app).await;
/// let request = authorized(TestRequest::with_uri("/whoami"), &created.plaintext);
/// assert_eq!(call_service(&app, request.to_request()).await.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use]
#[expect(clippy::expect_used, reason = "documented; a test has no better answer")]
pub fn authorized(request: TestRequest, key: &PlaintextKey) -> TestRequest {
    let value = format!("Api-Key {}", key.expose());
    let mut value = HeaderValue::try_from(value).expect("the key can stand in a header");
    value.set_sensitive(true);
    request.insert_header((AUTHORIZATION, value))
}

/// Puts a key into a request where this handle looks, by the first header among its locations.
///
/// # Panics
/// If no location is a header: a `TestRequest` does not tell its URL, so put the parameter of the query that
/// [`ApiKeys::carry`] returns into it yourself.
///
/// # Examples
/// ```
/// use actix_web::test::{TestRequest, call_service, init_service};
/// use actix_web::{App, web};
/// use apikey_actix::{ApiKey, ApiKeys, KeyLocation, KeyRecord, test::authorized_by};
/// use apikey_core::MemoryStore;
///
/// # actix_web::rt::System::new().block_on(async {
/// let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
///     .locations([KeyLocation::header("X-Api-Key")])
///     .build()?;
/// let created = keys.create("reporting-service").await?;
/// let request = authorized_by(&keys, TestRequest::with_uri("/whoami"), &created.plaintext);
/// let app = App::new()
///     .route("/whoami", web::get().to(async |key: ApiKey| key.name.clone()))
///     .app_data(web::Data::new(keys));
///
/// let app = init_service(app).await;
/// assert_eq!(call_service(&app, request.to_request()).await.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use]
#[expect(clippy::expect_used, clippy::panic, reason = "documented; a test has no better answer")]
pub fn authorized_by<M: KeyModel>(
    keys: &ApiKeys<M>,
    request: TestRequest,
    key: &PlaintextKey,
) -> TestRequest {
    let Some(Carried::Header { name, value }) = keys.carry(key) else {
        panic!("no location of the handle is a header: put the key into the request yourself");
    };
    let mut value = HeaderValue::try_from(value).expect("the key can stand in a header");
    value.set_sensitive(true);
    request.insert_header((name, value))
}
