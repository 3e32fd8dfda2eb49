//! `ApiKeyRejection`: a refusal as a response.

use apikey_core::AuthError;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
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
/// use http::{HeaderValue, Request, header::CONTENT_TYPE};
/// # use tower::ServiceExt;
///
/// async fn own_body(response: Response) -> Response {
///     let Some(rejection) = response.extensions().get::<ApiKeyRejection>() else {
///         return response;
///     };
///     let body = format!("refused: {}", rejection.error().status());
///     let (mut parts, _) = response.into_parts();
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

    /// Makes the response, in which the refusal rides.
    pub(crate) fn response_by<B>(self, respond: &impl Respond<B>) -> http::Response<B> {
        let mut response = respond.respond(&self);
        response.extensions_mut().insert(self);
        response
    }
}

/// Makes a response of a refusal: [`ProblemResponse`], or a function.
pub trait Respond<B> {
    /// Makes the whole response: status, headers, body.
    fn respond(&self, rejection: &ApiKeyRejection) -> http::Response<B>;
}

/// The answer of the core: an RFC 9457 problem, with a body of any type that holds text.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ProblemResponse;

impl<B: From<String>> Respond<B> for ProblemResponse {
    fn respond(&self, ApiKeyRejection(error): &ApiKeyRejection) -> http::Response<B> {
        let mut response = http::Response::new(B::from(error.body()));
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

impl<F, B> Respond<B> for F
where
    F: Fn(&ApiKeyRejection) -> http::Response<B>,
{
    fn respond(&self, rejection: &ApiKeyRejection) -> http::Response<B> {
        self(rejection)
    }
}

impl IntoResponse for ApiKeyRejection {
    fn into_response(self) -> Response {
        self.response_by(&ProblemResponse)
    }
}
