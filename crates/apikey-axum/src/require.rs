//! `require`: a guard in front of services, routes and routers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use apikey_core::{ApiKeys, AuthError, Authenticate, KeyModel, Permission, Verified};
use http::request::Parts;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::rejection::{ProblemResponse, Respond};
use crate::{ApiKeyRejection, headers};

/// Guards a service: only requests with a good key that has the permission get in.
///
/// It is a tower layer for any service of `http` requests whose response body can be made of a
/// `String`: for [`Router::layer`], [`Router::route_layer`], a single [`MethodRouter`], or no Axum at
/// all; other bodies need [`RequireLayer::respond_with`]. The result of the verification rides in the
/// request: an extractor or a guard behind it does not verify again.
///
/// [`Router::layer`] guards the routes of a router, but not the unknown paths below the place where
/// that router is nested: use [`guarded`](crate::guarded()) for that.
///
/// [`Router::layer`]: axum::Router::layer
/// [`Router::route_layer`]: axum::Router::route_layer
/// [`MethodRouter`]: axum::routing::MethodRouter
///
/// # Examples
/// ```
/// use apikey_axum::{ApiKeys, require, scope};
/// use axum::{Router, routing::get};
///
/// let keys = ApiKeys::in_memory();
/// let app: Router = Router::new()
///     .route("/reports", get(|| async { "reports" }))
///     .route_layer(require(&keys, scope("reports:read") | scope("admin")));
/// ```
#[must_use = "a guard protects nothing until it is applied"]
pub fn require<M: KeyModel>(keys: &ApiKeys<M>, permission: impl Permission<M>) -> RequireLayer<M> {
    let (keys, permission) = (keys.clone(), Arc::new(permission));
    RequireLayer(Guard { keys, permission, strips: false, respond: ProblemResponse })
}

/// The layer made by [`require`].
#[derive(Debug, Clone)]
pub struct RequireLayer<M: KeyModel, R = ProblemResponse>(Guard<M, R>);

impl<M: KeyModel, R> RequireLayer<M, R> {
    /// Takes the key out of the request before the inner service sees it: all lines of the header that
    /// carried it, or the parameter of the query. For proxies, and for handlers that log requests.
    ///
    /// A key found by [`KeyLocation::from_fn`](apikey_core::KeyLocation::from_fn) stays.
    #[must_use]
    pub fn strip(mut self) -> Self {
        self.0.strips = true;
        self
    }

    /// Answers refusals in another way, for protocols that are not plain HTTP and for bodies that cannot
    /// be made of a `String`. The function says everything, to `HEAD` as to others: status, headers, body.
    /// The rejection rides in the response's extensions, as it does by default.
    ///
    /// To change the body alone, a middleware around the guard is simpler, and changes the refusals of
    /// extractors, too: see [`ApiKeyRejection`].
    ///
    /// # Examples
    /// A gRPC server answers 200, and the refusal is a header; `examples/grpc` does it with tonic.
    /// ```
    /// use apikey_axum::{AnyKey, ApiKeyRejection, ApiKeys, require};
    /// use http::{HeaderValue, Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// /// A body that no `String` makes.
    /// struct Frames(Vec<u32>);
    ///
    /// fn unauthenticated(_: &ApiKeyRejection) -> Response<Frames> {
    ///     let mut response = Response::new(Frames(Vec::new()));
    ///     response.headers_mut().insert("grpc-status", HeaderValue::from_static("16"));
    ///     response
    /// }
    ///
    /// # futures::executor::block_on(async {
    /// let keys = ApiKeys::in_memory();
    /// let service = require(&keys, AnyKey).respond_with(unauthenticated).layer(service_fn(
    ///     async |_: Request<()>| Ok::<_, std::io::Error>(Response::new(Frames(vec![1, 2]))),
    /// ));
    /// let refused = service.oneshot(Request::new(())).await?;
    /// assert_eq!(refused.headers()["grpc-status"], "16");
    /// assert!(refused.into_body().0.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Security
    /// The function is called for refused requests alone, and cannot let one in. Tell the client no more
    /// than [`AuthError::status`] does: [`AuthError::reason`] is for logs.
    #[must_use]
    pub fn respond_with<F, B>(self, respond: F) -> RequireLayer<M, F>
    where
        F: Fn(&ApiKeyRejection) -> http::Response<B>,
    {
        let Guard { keys, permission, strips, respond: _ } = self.0;
        RequireLayer(Guard { keys, permission, strips, respond })
    }
}

impl<S, M: KeyModel, R: Clone> Layer<S> for RequireLayer<M, R> {
    type Service = RequireService<S, M, R>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireService { inner, guard: Arc::new(self.0.clone()) }
    }
}

/// The service made by [`require`].
#[derive(Debug, Clone)]
pub struct RequireService<S, M: KeyModel, R = ProblemResponse> {
    inner: S,
    guard: Arc<Guard<M, R>>,
}

impl<S, M, B, R, ResB> Service<http::Request<B>> for RequireService<S, M, R>
where
    S: Service<http::Request<B>, Response = http::Response<ResB>> + Clone,
    M: KeyModel,
    R: Respond<ResB>,
{
    type Response = http::Response<ResB>;
    type Error = S::Error;
    type Future = RequireFuture<S, M, B, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let unready = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, unready);
        let guard = Arc::clone(&self.guard);
        let (mut parts, body) = request.into_parts();
        let outcome = headers::authenticate(&guard.keys, &mut parts);
        let waiting = Waiting { inner, parts, body, guard };
        RequireFuture { step: Step::Verify { waiting: Some((outcome, waiting)) } }
    }
}

pin_project! {
    /// The response of a [`RequireService`].
    ///
    /// # Panics
    /// If it is polled after it has answered, as [`std::future::Ready`] does.
    pub struct RequireFuture<S, M, B, R = ProblemResponse>
    where
        S: Service<http::Request<B>>,
        M: KeyModel,
    {
        #[pin]
        step: Step<S, M, B, R, S::Future>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<S, M: KeyModel, B, R, F> {
        Verify { waiting: Option<(Authenticate<M>, Waiting<S, M, B, R>)> },
        Serve { #[pin] response: F },
    }
}

/// A request that waits for the verification of its key, and the service behind.
struct Waiting<S, M: KeyModel, B, R> {
    inner: S,
    parts: Parts,
    body: B,
    guard: Arc<Guard<M, R>>,
}

impl<S, M, B, R, ResB> Future for RequireFuture<S, M, B, R>
where
    S: Service<http::Request<B>, Response = http::Response<ResB>>,
    M: KeyModel,
    R: Respond<ResB>,
{
    type Output = Result<http::Response<ResB>, S::Error>;

    #[expect(clippy::expect_used, reason = "documented; waiting for ever would be worse")]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut step = self.as_mut().project().step;
        let waiting = match step.as_mut().project() {
            StepProjection::Verify { waiting } => waiting,
            StepProjection::Serve { response } => return response.poll(context),
        };
        let (mut outcome, request) = waiting.take().expect("polled after completion");
        let Poll::Ready(outcome) = Pin::new(&mut outcome).poll(context) else {
            *waiting = Some((outcome, request));
            return Poll::Pending;
        };
        let Waiting { mut inner, mut parts, body, guard } = request;
        if let Err(error) = guard.admit(&mut parts, outcome) {
            let rejection = ApiKeyRejection::from(error);
            return Poll::Ready(Ok(rejection.response_by(&guard.respond, &parts.method)));
        }
        let response = inner.call(http::Request::from_parts(parts, body));
        step.set(Step::Serve { response });
        self.poll(context)
    }
}

impl<S, M, B, R> fmt::Debug for RequireFuture<S, M, B, R>
where
    S: Service<http::Request<B>>,
    M: KeyModel,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireFuture").finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Guard<M: KeyModel, R> {
    keys: ApiKeys<M>,
    permission: Arc<dyn Permission<M>>,
    strips: bool,
    respond: R,
}

impl<M: KeyModel, R> Guard<M, R> {
    fn admit(
        &self,
        parts: &mut Parts,
        outcome: Result<Verified<M>, AuthError>,
    ) -> Result<(), AuthError> {
        headers::record(&self.keys, parts, &outcome);
        let verified = outcome?;
        self.keys.authorize(&verified, &*self.permission)?;
        if let Some(location) = self.keys.location_of(&verified).filter(|_| self.strips) {
            headers::strip(location, parts);
        }
        Ok(())
    }
}

impl<M: KeyModel, R> fmt::Debug for Guard<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("keys", &self.keys)
            .field("strips", &self.strips)
            .finish_non_exhaustive()
    }
}
