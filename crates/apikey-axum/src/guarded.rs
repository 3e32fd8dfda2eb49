//! `guarded`: a guard in front of everything below a path.

use apikey_core::{ApiKeys, KeyModel, Permission};
use axum::Router;
use axum::extract::{Request, State};
use http::StatusCode;
use tower_service::Service;

use crate::require;

/// Guards a whole subtree: its routes by any method, and the paths below that no route of the application
/// matches, are answered only to a good key that has the permission. To be [nested](Router::nest).
///
/// The router's own [fallback](Router::fallback) is kept and guarded. If it has none, unknown paths
/// below are answered by an empty 404, and not by the fallback of the router around it. The same is true
/// of [methods that a route does not have](Router::method_not_allowed_fallback), and of an empty 405.
/// Routes that are added to the result are not guarded.
///
/// # Panics
/// Never; but Axum panics when it merges two routers that both have a fallback, or two routes of one path
/// that both have one for methods. A guarded router has both.
///
/// # Examples
/// ```
/// use apikey_axum::{ApiKeys, guarded, scope};
/// use axum::{Router, routing::get};
///
/// let keys = ApiKeys::in_memory();
/// let reports = Router::new().route("/", get(|| async { "reports" }));
/// let app: Router = Router::new()
///     .nest("/reports", guarded(reports, &keys, scope("reports:read")))
///     .with_state(keys);
/// ```
///
/// # Security
/// Nested at `/reports`, three things are as Axum has them:
/// - Axum looks for a route in the whole application before it asks a fallback. So the paths below that no
///   route of the subtree matches are open to a route of the router around, most of all to a wildcard such
///   as `/{*path}` or `/{section}/{id}`, which asks for no key. The routes of the subtree are guarded always.
/// - The router around answers `/reports/`, which is no path of the subtree.
/// - An answer to a method that a route does not have names those it has in `Allow`, a 401, too: it tells
///   that there is such a route.
///
/// Where one of them matters, put [`require`] around the router and nest it as a service. Then
/// `/reports`, `/reports/` and everything below are answered only to a good key, and a refusal names no
/// methods. Only a route that spells out a path below, such as `/reports/open`, still comes first:
/// ```
/// # use apikey_axum::{ApiKeys, require, scope};
/// # use axum::{Router, routing::get};
/// use tower::Layer;
///
/// # let keys = ApiKeys::in_memory();
/// # let reports: Router<ApiKeys> = Router::new().route("/", get(|| async { "reports" }));
/// let reports = require(&keys, scope("reports:read")).layer(reports.with_state(keys.clone()));
/// let app: Router = Router::new().nest_service("/reports", reports);
/// ```
#[must_use = "a guard protects nothing until it is applied"]
pub fn guarded<S, M>(
    router: Router<S>,
    keys: &ApiKeys<M>,
    permission: impl Permission<M>,
) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    M: KeyModel,
{
    // The router around puts its own fallback for methods where it finds a default one, in front of the
    // guard. This one has the same answer, and stays.
    let router = router.method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED);
    // Nesting drops a default fallback, and nobody tells whether a router has one of its own. So the
    // fallback becomes a handler that asks the router itself, which cannot find a route either.
    let original = router.clone();
    let unmatched = |State(state): State<S>, request: Request| async move {
        original.with_state::<()>(state).call(request).await
    };
    router.reset_fallback().fallback(unmatched).layer(require(keys, permission))
}
