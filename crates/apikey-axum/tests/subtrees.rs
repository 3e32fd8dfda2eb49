//! `guarded`: everything under a path.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use apikey_axum::test::authorized;
use apikey_axum::{AnyKey, ApiKeys, NewKey, guarded, require, scope};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::routing::get;
use http::{HeaderMap, Method, Request, StatusCode};
use tower::{Layer, ServiceExt};

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

/// An application with a subtree, and a key that opens it.
struct Fixture {
    app: Router,
    key: apikey_core::PlaintextKey,
}

impl Fixture {
    async fn new(subtree: Router<ApiKeys>) -> Self {
        Self::nested(|guard| Router::new().nest("/reports", guard(subtree))).await
    }

    async fn nested<F>(build: F) -> Self
    where
        F: FnOnce(&dyn Fn(Router<ApiKeys>) -> Router<ApiKeys>) -> Router<ApiKeys>,
    {
        let keys = ApiKeys::in_memory();
        let created = keys.create(NewKey::new("ci").scopes(["reports:read"])).await.unwrap();
        let app = build(&|router| guarded(router, &keys, scope("reports:read")));
        Self { app: app.with_state(keys), key: created.plaintext }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn anonymous(&self, method: Method, path: &str) -> Answer {
        self.send(request(method, path)).await
    }

    async fn with_key(&self, method: Method, path: &str) -> Answer {
        self.send(authorized(request(method, path), &self.key)).await
    }
}

fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
}

fn reports() -> Router<ApiKeys> {
    Router::new()
        .route("/", get(|| async { "all reports" }))
        .route("/{id}", get(|| async { "one report" }).post(|| async { "changed" }))
        .nest("/archive", Router::new().route("/{year}", get(|| async { "a year" })))
}

#[tokio::test]
async fn nothing_below_answers_without_a_key() {
    let fixture = Fixture::new(reports()).await;
    for path in ["/reports", "/reports/7", "/reports/archive/1999", "/reports/a/b/c", "/reports//"]
    {
        for method in [Method::GET, Method::DELETE, Method::OPTIONS, Method::POST, Method::HEAD] {
            let answer = fixture.anonymous(method.clone(), path).await;
            assert_eq!(answer.status, 401, "{method} {path}");
            assert_eq!(answer.headers["www-authenticate"], r#"Api-Key realm="api""#);
        }
    }
}

#[tokio::test]
async fn a_key_sees_what_stands_there_without_the_guard() {
    let fixture = Fixture::new(reports()).await;
    let open = Fixture::nested(|_| Router::new().nest("/reports", reports())).await;
    for path in ["/reports", "/reports/7", "/reports/archive/1999", "/reports/a/b/c", "/reports/"] {
        for method in [Method::GET, Method::DELETE, Method::OPTIONS, Method::POST, Method::HEAD] {
            let answer = fixture.with_key(method.clone(), path).await;
            let expected = open.with_key(method.clone(), path).await;
            assert_eq!(answer.status, expected.status, "{method} {path}");
            let allow = |answer: &Answer| answer.headers.get("allow").cloned();
            assert_eq!(allow(&answer), allow(&expected), "{method} {path}");
            assert_eq!(answer.body, expected.body, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_has_an_empty_body() {
    let fixture = Fixture::new(reports()).await;
    let nowhere = fixture.with_key(Method::GET, "/reports/a/b/c").await;
    assert_eq!((nowhere.status, &*nowhere.body), (404, ""));
    let not_allowed = fixture.with_key(Method::DELETE, "/reports").await;
    assert_eq!((not_allowed.status, &*not_allowed.body), (405, ""));
    assert_eq!(not_allowed.headers["allow"], "GET,HEAD");
}

#[tokio::test]
async fn a_fallback_of_the_subtree_is_kept_and_guarded() {
    async fn lost(State(keys): State<ApiKeys>, request: Request<Body>) -> (StatusCode, String) {
        (StatusCode::NOT_FOUND, format!("{} {}", request.uri(), keys.locations().len()))
    }
    let archive = Router::new().fallback(|| async { "archive fallback" });
    let fixture = Fixture::new(reports().fallback(lost).nest("/old", archive)).await;

    assert_eq!(fixture.anonymous(Method::GET, "/reports/a/b").await.status, 401);
    assert_eq!(fixture.anonymous(Method::GET, "/reports/old/b").await.status, 401);
    assert_eq!(fixture.with_key(Method::GET, "/reports/a/b").await.body, "/a/b 1");
    assert_eq!(fixture.with_key(Method::GET, "/reports/old/b").await.body, "archive fallback");
}

#[tokio::test]
async fn a_fallback_for_methods_is_kept_and_guarded() {
    let subtree = reports().method_not_allowed_fallback(|| async { "not this way" });
    let fixture = Fixture::new(subtree).await;
    assert_eq!(fixture.anonymous(Method::DELETE, "/reports").await.status, 401);
    assert_eq!(fixture.with_key(Method::DELETE, "/reports").await.body, "not this way");
}

#[tokio::test]
async fn the_fallback_of_the_router_around_it_does_not_reach_in() {
    let fixture = Fixture::nested(|guard| {
        Router::new().nest("/reports", guard(reports())).fallback(|| async { "outer" })
    })
    .await;
    assert_eq!(fixture.anonymous(Method::GET, "/elsewhere").await.body, "outer");
    assert_eq!(fixture.anonymous(Method::GET, "/reports/a/b").await.status, 401);
    assert_eq!(fixture.with_key(Method::GET, "/reports/a/b").await.status, 404);
    // Axum does not count this path among those nested at `/reports`.
    assert_eq!(fixture.anonymous(Method::GET, "/reports/").await.body, "outer");
}

/// Pinned, so that the warning in the documentation is known to be true: Axum looks for a route in the
/// whole application before it looks for the fallback of a subtree.
#[tokio::test]
async fn a_wildcard_of_the_router_around_it_answers_unknown_paths_below() {
    let fixture = Fixture::nested(|guard| {
        Router::new().route("/{*path}", get(async || "outer")).nest("/reports", guard(reports()))
    })
    .await;
    for (path, is_outer) in [
        ("/reports", false),
        ("/reports/7", false),
        ("/reports/archive/1999", false),
        ("/reports/a/b/c", true),
        ("/reports/7/x", true),
    ] {
        let answer = fixture.anonymous(Method::GET, path).await;
        let expected = if is_outer { 200 } else { 401 };
        assert_eq!((answer.status, answer.body == "outer"), (expected, is_outer), "{path}");
    }
    let two = Router::new().route("/{section}/{id}", get(async || "outer"));
    let archive = Router::new().route("/archive/{year}", get(async || "a year"));
    let fixture = Fixture::nested(|guard| two.nest("/reports", guard(archive))).await;
    assert_eq!(fixture.anonymous(Method::GET, "/reports/archive/1999").await.status, 401);
    assert_eq!(fixture.anonymous(Method::GET, "/reports/7").await.body, "outer");
    // Nor do its methods, which the guard has no chance to refuse.
    assert_eq!(fixture.anonymous(Method::DELETE, "/reports/7").await.status, 405);
}

#[tokio::test]
async fn the_fallback_for_methods_of_the_router_around_it_does_not_reach_in() {
    let fixture = Fixture::nested(|guard| {
        Router::new()
            .route("/elsewhere", get(async || "outer"))
            .nest("/reports", guard(reports()))
            .method_not_allowed_fallback(async || "outer, not this way")
    })
    .await;
    let outer = fixture.anonymous(Method::DELETE, "/elsewhere").await;
    assert_eq!(outer.body, "outer, not this way");
    for path in ["/reports", "/reports/7", "/reports/archive/1999"] {
        assert_eq!(fixture.anonymous(Method::DELETE, path).await.status, 401, "{path}");
        let not_allowed = fixture.with_key(Method::DELETE, path).await;
        assert_eq!((not_allowed.status, &*not_allowed.body), (405, ""), "{path}");
        assert!(not_allowed.headers.contains_key("allow"), "{path}");
    }
}

#[tokio::test]
async fn methods_of_one_path_may_be_inside_and_outside() {
    let fixture = Fixture::nested(|guard| {
        Router::new()
            .route("/reports", axum::routing::post(async || "open"))
            .nest("/reports", guard(reports()))
    })
    .await;
    assert_eq!(fixture.anonymous(Method::POST, "/reports").await.body, "open");
    assert_eq!(fixture.anonymous(Method::GET, "/reports").await.status, 401);
    assert_eq!(fixture.anonymous(Method::DELETE, "/reports").await.status, 401);
}

#[tokio::test]
async fn a_subtree_without_routes_is_guarded() {
    let fixture = Fixture::new(Router::new()).await;
    assert_eq!(fixture.anonymous(Method::GET, "/reports").await.status, 401);
    assert_eq!(fixture.with_key(Method::GET, "/reports").await.status, 404);
}

#[tokio::test]
async fn a_whole_application_is_guarded() {
    let fixture = Fixture::nested(|guard| guard(reports())).await;
    for path in ["/", "/7", "/a/b/c"] {
        assert_eq!(fixture.anonymous(Method::GET, path).await.status, 401, "{path}");
    }
    assert_eq!(fixture.with_key(Method::GET, "/").await.body, "all reports");
    assert_eq!(fixture.with_key(Method::GET, "/a/b/c").await.status, 404);
}

#[tokio::test]
async fn a_subtree_within_a_subtree_needs_both() {
    let fixture = Fixture::nested(|guard| {
        let keys = ApiKeys::in_memory();
        let inner = guarded(reports(), &keys, scope("reports:read"));
        Router::new().nest("/reports", guard(Router::new().nest("/inner", inner)))
    })
    .await;
    assert_eq!(fixture.anonymous(Method::GET, "/reports/inner").await.status, 401);
    // The key is good for the outer handle, and unknown to the inner one.
    let answer = fixture.with_key(Method::GET, "/reports/inner/a/b").await;
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("invalid-api-key"));
}

/// The strict form, in a router that answers whatever nobody else does.
#[tokio::test]
async fn as_a_service_a_subtree_is_closed_to_wildcards_and_hides_its_routes() {
    let keys = ApiKeys::in_memory();
    let guarded = require(&keys, AnyKey).layer(reports().with_state::<()>(keys.clone()));
    let key = keys.create("ci").await.unwrap().plaintext;
    let app = Router::new()
        .route("/{*path}", get(async || "outer"))
        .nest_service("/reports", guarded)
        .route("/reports/open", get(async || "spelled out"))
        .method_not_allowed_fallback(async || "outer, not this way");
    let fixture = Fixture { app, key };

    assert_eq!(fixture.anonymous(Method::GET, "/elsewhere").await.body, "outer");
    assert_eq!(fixture.anonymous(Method::GET, "/reports/open").await.body, "spelled out");
    for path in ["/reports", "/reports/", "/reports/7", "/reports/a/b/c"] {
        let answer = fixture.anonymous(Method::DELETE, path).await;
        assert_eq!((answer.status, answer.headers.get("allow")), (401, None), "{path}");
    }
    assert_eq!(fixture.with_key(Method::GET, "/reports").await.body, "all reports");
    assert_eq!(fixture.with_key(Method::GET, "/reports/a/b/c").await.status, 404);
    let not_allowed = fixture.with_key(Method::DELETE, "/reports/7").await;
    assert_eq!(not_allowed.headers["allow"], "GET,HEAD,POST");
}
