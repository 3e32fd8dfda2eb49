//! The standard application, served with Axum.

#![expect(clippy::unwrap_used, reason = "a server that does not start fails the test")]

use apikey_axum::{AnyKey, ApiKey, ApiKeyRejection, OptionalApiKey, guarded, require, rule, scope};
use apikey_conformance::{Harness, Running, Service};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header::COOKIE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) struct Axum;

impl Harness for Axum {
    async fn serve(service: Service) -> Running {
        serve(application(service)).await
    }
}

pub(crate) async fn serve(app: Router) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await });
    Running::new(address, server)
}

fn application(Service { keys, other, .. }: Service) -> Router {
    let reports = Router::new().route("/", get(protected));
    Router::new()
        .route("/public", get(|| async { "open" }))
        .route("/protected", get(protected))
        .nest("/reports", guarded(reports, &keys, scope("reports:read")))
        .route("/admin/secrets", get(|| async { "secrets" }).layer(require(&keys, scope("admin"))))
        .route("/either", get(either))
        .route("/both", get(both))
        .route("/optional", get(optional))
        .route(
            "/internal",
            get(|| async { "internal" }).layer(require(&keys, rule(Service::is_internal))),
        )
        .route("/panic", get(panic))
        .route("/unconfigured", get(|| async { ApiKeyRejection::from(Service::not_configured()) }))
        .route("/other", get(protected).layer(require(&other, AnyKey)))
        .with_state(keys)
}

async fn protected(key: ApiKey) -> String {
    Service::protected_body(&key)
}

async fn optional(key: OptionalApiKey) -> String {
    Service::optional_body(key.as_deref())
}

async fn either(key: Result<ApiKey, ApiKeyRejection>, headers: HeaderMap) -> Response {
    match key {
        Err(rejection) if !has_session(&headers) => rejection.into_response(),
        _ => "in".into_response(),
    }
}

async fn both(_key: ApiKey, headers: HeaderMap) -> Response {
    if has_session(&headers) {
        "in".into_response()
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

/// The connection ends: its task panics, too.
async fn panic(_key: ApiKey) -> String {
    Service::panic()
}

fn has_session(headers: &HeaderMap) -> bool {
    headers.get_all(COOKIE).iter().any(|line| line.to_str().is_ok_and(Service::is_session))
}
