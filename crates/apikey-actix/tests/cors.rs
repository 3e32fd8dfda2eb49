//! CORS around the guard, in the order that the documentation demands.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use apikey_actix::{AnyKey, ApiKeys, require};

const ORIGIN: &str = "https://app.example";

#[actix_web::test]
async fn a_preflight_needs_no_key_and_a_refusal_can_be_read() {
    let cors = Cors::default()
        .allowed_origin(ORIGIN)
        .allowed_methods(["GET"])
        .allowed_header("authorization");
    let reports = web::scope("/reports").route("", web::get().to(async || "reports"));
    let guarded = reports.wrap(require(&ApiKeys::in_memory(), AnyKey)).wrap(cors);
    let app = init_service(App::new().service(guarded)).await;

    let preflight = TestRequest::with_uri("/reports")
        .method(Method::OPTIONS)
        .insert_header(("origin", ORIGIN))
        .insert_header(("access-control-request-method", "GET"))
        .insert_header(("access-control-request-headers", "authorization"));
    let bare = TestRequest::with_uri("/reports").insert_header(("origin", ORIGIN));
    for (request, status) in [(preflight, 200), (bare, 401)] {
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers().get("access-control-allow-origin").unwrap(), ORIGIN);
    }
}
