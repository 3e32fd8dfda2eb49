//! `ApiKeyRejection`: a refusal as a response.

use std::io::Cursor;
use std::sync::{Mutex, PoisonError};

use apikey_core::AuthError;
use rocket::http::Status;
use rocket::request::Outcome;
use rocket::response::{self, Responder, Response};
use rocket::{Request, outcome};
use thiserror::Error;

/// Why a request was refused: the failure of the guards, and what the catchers of
/// [`fairing`](crate::fairing()) answer with.
///
/// As a response it has the status, headers and body of its [`AuthError`]. It also rides in the request,
/// so that a catcher of the application's own can give it another body, whether a guard of a handler or
/// of a mount refused.
///
/// # Examples
/// The application's own body, with the status and the headers kept:
/// ```
/// use apikey_rocket::{AnyKey, ApiKey, ApiKeyRejection, ApiKeys, fairing, require};
/// use rocket::http::ContentType;
/// use rocket::response::{self, Responder, Response};
/// use rocket::{Request, catch, catchers, get, routes};
///
/// struct OwnBody(ApiKeyRejection);
///
/// impl<'r> Responder<'r, 'static> for OwnBody {
///     fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
///         let body = format!("refused: {}", self.0.error().status());
///         Response::build_from(self.0.respond_to(request)?)
///             .header(ContentType::Plain)
///             .sized_body(body.len(), std::io::Cursor::new(body))
///             .ok()
///     }
/// }
///
/// #[catch(401)]
/// fn unauthorized(request: &Request<'_>) -> Result<OwnBody, &'static str> {
///     ApiKeyRejection::of(request).map(OwnBody).ok_or("log in first")
/// }
///
/// #[get("/whoami")]
/// fn whoami(key: ApiKey) -> String {
///     key.name.clone()
/// }
///
/// let keys = ApiKeys::in_memory();
/// let app = rocket::build()
///     .mount("/", routes![whoami])
///     .mount("/reports", require(&keys, AnyKey, routes![]))
///     .register("/", catchers![unauthorized])
///     .attach(fairing(keys));
/// # let client = rocket::local::blocking::Client::tracked(app).unwrap();
/// for path in ["/whoami", "/reports/nowhere"] {
///     let response = client.get(path).dispatch();
///     let challenge = response.headers().get_one("www-authenticate");
///     assert_eq!(challenge, Some(r#"Api-Key realm="api""#));
///     assert_eq!(response.into_string().unwrap(), "refused: 401");
/// }
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

    /// Returns what the last guard of this request said, if it refused: for catchers of the
    /// application's own.
    ///
    /// A handler that takes a refusal as a `Result` (or, never do, as an `Option`) has not made it undone,
    /// and Rocket tells a catcher the status alone, not whose it is. So the catchers take for the guard's
    /// answer what has the same status and comes later:
    /// - A bare [`Status`] that the handler returns. With a body, as in
    ///   [`Unauthorized`](response::status::Unauthorized), the answer is the handler's.
    /// - The failure of another guard of the same handler, such as a session. Put that guard in front of the
    ///   key, and it is answered as without us.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Option<Self> {
        last(request).lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn status(&self) -> Status {
        Status::new(self.0.status())
    }
}

impl<'r> Responder<'r, 'static> for ApiKeyRejection {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let body = self.0.body();
        let mut response = Response::build();
        response.status(self.status()).sized_body(body.len(), Cursor::new(body));
        for (name, value) in self.0.headers() {
            response.raw_header(name, value);
        }
        response.ok()
    }
}

/// Keeps what a guard says for the catchers, and says it in Rocket's words: never a forward, which
/// would try the next route.
pub(crate) fn outcome<T>(
    request: &Request<'_>,
    result: Result<T, AuthError>,
) -> Outcome<T, ApiKeyRejection> {
    let result = result.map_err(ApiKeyRejection);
    let refusal = result.as_ref().err().cloned();
    *last(request).lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    match result {
        Ok(value) => outcome::Outcome::Success(value),
        Err(rejection) => outcome::Outcome::Error((rejection.status(), rejection)),
    }
}

/// Of this crate alone, so that nobody else can set what rides in the request.
#[derive(Default)]
struct LastRefusal(Mutex<Option<ApiKeyRejection>>);

fn last<'r>(request: &'r Request<'_>) -> &'r Mutex<Option<ApiKeyRejection>> {
    &request.local_cache(LastRefusal::default).0
}
