//! The routes: who may ask for what.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::header::ALLOW;
use actix_web::web::{self, Json, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder};
use apikey_actix::{ApiKey, ApiKeyRejection, ApiKeys, KeyRecord, require, scope, scopes};
use serde_json::{Value, json};

scopes! { Admin = "admin"; }

pub(crate) fn configure(service: &mut ServiceConfig, keys: &ApiKeys) {
    let reports = web::scope("/reports").service(get("", reports));
    service
        .service(get("/public", public))
        .service(get("/protected", protected))
        .service(reports.wrap(require(keys, scope("reports:read"))))
        .service(get("/admin/secrets", secrets))
        .service(get("/either", either))
        .service(get("/both", both))
        .app_data(web::Data::new(keys.clone()));
}

/// Answers `GET` and, which Actix leaves to us, `HEAD`.
fn get<H, Args>(path: &str, handler: H) -> Resource
where
    H: Handler<Args>,
    Args: FromRequest + 'static,
    H::Output: Responder + 'static,
{
    let not_allowed =
        async || HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET,HEAD")).finish();
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(web::to(not_allowed))
}

/// Anyone.
async fn public() -> Json<Value> {
    Json(json!({ "message": "hello, whoever you are" }))
}

/// Any good key.
async fn protected(key: ApiKey) -> Json<Value> {
    let scopes: Vec<_> = key.scopes.iter().collect();
    Json(json!({ "name": key.name, "prefix": key.prefix, "scopes": scopes }))
}

/// A key with the scope `reports:read`: the guard in front has seen to it.
async fn reports() -> Json<Value> {
    Json(json!({ "reports": ["first", "second"] }))
}

/// A key with the scope `admin`.
async fn secrets(_: ApiKey<KeyRecord, Admin>) -> Json<Value> {
    Json(json!({ "secret": "there is none" }))
}

/// A good key or a session; a bad key does not spoil a good session.
async fn either(
    key: Result<ApiKey, ApiKeyRejection>,
    session: Result<Session, NoSession>,
) -> Result<Json<Value>, ApiKeyRejection> {
    if session.is_ok() {
        return Ok(Json(json!({ "by": "session" })));
    }
    let key = key?;
    Ok(Json(json!({ "by": key.name })))
}

/// A good key and a session. Actix polls extractors side by side, and the first that refuses answers: taken as
/// a result, the session lets the key go first.
async fn both(key: ApiKey, session: Result<Session, NoSession>) -> Result<Json<Value>, NoSession> {
    session?;
    Ok(Json(json!({ "by": [key.name, "session"] })))
}

/// Stands for the login of an application: the cookie `session=demo`, or 401.
struct Session;

type NoSession = InternalError<&'static str>;

impl FromRequest for Session {
    type Error = NoSession;
    type Future = Ready<Result<Self, NoSession>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let cookie = request.cookie("session").filter(|cookie| cookie.value() == "demo");
        ready(cookie.map(|_| Self).ok_or_else(|| {
            InternalError::from_response("no session", HttpResponse::Unauthorized().finish())
        }))
    }
}
