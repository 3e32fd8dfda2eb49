//! The routes: who may ask for what.
#![expect(clippy::needless_pass_by_value, reason = "Rocket hands guards over by value")]

use apikey_rocket::{ApiKey, ApiKeyRejection, ApiKeys, KeyRecord, fairing, require, scope, scopes};
use rocket::http::Status;
use rocket::outcome::Outcome;
use rocket::request::{self, FromRequest};
use rocket::serde::json::{Json, Value, json};
use rocket::{Build, Request, Rocket, async_trait, catch, catchers, get, routes};

use crate::methods::only_get;

scopes! { Admin = "admin"; }

pub(crate) fn app(rocket: Rocket<Build>, keys: ApiKeys) -> Rocket<Build> {
    let reports = only_get(routes![reports]);
    rocket
        .mount("/", only_get(routes![public, protected, secrets, either, both]))
        .mount("/reports", require(&keys, scope("reports:read"), reports))
        .register("/", catchers![no_body])
        .attach(fairing(keys))
}

/// Anyone.
#[get("/public")]
fn public() -> Json<Value> {
    Json(json!({ "message": "hello, whoever you are" }))
}

/// Any good key.
#[get("/protected")]
fn protected(key: ApiKey) -> Json<Value> {
    let scopes: Vec<_> = key.scopes.iter().collect();
    Json(json!({ "name": key.name, "prefix": key.prefix, "scopes": scopes }))
}

/// A key with the scope `reports:read`: the guard in front has seen to it.
#[get("/")]
fn reports() -> Json<Value> {
    Json(json!({ "reports": ["first", "second"] }))
}

/// A key with the scope `admin`.
#[get("/admin/secrets")]
fn secrets(_key: ApiKey<KeyRecord, Admin>) -> Json<Value> {
    Json(json!({ "secret": "there is none" }))
}

/// A good key or a session; a bad key does not spoil a good session.
#[get("/either")]
fn either(
    key: Result<ApiKey, ApiKeyRejection>,
    session: Result<Session, ()>,
) -> Result<Json<Value>, ApiKeyRejection> {
    if session.is_ok() {
        return Ok(Json(json!({ "by": "session" })));
    }
    let key = key?;
    Ok(Json(json!({ "by": key.name })))
}

/// A good key and a session. The key is asked for first.
#[get("/both")]
fn both(key: ApiKey, _session: Session) -> Json<Value> {
    Json(json!({ "by": [key.name, "session"] }))
}

/// Stands for the login of an application: the cookie `session=demo`, or 401.
struct Session;

#[async_trait]
impl<'r> FromRequest<'r> for Session {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        let cookie = request.cookies().get("session").filter(|cookie| cookie.value() == "demo");
        cookie.map_or(Outcome::Error((Status::Unauthorized, ())), |_| Outcome::Success(Self))
    }
}

/// An unknown path, and a request without a session, has an empty body instead of Rocket's page. The
/// refusals of keys have their own.
#[catch(default)]
fn no_body() {}
