//! The routes: who may ask for what.

use apikey_axum::{ApiKey, ApiKeyRejection, ApiKeys, KeyRecord, guarded, scope, scopes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
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
    cookies: CookieJar,
) -> Result<Json<Value>, ApiKeyRejection> {
    if has_session(&cookies) {
        return Ok(Json(json!({ "by": "session" })));
    }
    let key = key?;
    Ok(Json(json!({ "by": key.name })))
}

/// A good key and a session.
async fn both(key: ApiKey, cookies: CookieJar) -> Response {
    if has_session(&cookies) {
        Json(json!({ "by": [key.name, "session"] })).into_response()
    } else {
        (StatusCode::UNAUTHORIZED, Json(json!({ "error": "log in first" }))).into_response()
    }
}

/// Stands for the login of an application.
fn has_session(cookies: &CookieJar) -> bool {
    cookies.get("session").is_some_and(|cookie| cookie.value() == "demo")
}
