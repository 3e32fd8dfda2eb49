//! `require`: a guard in front of resources, scopes and applications.

use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use apikey_core::{ApiKeys, AuthError, KeyModel, Permission};

use crate::headers::{Held, Unmarked};
use crate::{ApiKeyRejection, headers};

/// What the log says where the key cannot be taken out.
const RELEASE: &str =
    "no middleware around `require(..).strip()` that keeps a clone of the request";

/// Guards a resource, a scope or an application: only requests with a good key that has the permission
/// get in.
///
/// It is a middleware, for `wrap`. In front of a [`Scope`] it guards everything below its path: unknown
/// paths and methods, too, are answered only to a good key. Below `web::scope("/reports")` are
/// `/reports`, `/reports/` and `/reports/..`, whether there are routes for them or not. The result of
/// the verification rides in the request: an extractor or a guard behind it does not verify again.
///
/// It answers a refusal itself, as a response and not as an error, so that middleware around it sees
/// every answer. The middleware that is wrapped last runs first: wrap CORS after `require`.
///
/// [`Scope`]: actix_web::Scope
///
/// # Middleware that keeps requests
/// The guard changes the head of a request that carries a header which may hold a key. For that Actix
/// demands that nobody else holds a clone of the [`HttpRequest`]. Where middleware around the guard keeps
/// one, the guard lets good keys in without marking them as sensitive, and says so once in the log, as a
/// warning behind the message of the panic by which Actix tells it; with [`strip`](Require::strip) it answers
/// 500, and the log names the reason. Actix's own router panics behind such middleware, too: it works around
/// a resource alone. In a program that is built with `panic = "abort"` there is no telling, and it ends.
///
/// [`HttpRequest`]: actix_web::HttpRequest
///
/// # Examples
/// ```
/// use actix_web::{App, web};
/// use apikey_actix::{ApiKeys, require, scope};
///
/// let keys = ApiKeys::in_memory();
/// let app = App::new().service(
///     web::scope("/reports")
///         .route("", web::get().to(async || "reports"))
///         .wrap(require(&keys, scope("reports:read") | scope("admin"))),
/// );
/// ```
#[must_use = "a guard protects nothing until it is applied"]
pub fn require<M: KeyModel>(keys: &ApiKeys<M>, permission: impl Permission<M>) -> Require<M> {
    let (keys, permission) = (keys.clone(), Arc::new(permission));
    Require(Guard { keys, permission, strips: false, unmarked: Unmarked::default() })
}

/// The middleware made by [`require`].
#[derive(Debug, Clone)]
pub struct Require<M: KeyModel>(Guard<M>);

impl<M: KeyModel> Require<M> {
    /// Takes the key out of the request before the inner service sees it: all lines of the header that
    /// carried it, or the parameter of the query. For proxies, and for handlers that log requests.
    ///
    /// A key found by [`KeyLocation::from_fn`](apikey_core::KeyLocation::from_fn) stays. Where the request cannot
    /// be changed, since [middleware keeps it](require()), the answer is a 500.
    #[must_use]
    pub fn strip(mut self) -> Self {
        self.0.strips = true;
        self
    }
}

impl<S, M, B> Transform<S, ServiceRequest> for Require<M>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    M: KeyModel,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = RequireService<S, M>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(RequireService { service: Rc::new(service), guard: Rc::new(self.0.clone()) }))
    }
}

/// The service made by [`require`].
#[derive(Debug)]
pub struct RequireService<S, M: KeyModel> {
    service: Rc<S>,
    guard: Rc<Guard<M>>,
}

impl<S, M, B> Service<ServiceRequest> for RequireService<S, M>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    M: KeyModel,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let (service, guard) = (Rc::clone(&self.service), Rc::clone(&self.guard));
        Box::pin(async move {
            match guard.admit(&mut request).await {
                Ok(()) => Ok(service.call(request).await?.map_into_left_body()),
                Err(error) => {
                    let refusal = request.error_response(ApiKeyRejection::from(error));
                    Ok(refusal.map_into_right_body())
                }
            }
        })
    }
}

#[derive(Clone)]
struct Guard<M: KeyModel> {
    keys: ApiKeys<M>,
    permission: Arc<dyn Permission<M>>,
    strips: bool,
    unmarked: Unmarked,
}

impl<M: KeyModel> Guard<M> {
    async fn admit(&self, request: &mut ServiceRequest) -> Result<(), AuthError> {
        headers::mark_sensitive(&self.keys, request, &self.unmarked);
        let verified = headers::authenticate(&self.keys, request.request()).await?;
        self.keys.authorize(&verified, &*self.permission)?;
        if let Some(location) = self.keys.location_of(&verified).filter(|_| self.strips) {
            headers::strip(location, request).map_err(|Held| AuthError::not_configured(RELEASE))?;
        }
        Ok(())
    }
}

impl<M: KeyModel> fmt::Debug for Guard<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("keys", &self.keys)
            .field("strips", &self.strips)
            .finish_non_exhaustive()
    }
}
