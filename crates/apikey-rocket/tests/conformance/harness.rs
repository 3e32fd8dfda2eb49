//! The standard application, served with Rocket.

#![expect(clippy::unwrap_used, reason = "a server that does not start fails the test")]
#![expect(clippy::needless_pass_by_value, reason = "Rocket hands guards over by value")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;

use apikey_conformance::{Harness, Running, Service};
use apikey_rocket::{
    AnyKey, ApiKey, ApiKeyRejection, OptionalApiKey, fairing, require, rule, scope,
};
use rocket::config::{Config, LogLevel, Shutdown};
use rocket::fairing::AdHoc;
use rocket::http::{ContentType, Method, Status};
use rocket::response::Response;
use rocket::route::{Handler, Outcome, Route};
use rocket::{Build, Data, Request, Rocket, async_trait, catch, catchers, get, routes};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub(crate) struct OnRocket;

impl Harness for OnRocket {
    async fn serve(service: Service) -> Running {
        serve(|rocket| application(rocket, service)).await
    }
}

pub(crate) async fn serve(application: impl FnOnce(Rocket<Build>) -> Rocket<Build>) -> Running {
    let (told, address) = oneshot::channel();
    let told = Mutex::new(Some(told));
    let tell = AdHoc::on_liftoff("tell the address", move |rocket| {
        let address = SocketAddr::from((rocket.config().address, rocket.config().port));
        let told = told.lock().unwrap().take().unwrap();
        Box::pin(async move { told.send(address).unwrap() })
    });
    let config = Config {
        address: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        log_level: LogLevel::Off,
        shutdown: Shutdown { ctrlc: false, ..Shutdown::default() },
        ..Config::debug_default()
    };
    let app = application(rocket::custom(config)).register("/", catchers![not_found]).attach(tell);
    let mut server = JoinSet::new();
    server.spawn(app.launch());
    Running::new(address.await.unwrap(), server)
}

fn application(rocket: Rocket<Build>, Service { keys, other, .. }: Service) -> Rocket<Build> {
    let guarded = only_get(routes![guarded]);
    let open = routes![public, protected, either, both, optional, panic, unconfigured];
    rocket
        .mount("/", only_get(open))
        .mount("/reports", require(&keys, scope("reports:read"), guarded.clone()))
        .mount("/admin/secrets", require(&keys, scope("admin"), only_get(routes![secrets])))
        .mount("/internal", require(&keys, rule(Service::is_internal), only_get(routes![internal])))
        .mount("/other", require(&other, AnyKey, guarded))
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
fn both(_key: ApiKey, session: Session) -> (Status, &'static str) {
    // Not an `Err`, for which Rocket would have a page of its own.
    if session.0 { (Status::Ok, "in") } else { (Status::Unauthorized, "") }
}

#[get("/")]
fn internal() -> &'static str {
    "internal"
}

/// The answer is 500: Rocket catches it.
#[get("/panic")]
fn panic(_key: ApiKey) -> &'static str {
    Service::panic()
}

#[get("/unconfigured")]
fn unconfigured() -> ApiKeyRejection {
    Service::not_configured().into()
}

#[catch(404)]
fn not_found() {}

/// Rocket answers 404 to a method that no route has; the suite asks for 405.
pub(crate) fn only_get(routes: Vec<Route>) -> Vec<Route> {
    let others = routes.clone().into_iter().flat_map(|route| {
        OTHERS.map(|method| {
            let mut other = route.clone();
            other.method = method;
            other.handler = Box::new(NotAllowed);
            other
        })
    });
    others.chain(routes).collect()
}

const OTHERS: [Method; 7] = [
    Method::Put,
    Method::Post,
    Method::Delete,
    Method::Options,
    Method::Trace,
    Method::Connect,
    Method::Patch,
];

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
