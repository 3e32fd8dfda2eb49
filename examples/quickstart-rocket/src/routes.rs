//! The routes: who may ask for what.
#![expect(clippy::needless_pass_by_value, reason = "Rocket hands guards over by value")]

use apikey_rocket::{ApiKey, ApiKeyRejection, ApiKeys, KeyRecord, fairing, require, scope, scopes};
use rocket::http::CookieJar;
use rocket::response::status::Unauthorized;
use rocket::serde::json::{Json, Value, json};
use rocket::{Build, Rocket, catch, catchers, get, routes};

use crate::methods::only_get;

scopes! { Admin = "admin"; }

pub(crate) fn app(rocket: Rocket<Build>, keys: ApiKeys) -> Rocket<Build> {
    let reports = only_get(routes![reports]);
    rocket
        .mount("/", only_get(routes![public, protected, secrets, either, both]))
        .mount("/reports", require(&keys, scope("reports:read"), reports))
        .register("/", catchers![not_found])
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
    cookies: &CookieJar<'_>,
) -> Result<Json<Value>, ApiKeyRejection> {
    if has_session(cookies) {
        return Ok(Json(json!({ "by": "session" })));
    }
    let key = key?;
    Ok(Json(json!({ "by": key.name })))
}

/// A good key and a session.
#[get("/both")]
fn both(key: ApiKey, cookies: &CookieJar<'_>) -> Result<Json<Value>, Unauthorized<Json<Value>>> {
    if has_session(cookies) {
        Ok(Json(json!({ "by": [key.name, "session"] })))
    } else {
        Err(Unauthorized(Json(json!({ "error": "log in first" }))))
    }
}

/// Stands for the login of an application.
fn has_session(cookies: &CookieJar<'_>) -> bool {
    cookies.get("session").is_some_and(|cookie| cookie.value() == "demo")
}

/// An unknown path has an empty body, instead of Rocket's page.
#[catch(404)]
fn not_found() {}
