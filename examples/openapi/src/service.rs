//! The service, its description, and the page that shows it.

use apikey_axum::apikey_core::openapi::Security;
use apikey_axum::{ApiKey, ApiKeys, KeyRecord, scopes};
use axum::{Router, routing::get};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

scopes! { pub(crate) ReportsRead = "reports:read"; }

#[derive(OpenApi)]
#[openapi(info(title = "Reports"), paths(whoami, reports))]
struct Description;

/// Serves the operations, the document at `/openapi.json` and the page at `/docs`, none of which is hidden.
pub(crate) fn app(keys: ApiKeys) -> Router {
    let mut description = Description::openapi();
    Security::of(&keys).modify(&mut description);
    Router::new()
        .route("/whoami", get(whoami))
        .route("/reports", get(reports))
        .merge(SwaggerUi::new("/docs").url("/openapi.json", description))
        .with_state(keys)
}

/// The name of the key.
#[utoipa::path(
    get,
    path = "/whoami",
    responses((status = 200, description = "The name", body = String)),
    security(("ApiKey" = []))
)]
async fn whoami(key: ApiKey) -> String {
    key.name.clone()
}

/// All reports.
#[utoipa::path(
    get,
    path = "/reports",
    responses((status = 200, description = "The reports", body = String)),
    security(("ApiKey" = ["reports:read"]))
)]
async fn reports(key: ApiKey<KeyRecord, ReportsRead>) -> String {
    format!("the reports for {}", key.name)
}

#[cfg(test)]
mod tests {
    use apikey_axum::apikey_core::{MemoryStore, PlaintextKey};
    use apikey_axum::{KeyLocation, NewKey};
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::http::request::Builder;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    async fn app_and_key() -> (Router, PlaintextKey) {
        let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
            .locations([KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")])
            .build()
            .unwrap();
        let created = keys.create(NewKey::new("reader").scopes(["reports:read"])).await.unwrap();
        (app(keys), created.plaintext)
    }

    async fn send(app: &Router, request: Builder) -> (u16, String) {
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn document(app: &Router) -> Value {
        let (status, json) = send(app, Request::get("/openapi.json")).await;
        assert_eq!(status, 200);
        serde_json::from_str(&json).unwrap()
    }

    /// What a person types who does as the scheme's description says.
    fn typed(scheme: &Value, key: &PlaintextKey) -> String {
        let description = scheme["description"].as_str().unwrap();
        let quoted = description.split('`').nth(1);
        quoted.unwrap_or("<key>").replace("<key>", key.expose())
    }

    #[tokio::test]
    async fn the_page_shows_the_document_to_anyone() {
        let (app, _) = app_and_key().await;
        let (status, page) = send(&app, Request::get("/docs/")).await;
        assert_eq!(status, 200);
        assert!(page.contains("swagger-ui-bundle.js"), "{page}");
        let (status, script) = send(&app, Request::get("/docs/swagger-initializer.js")).await;
        assert_eq!(status, 200);
        assert!(script.contains("/openapi.json"), "{script}");
        assert_eq!(document(&app).await["info"]["title"], "Reports");
    }

    #[tokio::test]
    async fn every_scheme_of_the_document_opens_every_operation() {
        let (app, key) = app_and_key().await;
        let document = document(&app).await;
        let schemes = document["components"]["securitySchemes"].as_object().unwrap();
        assert_eq!(schemes.len(), 2);
        for (path, operations) in document["paths"].as_object().unwrap() {
            let alternatives = operations["get"]["security"].as_array().unwrap();
            assert_eq!(alternatives.len(), schemes.len(), "{path}");
            for name in alternatives.iter().flat_map(|one| one.as_object().unwrap().keys()) {
                let header = schemes[name]["name"].as_str().unwrap();
                let request = Request::get(path).header(header, typed(&schemes[name], &key));
                let (status, body) = send(&app, request).await;
                assert_eq!(status, 200, "{path} by {name}: {body}");
            }
        }
    }

    #[tokio::test]
    async fn a_request_without_a_key_is_refused_as_the_document_says() {
        let (app, _) = app_and_key().await;
        let (status, body) = send(&app, Request::get("/reports")).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        let document = document(&app).await;
        let described = &document["components"]["responses"][format!("ApiKey{status}")];
        let examples = &described["content"]["application/problem+json"]["examples"];
        assert_eq!(examples["missing-api-key"]["value"], body);
    }
}
