//! For the application's own tests: requests with a key.

use apikey_core::PlaintextKey;
use http::{HeaderValue, Request, header::AUTHORIZATION};

/// Puts a key into a request, in place of any other `Authorization`: `Api-Key` and the key, where a handle
/// with the default location looks. For other locations, set the header or the query yourself.
///
/// # Panics
/// If the key cannot stand in a header, which no created one does.
///
/// # Examples
/// ```
/// use apikey_axum::{ApiKey, ApiKeys, test::authorized};
/// use axum::{Router, body::Body, routing::get};
/// use http::Request;
/// use tower::ServiceExt;
///
/// # futures::executor::block_on(async {
/// let keys = ApiKeys::in_memory();
/// let created = keys.create("reporting-service").await?;
/// let app: Router = Router::new()
///     .route("/whoami", get(|key: ApiKey| async move { key.name.clone() }))
///     .with_state(keys);
///
/// let request = authorized(Request::get("/whoami").body(Body::empty())?, &created.plaintext);
/// assert_eq!(app.oneshot(request).await?.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use]
#[expect(clippy::expect_used, reason = "documented; a test has no better answer")]
pub fn authorized<B>(mut request: Request<B>, key: &PlaintextKey) -> Request<B> {
    let value = format!("Api-Key {}", key.expose());
    let mut value = HeaderValue::try_from(value).expect("the key can stand in a header");
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    request
}
