//! For the application's own tests: requests with a key.

use apikey_core::{ApiKeys, Carried, KeyModel, PlaintextKey};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Request, Uri, header::AUTHORIZATION};

/// Puts a key into a request, in place of any other `Authorization`: `Api-Key` and the key, where a handle
/// with the default location looks. For other locations there is [`authorized_by`].
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

/// Puts a key into a request where this handle looks: by the first header among its locations, else by the
/// query.
///
/// # Panics
/// If the handle's locations are functions alone: put the key into the request yourself.
///
/// # Examples
/// ```
/// use apikey_axum::{ApiKey, ApiKeys, KeyLocation, KeyRecord, test::authorized_by};
/// use apikey_core::MemoryStore;
/// use axum::{Router, body::Body, routing::get};
/// use http::Request;
/// use tower::ServiceExt;
///
/// # futures::executor::block_on(async {
/// let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
///     .locations([KeyLocation::header("X-Api-Key")])
///     .build()?;
/// let created = keys.create("reporting-service").await?;
/// let app: Router = Router::new()
///     .route("/whoami", get(|key: ApiKey| async move { key.name.clone() }))
///     .with_state(keys.clone());
///
/// let request = Request::get("/whoami").body(Body::empty())?;
/// let request = authorized_by(&keys, request, &created.plaintext);
/// assert_eq!(app.oneshot(request).await?.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use]
#[expect(clippy::expect_used, clippy::panic, reason = "documented; a test has no better answer")]
pub fn authorized_by<M: KeyModel, B>(
    keys: &ApiKeys<M>,
    mut request: Request<B>,
    key: &PlaintextKey,
) -> Request<B> {
    match keys.carry(key) {
        Some(Carried::Header { name, value }) => {
            let name = HeaderName::try_from(name).expect("the handle was built with this name");
            let mut value = HeaderValue::try_from(value).expect("the key can stand in a header");
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        Some(Carried::Query { pair }) => {
            let uri = request.uri_mut();
            *uri = with_pair(uri, &pair).expect("a parameter can stand in a query");
        }
        _ => panic!("the handle cannot tell how it finds a key: put it into the request yourself"),
    }
    request
}

/// Adds a parameter to the query of a URL.
fn with_pair(uri: &Uri, pair: &str) -> Result<Uri, http::Error> {
    let query = uri.query().filter(|query| !query.is_empty());
    let query = query.map_or_else(|| pair.to_owned(), |query| format!("{query}&{pair}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{}?{query}", uri.path()))?);
    Ok(Uri::from_parts(parts)?)
}
