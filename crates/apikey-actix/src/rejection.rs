//! `ApiKeyRejection`: a refusal as a response.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use apikey_core::AuthError;
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
/// use actix_web::body::MessageBody;
/// use actix_web::dev::{ServiceRequest, ServiceResponse};
/// use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
/// use actix_web::middleware::{Next, from_fn};
/// use actix_web::{App, Error, web};
/// use apikey_actix::{ApiKey, ApiKeyRejection, ApiKeys, require, scope};
/// # use actix_web::test::{TestRequest, call_service, init_service, read_body};
///
/// async fn own_body(
///     request: ServiceRequest,
///     next: Next<impl MessageBody + 'static>,
/// ) -> Result<ServiceResponse<impl MessageBody>, Error> {
///     let mut response = next.call(request).await?;
///     let rejection = response.response().extensions().get::<ApiKeyRejection>().cloned();
///     let Some(rejection) = rejection else {
///         return Ok(response.map_into_left_body());
///     };
///     response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
///     let body = format!("refused: {}", rejection.error().status());
///     Ok(response.map_body(|_, _| body).map_into_right_body())
/// }
///
/// # actix_web::rt::System::new().block_on(async {
/// let keys = ApiKeys::in_memory();
/// let app = App::new()
///     .route("/whoami", web::get().to(async |key: ApiKey| key.name.clone()))
///     .service(web::scope("/reports").wrap(require(&keys, scope("reports:read"))))
///     .wrap(from_fn(own_body))
///     .app_data(web::Data::new(keys));
/// # let app = init_service(app).await;
/// for path in ["/whoami", "/reports/nowhere"] {
///     let response = call_service(&app, TestRequest::with_uri(path).to_request()).await;
///     assert_eq!(response.headers().get("www-authenticate").unwrap(), r#"Api-Key realm="api""#);
///     assert_eq!(read_body(response).await, "refused: 401");
/// }
/// # });
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
}

impl ResponseError for ApiKeyRejection {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut builder = HttpResponse::build(self.status_code());
        for header in self.0.headers() {
            builder.insert_header(header);
        }
        let mut response = builder.body(self.0.body());
        response.extensions_mut().insert(self.clone());
        response
    }
}
