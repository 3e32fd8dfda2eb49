//! Keys as arguments of handlers.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, Error, HttpMessage, HttpRequest, web};
use apikey_actix::test::authorized;
use apikey_actix::{
    And, AnyKey, ApiKey, ApiKeyRejection, ApiKeys, KeyModel, KeyRecord, NewKey, OptionalApiKey, Or,
    Rule, require, scope, scopes,
};
use apikey_conformance::{Operation, SpyStore};
use apikey_core::{KeyLocation, MemoryStore};
use futures::FutureExt;

scopes! {
    ReportsRead = "reports:read";
    Export = "export";
    Admin = "admin";
}

type Tried = Result<ApiKey, ApiKeyRejection>;

fn routes(service: &mut web::ServiceConfig) {
    type Key<P> = ApiKey<KeyRecord, P>;
    service
        .route("/key", web::get().to(async |key: ApiKey| key.name.clone()))
        .route("/maybe", web::get().to(async |key: OptionalApiKey| key.is_some().to_string()))
        .route(
            "/result",
            web::get().to(async |key: Tried| {
                key.map_or_else(|refused| refused.error().reason().to_string(), |_| "in".into())
            }),
        )
        .route("/reports", web::get().to(async |_: Key<ReportsRead>| "in"))
        .route(
            "/maybe-reports",
            web::get().to(async |_: OptionalApiKey<KeyRecord, ReportsRead>| "in"),
        )
        .route("/admin", web::get().to(async |_: Key<Admin>| "in"))
        .route("/or", web::get().to(async |_: Key<Or<ReportsRead, Admin>>| "in"))
        .route("/or-refused", web::get().to(async |_: Key<Or<Admin, Export>>| "in"))
        .route("/and", web::get().to(async |_: Key<And<ReportsRead, Admin>>| "in"))
        .route("/rule", web::get().to(async |_: Key<Rule<ReportsRead>>| "in"));
}

/// Sends a request to `routes`.
async fn ask(keys: &ApiKeys, request: TestRequest) -> ServiceResponse {
    let app = App::new().app_data(web::Data::new(keys.clone())).configure(routes);
    call_service(&init_service(app).await, request.to_request()).await
}

fn bare(path: &str) -> TestRequest {
    TestRequest::with_uri(path)
}

fn with(path: &str, authorization: &str) -> TestRequest {
    bare(path).insert_header(("authorization", authorization))
}

async fn text<B: MessageBody>(response: ServiceResponse<B>) -> String {
    String::from_utf8(read_body(response).await.to_vec()).unwrap()
}

#[actix_web::test]
async fn every_extractor_means_what_it_says() {
    let keys = ApiKeys::in_memory();
    let created = keys.create(NewKey::new("ci").scopes(["reports:read"])).await.unwrap();
    let good = format!("Api-Key {}", created.plaintext.expose());
    let (none, foreign, bad) = ("", "Basic dXNlcjpwYXNz", "Api-Key AAAAAAAA.wrong");

    for (path, authorization, status, body) in [
        ("/key", &*good, 200, "ci"),
        ("/key", none, 401, "missing-api-key"),
        ("/key", foreign, 401, "missing-api-key"),
        ("/key", bad, 401, "invalid-api-key"),
        ("/maybe", &good, 200, "true"),
        ("/maybe", none, 200, "false"),
        ("/maybe", bad, 401, "invalid-api-key"),
        ("/result", &good, 200, "in"),
        ("/result", none, 200, "missing"),
        ("/result", bad, 200, "malformed"),
        ("/reports", &good, 200, "in"),
        ("/reports", none, 401, "missing-api-key"),
        ("/maybe-reports", none, 200, "in"),
        ("/admin", &good, 403, "insufficient-scope"),
        ("/or", &good, 200, "in"),
        ("/or-refused", &good, 403, "insufficient-scope"),
        ("/and", &good, 403, "insufficient-scope"),
        ("/rule", &good, 200, "in"),
    ] {
        let response = ask(&keys, with(path, authorization)).await;
        assert_eq!(response.status(), status, "{path} {authorization}");
        let answer = text(response).await;
        assert!(answer.contains(body), "{path} {authorization}: {answer}");
    }
}

#[actix_web::test]
async fn a_refusal_has_the_status_headers_and_body_of_the_core() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("no scopes").await.unwrap();
    let response = ask(&keys, authorized(bare("/and"), &created.plaintext)).await;

    assert_eq!(response.status(), 403);
    let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap();
    assert_eq!(header("content-type"), "application/problem+json");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(
        header("www-authenticate"),
        r#"Api-Key realm="api", error="insufficient_scope", scope="reports:read admin""#
    );
    let error = response.response().extensions().get::<ApiKeyRejection>().unwrap().error().clone();
    assert_eq!(text(response).await, error.body());
}

#[actix_web::test]
async fn the_option_of_actix_swallows_every_refusal() {
    async fn seen(key: Option<ApiKey>) -> String {
        key.is_some().to_string()
    }

    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    keys.revoke(&created.key.prefix).await.unwrap();
    let app = App::new().app_data(web::Data::new(keys)).route("/", web::get().to(seen));
    let app = init_service(app).await;
    for request in [bare("/"), authorized(bare("/"), &created.plaintext)] {
        let response = call_service(&app, request.to_request()).await;
        assert_eq!((response.status().as_u16(), &*text(response).await), (200, "false"));
    }
    // Not even a missing handle is told.
    let app = init_service(App::new().route("/", web::get().to(seen))).await;
    assert_eq!(text(call_service(&app, bare("/").to_request()).await).await, "false");
}

#[derive(Debug, Clone)]
struct TeamKey {
    record: KeyRecord,
    team: i32,
}

impl KeyModel for TeamKey {
    type Id = i64;
    type Owner = i32;
    type Extra = i32;

    fn record(&self) -> &KeyRecord {
        &self.record
    }

    fn from_parts(record: KeyRecord, team: i32) -> Self {
        Self { record, team }
    }

    fn extra(&self) -> i32 {
        self.team
    }

    fn owner(&self) -> Option<&i32> {
        Some(&self.team)
    }

    fn owner_of(team: &i32) -> Option<&i32> {
        Some(team)
    }
}

#[actix_web::test]
async fn a_handler_sees_its_own_model_and_the_owner() {
    async fn team(key: ApiKey<TeamKey>) -> String {
        let (team, owner) = (key.team, key.owner().copied());
        format!("{team} {owner:?} {}", key.into_inner().record.name)
    }

    let keys = ApiKeys::new(MemoryStore::<TeamKey>::new());
    let created = keys.create(NewKey::new("ci").with(7)).await.unwrap();
    let app = App::new().route("/", web::get().to(team)).app_data(web::Data::new(keys));
    let request = authorized(bare("/"), &created.plaintext).to_request();
    let response = call_service(&init_service(app).await, request).await;
    assert_eq!(text(response).await, "7 Some(7) ci");
}

#[actix_web::test]
async fn what_a_guard_has_found_out_waits_for_no_other_model() {
    let store = Arc::<SpyStore<MemoryStore<TeamKey>>>::default();
    let (keys, teams) = (ApiKeys::in_memory(), ApiKeys::new(Arc::clone(&store)));
    let created = keys.create("no scopes").await.unwrap();
    let both = async |_: ApiKey<TeamKey>, _: ApiKey<KeyRecord, Admin>| "in";
    let guarded = web::resource("/").wrap(require(&keys, AnyKey));
    let app = App::new().service(guarded.get(both)).app_data(keys).app_data(teams);
    let app = init_service(app).await;

    let _held = store.hold(Operation::FindByPrefix, 1);
    let response = app.call(authorized(bare("/"), &created.plaintext).to_request());
    let response = response.now_or_never().expect("the first extractor waits for its store");
    assert_eq!(response.unwrap().status(), 403);
    assert_eq!(store.begun(Operation::FindByPrefix), 1);
}

#[actix_web::test]
async fn a_handler_can_check_a_permission_it_learns_late() {
    async fn late(key: ApiKey, keys: web::Data<ApiKeys>) -> Result<&'static str, ApiKeyRejection> {
        keys.authorize(key.verified(), &scope("admin"))?;
        Ok("in")
    }

    let keys = ApiKeys::in_memory();
    let created = keys.create("no scopes").await.unwrap();
    let app = App::new().route("/", web::get().to(late)).app_data(web::Data::new(keys));
    let request = authorized(bare("/"), &created.plaintext).to_request();
    assert_eq!(call_service(&init_service(app).await, request).await.status(), 403);
}

#[actix_web::test]
async fn an_extractor_serves_in_front_of_the_router_too() {
    async fn named(
        key: ApiKey,
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let response = next.call(request).await?;
        Ok(response.map_body(|_, _| format!("for {}", key.name)))
    }

    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let app = App::new().wrap(from_fn(named)).app_data(web::Data::new(keys)).configure(routes);
    let app = init_service(app).await;
    let request = authorized(bare("/nowhere"), &created.plaintext).to_request();
    let response = call_service(&app, request).await;
    assert_eq!((response.status().as_u16(), &*text(response).await), (404, "for ci"));
    let refused = app.call(bare("/key").to_request()).await.err().unwrap();
    assert!(refused.as_error::<ApiKeyRejection>().is_some());
}

#[actix_web::test]
async fn the_debug_output_of_a_key_and_of_the_request_shows_no_secret() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let show = async |key: ApiKey, maybe: OptionalApiKey, request: HttpRequest| {
        format!("{key:?} {maybe:?} {request:?}")
    };
    let app = App::new().route("/", web::get().to(show)).app_data(web::Data::new(keys));
    let request = authorized(bare("/"), &created.plaintext).to_request();
    let sent = format!("{:?}", request.headers());
    let shown = text(call_service(&init_service(app).await, request).await).await;
    let (_, secret) = created.plaintext.expose().split_once('.').unwrap();
    assert!(shown.contains("ci") && !shown.contains(secret), "{shown}");
    assert!(sent.contains("Sensitive") && !sent.contains(secret), "{sent}");
}

/// A pasted key may end in a byte of Latin-1.
#[actix_web::test]
async fn a_credential_that_is_not_utf_8_does_not_go_on_without_a_key() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let line = [b"Api-Key ", created.plaintext.expose().as_bytes(), b"\xa0"].concat();
    let line = HeaderValue::from_bytes(&line).unwrap();
    for path in ["/key", "/maybe", "/maybe-reports"] {
        let response = ask(&keys, bare(path).insert_header((AUTHORIZATION, line.clone()))).await;
        assert_eq!(response.status(), 401, "{path}");
        let body = read_body(response).await;
        assert!(String::from_utf8_lossy(&body).contains("missing-api-key"), "{path}");
    }
}

#[actix_web::test]
async fn a_cookie_that_is_not_utf_8_does_not_go_on_without_a_key() {
    let cookie = KeyLocation::from_fn(|head, found| head.header_lines("cookie", found));
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).locations([cookie]);
    let keys = keys.build().unwrap();
    let line = HeaderValue::from_bytes(b"api_key=\xa0").unwrap();
    for path in ["/key", "/maybe", "/maybe-reports"] {
        let response = ask(&keys, bare(path).insert_header((COOKIE, line.clone()))).await;
        assert_eq!(response.status(), 401, "{path}");
        assert!(text(response).await.contains("missing-api-key"), "{path}");
    }
}
