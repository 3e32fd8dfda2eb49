//! `ApiKeyRejection`: a refusal as a response.

use apikey_core::AuthError;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, StatusCode};
use thiserror::Error;

/// Why a request was refused: the failure of the extractors, and what guards answer with.
///
/// As a response it has the status, headers and body of its [`AuthError`]. It also rides in the
/// response's extensions, so that one middleware can put another body in its place, whether an
/// extractor or a guard refused.
///
/// # Examples
/// The application's own body, with the status and the headers kept:
/// ```
/// use apikey_axum::{ApiKey, ApiKeyRejection, ApiKeys, scope, guarded};
/// use axum::{Router, body::Body, middleware::map_response, response::Response, routing::get};
/// use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
/// use http::{HeaderValue, Request};
/// # use tower::ServiceExt;
///
/// async fn own_body(response: Response) -> Response {
///     let Some(rejection) = response.extensions().get::<ApiKeyRejection>() else {
///         return response;
///     };
///     let body = format!("refused: {}", rejection.error().status());
///     let (mut parts, _) = response.into_parts();
///     parts.headers.remove(CONTENT_LENGTH); // of the body before, in an answer to `HEAD`
///     parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
///     Response::from_parts(parts, Body::from(body))
/// }
///
/// let keys = ApiKeys::in_memory();
/// let app: Router = Router::new()
///     .route("/whoami", get(|key: ApiKey| async move { key.name.clone() }))
///     .nest("/reports", guarded(Router::new(), &keys, scope("reports:read")))
///     .layer(map_response(own_body))
///     .with_state(keys);
/// # futures::executor::block_on(async {
/// for path in ["/whoami", "/reports/nowhere"] {
///     let response = app.clone().oneshot(Request::get(path).body(Body::empty())?).await?;
///     assert_eq!(response.headers()["www-authenticate"], r#"Api-Key realm="api""#);
///     assert_eq!(axum::body::to_bytes(response.into_body(), 100).await?, "refused: 401");
///     # let head = app.clone().oneshot(Request::head(path).body(Body::empty())?).await?;
///     # assert_eq!(head.headers()["content-length"], "12");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Error)]
#[error(transparent)]
pub struct ApiKeyRejection(#[from] AuthError);

impl ApiKeyRejection {
    /// Returns the refusal: status, headers and body for the client, the reason for logs.
    #[must_use]
    pub fn error(&self) -> &AuthError {
        &self.0
    }

    /// Makes the response to a request of this method, in which the refusal rides.
    pub(crate) fn response_by<B>(
        self,
        respond: &impl Respond<B>,
        method: &Method,
    ) -> http::Response<B> {
        let mut response = respond.respond(&self, method);
        response.extensions_mut().insert(self);
        response
    }
}

/// Makes a response of a refusal: [`ProblemResponse`], or a function.
pub trait Respond<B> {
    /// Makes the whole response to a request of this method: status, headers, body.
    fn respond(&self, rejection: &ApiKeyRejection, method: &Method) -> http::Response<B>;
}

/// The answer of the core: an RFC 9457 problem, with a body of any type that holds text. `HEAD` gets the
/// length of the body instead of the body.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ProblemResponse;

impl<B: From<String>> Respond<B> for ProblemResponse {
    fn respond(
        &self,
        ApiKeyRejection(error): &ApiKeyRejection,
        method: &Method,
    ) -> http::Response<B> {
        let (body, length) = body_for(method, error);
        let mut response = http::Response::new(B::from(body));
        response.headers_mut().extend(length.map(|length| (CONTENT_LENGTH, length)));
        *response.status_mut() =
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in error.headers() {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Axum's router and HTTP/1 servers drop the body of an answer to `HEAD`; over HTTP/2 nobody does.
fn body_for(method: &Method, error: &AuthError) -> (String, Option<HeaderValue>) {
    let body = error.body();
    match *method {
        Method::HEAD => (String::new(), Some(body.len().into())),
        _ => (body, None),
    }
}

impl<F, B> Respond<B> for F
where
    F: Fn(&ApiKeyRejection) -> http::Response<B>,
{
    fn respond(&self, rejection: &ApiKeyRejection, _: &Method) -> http::Response<B> {
        self(rejection)
    }
}

impl IntoResponse for ApiKeyRejection {
    fn into_response(self) -> Response {
        // Of a handler's answer to `HEAD`, Axum's router drops the body when it has counted it.
        self.response_by(&ProblemResponse, &Method::GET)
    }
}
