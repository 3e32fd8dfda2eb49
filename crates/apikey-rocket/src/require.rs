//! `require`: a guard in front of everything under a path.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use apikey_core::{ApiKeys, KeyModel, Permission};
use rocket::http::{Method, Status};
use rocket::outcome::Outcome;
use rocket::request::{self, FromRequest};
use rocket::route::{self, Handler, Route};
use rocket::{Data, Ignite, Request, Rocket, Sentinel, get, routes};

use crate::{fairing, headers, rejection};

/// Guards a mount: every path and method below the base, unknown ones and `OPTIONS` included, is
/// answered only to a good key that has the permission. To be [mounted](rocket::Rocket::mount).
///
/// The result of the verification rides in the request: a guard of a handler behind it does not verify
/// again. With a good key the answer is Rocket's: 404 for an unknown path, and also for a method that no
/// route has, since Rocket does not know 405.
///
/// Rocket has no middleware that can refuse. So one route for each method is added, ranked before all
/// others, that matches everything below the base, refuses, or forwards. Therefore:
/// - Routes that are mounted elsewhere, and match a path below the base, are guarded as well. At `/`, the
///   whole application is.
/// - A guard within a guard needs both.
/// - A route that is given a rank close to [`isize::MIN`] by hand gets in front.
///
/// Rocket refuses to launch a guarded mount without [`fairing`](crate::fairing()), whose catchers give
/// refusals their bodies. The handle may be another than the fairing's. The key cannot be taken out of
/// the request, which Rocket lends immutably.
///
/// # Examples
/// ```
/// use apikey_rocket::{ApiKeys, fairing, require, scope};
/// use rocket::{get, routes};
///
/// #[get("/")]
/// fn reports() -> &'static str {
///     "reports"
/// }
///
/// let keys = ApiKeys::in_memory();
/// let permission = scope("reports:read") | scope("admin");
/// let app = rocket::build()
///     .mount("/reports", require(&keys, permission, routes![reports]))
///     .attach(fairing(keys));
/// # let client = rocket::local::blocking::Client::tracked(app).unwrap();
/// assert_eq!(client.delete("/reports/nowhere").dispatch().status().code, 401);
/// ```
#[must_use]
pub fn require<M: KeyModel>(
    keys: &ApiKeys<M>,
    permission: impl Permission<M>,
    routes: impl Into<Vec<Route>>,
) -> Vec<Route> {
    let gate = Gate { keys: keys.clone(), permission: Arc::new(permission) };
    // Two guards may cover one path, and routes of one rank may not.
    static RANK: AtomicIsize = AtomicIsize::new(isize::MIN);
    let rank = RANK.fetch_add(1, Ordering::Relaxed);
    let gates = METHODS.into_iter().flat_map(|method| gate.routes(method, rank));
    gates.chain(routes.into()).collect()
}

const METHODS: [Method; 9] = [
    Method::Get,
    Method::Put,
    Method::Post,
    Method::Delete,
    Method::Options,
    Method::Head,
    Method::Trace,
    Method::Connect,
    Method::Patch,
];

/// Carries what only the macro can give a route: a condition that is checked at launch. Its handler is
/// replaced.
#[get("/<_..>")]
fn gate(_condition: NeedsFairing) {}

/// The condition that the fairing is attached. Rocket names this type where it is not.
struct NeedsFairing;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for NeedsFairing {
    type Error = Infallible;

    async fn from_request(_: &'r Request<'_>) -> request::Outcome<Self, Infallible> {
        Outcome::Success(Self)
    }
}

impl Sentinel for NeedsFairing {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        let is_missing = !fairing::is_attached(rocket);
        if is_missing {
            fairing::log_missing_line();
        }
        is_missing
    }
}

struct Gate<M: KeyModel> {
    keys: ApiKeys<M>,
    permission: Arc<dyn Permission<M>>,
}

impl<M: KeyModel> Gate<M> {
    fn routes(&self, method: Method, rank: isize) -> Vec<Route> {
        let mut routes = routes![gate];
        for route in &mut routes {
            route.name = Some("apikey_rocket::require".into());
            route.method = method;
            route.rank = rank;
            route.handler = Box::new(self.clone());
        }
        routes
    }
}

impl<M: KeyModel> Clone for Gate<M> {
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone(), permission: Arc::clone(&self.permission) }
    }
}

#[rocket::async_trait]
impl<M: KeyModel> Handler for Gate<M> {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> route::Outcome<'r> {
        let admitted = headers::admit(&self.keys, request, &*self.permission).await;
        match rejection::outcome(request, admitted) {
            Outcome::Error((status, _)) => Outcome::Error(status),
            // The status of a request that no route takes up.
            Outcome::Success(_) | Outcome::Forward(_) => Outcome::Forward((data, Status::NotFound)),
        }
    }
}
