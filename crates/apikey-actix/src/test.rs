//! For the application's own tests: requests with a key.

use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::test::TestRequest;
use apikey_core::PlaintextKey;

/// Puts a key into a request, in place of any other `Authorization`: `Api-Key` and the key, where a handle
/// with the default location looks. For other locations, set the header or the query yourself.
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
