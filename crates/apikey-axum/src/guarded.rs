//! `guarded`: a guard in front of everything below a path.

use apikey_core::{ApiKeys, KeyModel, Permission};
use axum::Router;
use axum::extract::{Request, State};
use tower_service::Service;

use crate::require;

/// Guards a whole subtree: unknown paths and methods, too, are answered only to a good key that has the
/// permission. To be [nested](Router::nest).
///
/// The router's own [fallback](Router::fallback) is kept and guarded. If it has none, unknown paths
/// below are answered by an empty 404, and not by the fallback of the router around it. Routes that are
/// added to the result are not guarded.
///
/// # Panics
/// Never; but Axum panics when two routers are [merged](Router::merge) that both have a fallback, as
/// every guarded one does.
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
/// Two things are as Axum has them. Nested at `/reports`, the subtree does not include the path
/// `/reports/`, which the router around it answers. And an answer to a method that a route does not have
/// names those it has in `Allow`, a 401, too: so it can be told that there is such a route. Where that
/// matters, put [`require`] around the router as a service:
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
pub fn guarded<S, M>(
    router: Router<S>,
    keys: &ApiKeys<M>,
    permission: impl Permission<M>,
) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    M: KeyModel,
{
    // Nesting drops a default fallback, and nobody tells whether a router has one of its own. So the
    // fallback becomes a handler that asks the router itself, which cannot find a route either.
    let original = router.clone();
    let unmatched = |State(state): State<S>, request: Request| async move {
        original.with_state::<()>(state).call(request).await
    };
    router.reset_fallback().fallback(unmatched).layer(require(keys, permission))
}
