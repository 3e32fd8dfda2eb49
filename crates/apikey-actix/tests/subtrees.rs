//! `require` around a scope: everything under a path.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use actix_web::dev::{HttpServiceFactory, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::{NormalizePath, TrailingSlash};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpResponse, web};
use apikey_actix::test::authorized;
use apikey_actix::{ApiKeys, NewKey, Require, require, scope};
use apikey_core::PlaintextKey;

const METHODS: [Method; 5] =
    [Method::GET, Method::DELETE, Method::OPTIONS, Method::POST, Method::HEAD];

const BELOW: [&str; 7] = [
    "/reports",
    "/reports/",
    "/reports/7",
    "/reports/archive/1999",
    "/reports/a/b/c",
    "/reports//",
    "/%72eports/7",
];

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

/// A handle, and a key that opens what it guards.
struct Fixture {
    keys: ApiKeys,
    key: PlaintextKey,
}

impl Fixture {
    async fn new() -> Self {
        let keys = ApiKeys::in_memory();
        let created = keys.create(NewKey::new("ci").scopes(["reports:read"])).await.unwrap();
        Self { keys, key: created.plaintext }
    }

    fn guard(&self) -> Require<apikey_actix::KeyRecord> {
        require(&self.keys, scope("reports:read"))
    }

    /// Asks an application that consists of one service.
    async fn ask(
        &self,
        service: impl HttpServiceFactory + 'static,
        method: &Method,
        path: &str,
        with_key: Key,
    ) -> Answer {
        let app = App::new()
            .service(service)
            .default_service(web::to(async || HttpResponse::NotFound().body("outer")));
        let request = TestRequest::with_uri(path).method(method.clone());
        let request = match with_key {
            Key::Sent => authorized(request, &self.key),
            Key::Absent => request,
        };
        answer(call_service(&init_service(app).await, request.to_request()).await).await
    }
}

#[derive(Clone, Copy)]
enum Key {
    Sent,
    Absent,
}

async fn answer(response: ServiceResponse) -> Answer {
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: String::from_utf8(read_body(response).await.to_vec()).unwrap(),
    }
}

fn reports() -> actix_web::Scope {
    web::scope("/reports")
        .route("", web::get().to(async || "all reports"))
        .service(web::scope("/archive").route("/{year}", web::get().to(async || "a year")))
        .service(web::resource("/{id}").get(async || "one report").post(async || "changed"))
}

#[actix_web::test]
async fn nothing_below_answers_without_a_key() {
    let fixture = Fixture::new().await;
    for path in BELOW {
        for method in &METHODS {
            let guarded = reports().wrap(fixture.guard());
            let answer = fixture.ask(guarded, method, path, Key::Absent).await;
            assert_eq!(answer.status, 401, "{method} {path}");
            let challenge = answer.headers.get("www-authenticate").unwrap();
            assert_eq!(challenge, r#"Api-Key realm="api""#);
            assert!(!answer.headers.contains_key("allow"), "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn a_key_sees_what_stands_there_without_the_guard() {
    let fixture = Fixture::new().await;
    for path in BELOW {
        for method in &METHODS {
            let guarded = reports().wrap(fixture.guard());
            let answer = fixture.ask(guarded, method, path, Key::Sent).await;
            let expected = fixture.ask(reports(), method, path, Key::Sent).await;
            assert_eq!(answer.status, expected.status, "{method} {path}");
            let allow = |answer: &Answer| answer.headers.get("allow").cloned();
            assert_eq!(allow(&answer), allow(&expected), "{method} {path}");
            assert_eq!(answer.body, expected.body, "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn the_path_of_a_scope_is_found_with_and_without_a_slash() {
    let fixture = Fixture::new().await;
    let both = || {
        web::scope("/reports")
            .route("", web::get().to(async || "bare"))
            .route("/", web::get().to(async || "slash"))
            .wrap(fixture.guard())
    };
    for (path, body) in [("/reports", "bare"), ("/reports/", "slash")] {
        assert_eq!(fixture.ask(both(), &Method::GET, path, Key::Sent).await.body, body);
        assert_eq!(fixture.ask(both(), &Method::GET, path, Key::Absent).await.status, 401);
    }
    // A longer name is another path.
    for path in ["/reportsx", "/reports-old/7", "//reports"] {
        let answer = fixture.ask(both(), &Method::GET, path, Key::Absent).await;
        assert_eq!((answer.status, &*answer.body), (404, "outer"), "{path}");
    }
}

#[actix_web::test]
async fn a_normalized_path_is_guarded() {
    let fixture = Fixture::new().await;
    let app = App::new()
        .service(reports().wrap(fixture.guard()))
        .wrap(NormalizePath::new(TrailingSlash::Trim));
    let app = init_service(app).await;
    for path in ["/reports/7/", "//reports/7", "/reports//7"] {
        let request = TestRequest::with_uri(path);
        assert_eq!(call_service(&app, request.to_request()).await.status(), 401, "{path}");
        let request = authorized(TestRequest::with_uri(path), &fixture.key);
        assert_eq!(call_service(&app, request.to_request()).await.status(), 200, "{path}");
    }
}

#[actix_web::test]
async fn the_default_service_of_the_application_is_guarded_below() {
    let fixture = Fixture::new().await;
    let guarded = || reports().wrap(fixture.guard());
    let ask = async |path, key| fixture.ask(guarded(), &Method::GET, path, key).await;
    assert_eq!(ask("/elsewhere", Key::Absent).await.body, "outer");
    assert_eq!(ask("/reports/a/b", Key::Absent).await.status, 401);
    assert_eq!(ask("/reports/a/b", Key::Sent).await.body, "outer");
}

#[actix_web::test]
async fn a_default_service_of_the_subtree_is_kept_and_guarded() {
    let fixture = Fixture::new().await;
    let guarded = || {
        let lost = web::to(async || HttpResponse::NotFound().body("lost"));
        reports().default_service(lost).wrap(fixture.guard())
    };
    let ask = async |key| fixture.ask(guarded(), &Method::GET, "/reports/a/b", key).await;
    assert_eq!(ask(Key::Absent).await.status, 401);
    assert_eq!(ask(Key::Sent).await.body, "lost");
}

#[actix_web::test]
async fn a_subtree_without_routes_is_guarded() {
    let fixture = Fixture::new().await;
    let guarded = || web::scope("/reports").wrap(fixture.guard());
    let ask = async |key| fixture.ask(guarded(), &Method::GET, "/reports", key).await;
    assert_eq!(ask(Key::Absent).await.status, 401);
    assert_eq!(ask(Key::Sent).await.status, 404);
}

#[actix_web::test]
async fn a_subtree_within_a_subtree_needs_both() {
    let fixture = Fixture::new().await;
    let other = Fixture::new().await;
    let nested = || {
        let inner = web::scope("/inner").route("", web::get().to(async || "in"));
        web::scope("/reports").service(inner.wrap(other.guard())).wrap(fixture.guard())
    };
    let ask = async |key| fixture.ask(nested(), &Method::GET, "/reports/inner", key).await;
    assert_eq!(ask(Key::Absent).await.status, 401);
    // The key is good for the outer handle, and unknown to the inner one.
    let answer = ask(Key::Sent).await;
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("invalid-api-key"));
}
