//! `fairing`: gives the application its `ApiKeys`, and refusals their bodies.

use apikey_core::{ApiKeys, KeyModel};
use rocket::catcher::{self, Catcher};
use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::http::Status;
use rocket::response::Responder;
use rocket::{Build, Ignite, Request, Rocket};

use crate::ApiKeyRejection;

/// Gives the application the handle that its guards verify keys by, and catchers that answer for a guard
/// that refused. To be [attached](Rocket::attach), once for each key model.
///
/// The handle is managed as [`ApiKeys<M>`], so that handlers can ask for `&State<ApiKeys<M>>`. Catchers
/// for 400, 401, 403, 500 and 503 are registered at `/`, except for a status that the application has a
/// catcher for there: that one answers key refusals, too (see [`ApiKeyRejection::of`], also for what a
/// catcher cannot tell apart). A failure that is no guard's of this crate is answered as it would be without
/// them: by the application's default catcher or by Rocket's.
///
/// # Examples
/// ```
/// use apikey_rocket::{ApiKeys, fairing};
///
/// let app = rocket::build().attach(fairing(ApiKeys::in_memory()));
/// # rocket::local::blocking::Client::tracked(app).unwrap();
/// ```
#[must_use]
pub fn fairing<M: KeyModel>(keys: ApiKeys<M>) -> ApiKeysFairing<M> {
    ApiKeysFairing { keys, has_catchers: true }
}

/// The fairing made by [`fairing`](fairing()).
#[derive(Debug)]
pub struct ApiKeysFairing<M: KeyModel> {
    keys: ApiKeys<M>,
    has_catchers: bool,
}

impl<M: KeyModel> ApiKeysFairing<M> {
    /// Leaves refusals to the application's own catchers, its default one included. They read
    /// [`ApiKeyRejection::of`]; where there is none, Rocket answers with its own text and without a
    /// challenge.
    #[must_use]
    pub fn without_catchers(self) -> Self {
        Self { has_catchers: false, ..self }
    }
}

#[rocket::async_trait]
impl<M: KeyModel> Fairing for ApiKeysFairing<M> {
    fn info(&self) -> Info {
        Info { name: "API keys (one fairing for each key model)", kind: Kind::Ignite }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        if rocket.state::<ApiKeys<M>>().is_some() {
            return Err(rocket);
        }
        let mut rocket = rocket.manage(self.keys.clone());
        if rocket.state::<Attached>().is_none() {
            rocket = rocket.manage(Attached);
        }
        if self.has_catchers {
            let free = [400, 401, 403, 500, 503].into_iter().filter(|code| !has(&rocket, *code));
            let catchers = free.map(refusal_catcher).collect::<Vec<_>>();
            rocket = rocket.register("/", catchers);
        }
        Ok(rocket)
    }
}

/// What a log says when a guard stands in an application without its handle.
pub(crate) const MISSING_LINE: &str = ".attach(apikey_rocket::fairing(keys))";

/// Says why Rocket does not launch, beside what it says itself: which type refused.
pub(crate) fn log_missing_line() {
    tracing::error!("API keys are not configured: add {MISSING_LINE} to the application");
}

/// Managed with the handles: a handle managed by hand comes without catchers.
struct Attached;

pub(crate) fn is_attached(rocket: &Rocket<Ignite>) -> bool {
    rocket.state::<Attached>().is_some()
}

fn has(rocket: &Rocket<Build>, code: u16) -> bool {
    rocket.catchers().any(|catcher| catcher.code == Some(code) && is_at_root(catcher))
}

fn is_at_root(catcher: &Catcher) -> bool {
    catcher.base.path() == "/"
}

fn refusal_catcher(code: u16) -> Catcher {
    let mut catcher = Catcher::new(code, Refusals);
    catcher.name = Some("apikey_rocket::fairing".into());
    catcher
}

/// Answers for guards that refused, and steps aside for everybody else.
#[derive(Clone)]
struct Refusals;

#[rocket::async_trait]
impl catcher::Handler for Refusals {
    async fn handle<'r>(&self, status: Status, request: &'r Request<'_>) -> catcher::Result<'r> {
        match ApiKeyRejection::of(request).filter(|rejection| rejection.status() == status) {
            Some(rejection) => rejection.respond_to(request),
            None => without_us(status, request).await,
        }
    }
}

/// Rocket prefers a catcher of one status to a default one with the same base, and asks no second one.
async fn without_us<'r>(status: Status, request: &'r Request<'_>) -> catcher::Result<'r> {
    let own = request.rocket().catchers().find(|other| other.code.is_none() && is_at_root(other));
    match own {
        Some(catcher) => catcher.handler.handle(status, request).await,
        None => Catcher::default().handler.handle(status, request).await,
    }
}
