//! Keys as arguments of handlers.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use apikey_axum::test::authorized;
use apikey_axum::{
    And, ApiKey, ApiKeyRejection, ApiKeys, KeyModel, KeyRecord, NewKey, OptionalApiKey, Or, Rule,
    scopes,
};
use apikey_core::{KeyLocation, MemoryStore};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::FromRef;
use axum::routing::get;
use http::{HeaderMap, Request, Response};
use tower::ServiceExt;

scopes! {
    ReportsRead = "reports:read";
    Export = "export";
    Admin = "admin";
}

fn app(keys: &ApiKeys) -> Router {
    type Key<P> = ApiKey<KeyRecord, P>;
    Router::new()
        .route("/key", get(|key: ApiKey| async move { key.name.clone() }))
        .route("/maybe", get(|key: OptionalApiKey| async move { key.is_some().to_string() }))
        .route("/option", get(|key: Option<ApiKey>| async move { key.is_some().to_string() }))
        .route(
            "/result",
            get(|key: Result<ApiKey, ApiKeyRejection>| async move {
                key.map_or_else(|refused| refused.error().reason().to_string(), |_| "in".into())
            }),
        )
        .route("/reports", get(|_: Key<ReportsRead>| async { "in" }))
        .route("/maybe-reports", get(|_: OptionalApiKey<KeyRecord, ReportsRead>| async { "in" }))
        .route("/admin", get(|_: Key<Admin>| async { "in" }))
        .route("/or", get(|_: Key<Or<ReportsRead, Admin>>| async { "in" }))
        .route("/or-refused", get(|_: Key<Or<Admin, Export>>| async { "in" }))
        .route("/and", get(|_: Key<And<ReportsRead, Admin>>| async { "in" }))
        .route("/rule", get(|_: Key<Rule<ReportsRead>>| async { "in" }))
        .with_state(keys.clone())
}

fn bare(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn with(path: &str, authorization: &str) -> Request<Body> {
    Request::get(path).header("authorization", authorization).body(Body::empty()).unwrap()
}

async fn text(response: Response<Body>) -> String {
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
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
        ("/option", &good, 200, "true"),
        ("/option", none, 200, "false"),
        ("/option", bad, 401, "invalid-api-key"),
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
        let response = app(&keys).oneshot(with(path, authorization)).await.unwrap();
        assert_eq!(response.status(), status, "{path} {authorization}");
        let answer = text(response).await;
        assert!(answer.contains(body), "{path} {authorization}: {answer}");
    }
}

#[tokio::test]
async fn a_refusal_has_the_status_headers_and_body_of_the_core() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("no scopes").await.unwrap();
    let request = authorized(bare("/and"), &created.plaintext);
    let response = app(&keys).oneshot(request).await.unwrap();

    assert_eq!(response.status(), 403);
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(
        headers["www-authenticate"],
        r#"Api-Key realm="api", error="insufficient_scope", scope="reports:read admin""#
    );
    let error = response.extensions().get::<ApiKeyRejection>().unwrap().error().clone();
    assert_eq!(text(response).await, error.body());
}

#[tokio::test]
async fn head_gets_the_same_head_and_no_body() {
    let keys = ApiKeys::in_memory();
    let request = Request::head("/key").body(Body::empty()).unwrap();
    let response = app(&keys).oneshot(request).await.unwrap();
    let get = app(&keys).oneshot(bare("/key")).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers(), get.headers());
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn the_handle_is_found_in_a_larger_state() {
    #[derive(Clone)]
    struct AppState {
        keys: ApiKeys,
    }
    impl FromRef<AppState> for ApiKeys {
        fn from_ref(state: &AppState) -> Self {
            state.keys.clone()
        }
    }

    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let app = Router::new()
        .route("/", get(|key: ApiKey| async move { key.name.clone() }))
        .with_state(AppState { keys });
    let response = app.oneshot(authorized(bare("/"), &created.plaintext)).await.unwrap();
    assert_eq!(text(response).await, "ci");
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

#[tokio::test]
async fn a_handler_sees_its_own_model_and_the_owner() {
    async fn team(key: ApiKey<TeamKey>) -> String {
        let (team, owner) = (key.team, key.owner().copied());
        format!("{team} {owner:?} {}", key.into_inner().record.name)
    }

    let keys = ApiKeys::new(MemoryStore::<TeamKey>::new());
    let created = keys.create(NewKey::new("ci").with(7)).await.unwrap();
    let app = Router::new().route("/", get(team)).with_state(keys);
    let response = app.oneshot(authorized(bare("/"), &created.plaintext)).await.unwrap();
    assert_eq!(text(response).await, "7 Some(7) ci");
}

#[tokio::test]
async fn a_handler_can_check_a_permission_it_learns_late() {
    use apikey_axum::scope;
    use axum::extract::State;

    async fn late(key: ApiKey, State(keys): State<ApiKeys>) -> Result<(), ApiKeyRejection> {
        Ok(keys.authorize(key.verified(), &scope("admin"))?)
    }

    let keys = ApiKeys::in_memory();
    let created = keys.create("no scopes").await.unwrap();
    let app = Router::new().route("/", get(late)).with_state(keys);
    let response = app.oneshot(authorized(bare("/"), &created.plaintext)).await.unwrap();
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn marks_every_header_that_may_hold_a_key_as_sensitive() {
    use apikey_axum::KeyLocation;

    let locations = [KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")];
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).locations(locations);
    let app = Router::new()
        .route(
            "/",
            get(|_: OptionalApiKey, headers: HeaderMap| async move { format!("{headers:?}") }),
        )
        .route(
            "/bad",
            get(|_: Result<ApiKey, ApiKeyRejection>, headers: HeaderMap| async move {
                format!("{headers:?}")
            }),
        )
        .with_state(keys.build().unwrap());

    let foreign = app.clone().oneshot(with("/", "Basic secret")).await.unwrap();
    assert_eq!(text(foreign).await, r#"{"authorization": Sensitive}"#);
    let two = Request::get("/bad").header("x-api-key", "secret").header("x-api-key", "secret");
    let request = two.header("accept", "*/*").body(Body::empty()).unwrap();
    let answer = text(app.oneshot(request).await.unwrap()).await;
    assert!(!answer.contains("secret"), "{answer}");
    assert!(answer.contains("*/*"), "{answer}");
}

/// A pasted key may end in a byte of Latin-1.
#[tokio::test]
async fn a_credential_that_is_not_utf_8_does_not_go_on_without_a_key() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let line = [b"Api-Key ", created.plaintext.expose().as_bytes(), b"\xa0"].concat();
    for path in ["/key", "/maybe", "/option", "/maybe-reports"] {
        let request = Request::get(path).header("authorization", line.as_slice());
        let response = app(&keys).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 401, "{path}");
        assert!(text(response).await.contains("missing-api-key"), "{path}");
    }
}

#[tokio::test]
async fn a_cookie_that_is_not_utf_8_does_not_go_on_without_a_key() {
    let cookie = KeyLocation::from_fn(|head, found| head.header_lines("cookie", found));
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).locations([cookie]);
    let keys = keys.build().unwrap();
    for path in ["/key", "/maybe", "/option", "/maybe-reports"] {
        let request = Request::get(path).header("cookie", b"api_key=\xa0".as_slice());
        let response = app(&keys).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 401, "{path}");
        assert!(text(response).await.contains("missing-api-key"), "{path}");
    }
}
