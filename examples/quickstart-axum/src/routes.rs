//! The routes: who may ask for what.

use apikey_axum::{ApiKey, ApiKeyRejection, ApiKeys, KeyRecord, guarded, scope, scopes};
use axum::extract::FromRequestParts;
use axum::http::{StatusCode, request::Parts};
use axum::routing::get;
use axum::{Json, Router};
use axum_extra::extract::CookieJar;
use serde_json::{Value, json};

scopes! { Admin = "admin"; }

pub(crate) fn app(keys: ApiKeys) -> Router {
    let reports = Router::new().route("/", get(reports));
    Router::new()
        .route("/public", get(public))
        .route("/protected", get(protected))
        .nest("/reports", guarded(reports, &keys, scope("reports:read")))
        .route("/admin/secrets", get(secrets))
        .route("/either", get(either))
        .route("/both", get(both))
        .with_state(keys)
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
    session: Result<Session, StatusCode>,
) -> Result<Json<Value>, ApiKeyRejection> {
    if session.is_ok() {
        return Ok(Json(json!({ "by": "session" })));
    }
    let key = key?;
    Ok(Json(json!({ "by": key.name })))
}

/// A good key and a session. The key is asked for first.
async fn both(key: ApiKey, _: Session) -> Json<Value> {
    Json(json!({ "by": [key.name, "session"] }))
}

/// Stands for the login of an application: the cookie `session=demo`, or 401.
struct Session;

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let cookies = CookieJar::from_headers(&parts.headers);
        let is_good = cookies.get("session").is_some_and(|cookie| cookie.value() == "demo");
        if is_good { Ok(Self) } else { Err(StatusCode::UNAUTHORIZED) }
    }
}
