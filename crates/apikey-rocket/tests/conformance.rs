//! The suite that every adapter passes, on this one.

#![expect(clippy::unwrap_used, reason = "a server that does not start fails the test")]
#![expect(clippy::needless_pass_by_value, reason = "Rocket hands guards over by value")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;

use apikey_conformance::{Harness, Running, Service, adapter_suite};
use apikey_rocket::{AnyKey, ApiKey, ApiKeyRejection, OptionalApiKey, fairing, require, scope};
use rocket::config::{Config, LogLevel, Shutdown};
use rocket::fairing::AdHoc;
use rocket::http::{ContentType, Method, Status};
use rocket::response::Response;
use rocket::route::{Handler, Outcome, Route};
use rocket::{Build, Data, Request, Rocket, async_trait, catch, catchers, get, routes};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

adapter_suite!(rocket_server, OnRocket);

struct OnRocket;

impl Harness for OnRocket {
    async fn serve(service: Service) -> Running {
        let (told, address) = oneshot::channel();
        let told = Mutex::new(Some(told));
        let tell = AdHoc::on_liftoff("tell the address", move |rocket| {
            let address = SocketAddr::from((rocket.config().address, rocket.config().port));
            let told = told.lock().unwrap().take().unwrap();
            Box::pin(async move { told.send(address).unwrap() })
        });
        let mut server = JoinSet::new();
        server.spawn(application(service).attach(tell).launch());
        Running::new(address.await.unwrap(), server)
    }
}

fn application(Service { keys, other, .. }: Service) -> Rocket<Build> {
    let config = Config {
        address: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        log_level: LogLevel::Off,
        shutdown: Shutdown { ctrlc: false, ..Shutdown::default() },
        ..Config::debug_default()
    };
    let guarded = only_get(routes![guarded]);
    rocket::custom(config)
        .mount("/", only_get(routes![public, protected, either, both, optional]))
        .mount("/reports", require(&keys, scope("reports:read"), guarded.clone()))
        .mount("/admin/secrets", require(&keys, scope("admin"), only_get(routes![secrets])))
        .mount("/other", require(&other, AnyKey, guarded))
        .register("/", catchers![not_found])
        .attach(fairing(keys))
}

type Json = (ContentType, String);

#[get("/public")]
fn public() -> &'static str {
    "open"
}

#[get("/protected")]
fn protected(key: ApiKey) -> Json {
    (ContentType::JSON, Service::protected_body(&key))
}

#[get("/")]
fn guarded(key: ApiKey) -> Json {
    protected(key)
}

#[get("/")]
fn secrets() -> &'static str {
    "secrets"
}

#[get("/optional")]
fn optional(key: OptionalApiKey) -> Json {
    (ContentType::JSON, Service::optional_body(key.as_deref()))
}

struct Session(bool);

#[async_trait]
impl<'r> rocket::request::FromRequest<'r> for Session {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> rocket::request::Outcome<Self, ()> {
        let is_good = request.headers().get("cookie").any(Service::is_session);
        rocket::outcome::Outcome::Success(Self(is_good))
    }
}

#[get("/either")]
fn either(
    key: Result<ApiKey, ApiKeyRejection>,
    session: Session,
) -> Result<&'static str, ApiKeyRejection> {
    match key {
        Err(rejection) if !session.0 => Err(rejection),
        _ => Ok("in"),
    }
}

#[get("/both")]
fn both(_key: ApiKey, session: Session) -> Result<&'static str, Status> {
    if session.0 { Ok("in") } else { Err(Status::Unauthorized) }
}

#[catch(404)]
fn not_found() {}

/// Rocket answers 404 to a method that no route has; the suite asks for 405.
fn only_get(routes: Vec<Route>) -> Vec<Route> {
    let others = routes.clone().into_iter().flat_map(|route| {
        [Method::Put, Method::Post, Method::Delete, Method::Options, Method::Patch].map(|method| {
            let mut other = route.clone();
            other.method = method;
            other.handler = Box::new(NotAllowed);
            other
        })
    });
    others.chain(routes).collect()
}

#[derive(Clone)]
struct NotAllowed;

#[async_trait]
impl Handler for NotAllowed {
    async fn handle<'r>(&self, _: &'r Request<'_>, _: Data<'r>) -> Outcome<'r> {
        let mut response = Response::new();
        response.set_status(Status::MethodNotAllowed);
        response.set_raw_header("Allow", "GET,HEAD");
        Outcome::Success(response)
    }
}
