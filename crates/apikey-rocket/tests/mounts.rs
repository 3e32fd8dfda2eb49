//! `require`: everything under a path.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use apikey_core::PlaintextKey;
use apikey_rocket::test::authorized;
use apikey_rocket::{ApiKeys, NewKey, fairing, require, rule, scope};
use rocket::http::{ContentType, Method, Status};
use rocket::local::asynchronous::{Client, LocalRequest};
use rocket::{Build, Rocket, Route, delete, get, post, routes};

const METHODS: [Method; 9] = [
    Method::Get,
    Method::Put,
    Method::Post,
    Method::Delete,
    Method::Options,
    Method::Head,
    Method::Trace,
    Method::Connect,
    Method::Patch,
];

/// An application with a guarded mount, and a key that opens it.
struct Fixture {
    client: Client,
    key: PlaintextKey,
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    challenge: Option<String>,
    body: String,
}

impl Fixture {
    async fn new(
        build: impl FnOnce(Rocket<Build>, &dyn Fn(Vec<Route>) -> Vec<Route>) -> Rocket<Build>,
    ) -> Self {
        let keys = ApiKeys::in_memory();
        let created = keys.create(NewKey::new("ci").scopes(["reports:read"])).await.unwrap();
        let app = build(rocket::build(), &|routes| require(&keys, scope("reports:read"), routes));
        let client = Client::tracked(app.attach(fairing(keys))).await.unwrap();
        Self { client, key: created.plaintext }
    }

    async fn reports() -> Self {
        Self::new(|app, guard| app.mount("/reports", guard(reports()))).await
    }

    async fn anonymous(&self, method: Method, path: &str) -> Answer {
        Answer::to(self.client.req(method, path)).await
    }

    async fn with_key(&self, method: Method, path: &str) -> Answer {
        Answer::to(authorized(self.client.req(method, path), &self.key)).await
    }
}

impl Answer {
    async fn to(request: LocalRequest<'_>) -> Self {
        let response = request.dispatch().await;
        Self {
            status: response.status().code,
            challenge: response.headers().get_one("www-authenticate").map(str::to_owned),
            body: response.into_string().await.unwrap_or_default(),
        }
    }
}

#[get("/")]
fn all() -> &'static str {
    "all reports"
}

#[get("/<id>")]
fn one(id: u32) -> String {
    format!("report {id}")
}

#[post("/<id>", format = "json")]
fn change(id: u32) -> String {
    format!("changed {id}")
}

#[delete("/<id>")]
fn remove(id: u32) -> String {
    format!("removed {id}")
}

#[get("/archive/<_..>?old")]
fn archive() -> Status {
    Status::ImATeapot
}

fn reports() -> Vec<Route> {
    routes![all, one, change, remove, archive]
}

const PATHS: [&str; 9] = [
    "/reports",
    "/reports/",
    "/reports/7",
    "/reports/seven",
    "/reports/archive/1?old",
    "/reports/a/b/c",
    "/reports//",
    "/%72eports/7",
    "//reports/7",
];

#[rocket::async_test]
async fn nothing_below_answers_without_a_key() {
    let fixture = Fixture::reports().await;
    for path in PATHS {
        for method in METHODS {
            let answer = fixture.anonymous(method, path).await;
            assert_eq!(answer.status, 401, "{method} {path}");
            assert_eq!(answer.challenge.unwrap(), r#"Api-Key realm="api""#);
            let has_body = answer.body.contains("missing-api-key");
            assert_eq!(has_body, method != Method::Head, "{method} {path}");
        }
    }
}

#[rocket::async_test]
async fn a_key_sees_what_stands_there_without_the_guard() {
    let guarded = Fixture::reports().await;
    let open = Fixture::new(|app, _| app.mount("/reports", reports())).await;
    for path in PATHS.into_iter().chain(["/elsewhere", "/reportsx", "/"]) {
        for method in METHODS {
            let answer = guarded.with_key(method, path).await;
            assert_eq!(answer, open.with_key(method, path).await, "{method} {path}");
        }
    }
    assert_eq!(guarded.with_key(Method::Get, "/reports/7").await.body, "report 7");
    assert_eq!(guarded.with_key(Method::Get, "/reports/seven").await.status, 422);
    assert_eq!(guarded.with_key(Method::Delete, "/reports/7").await.body, "removed 7");
}

#[rocket::async_test]
async fn a_body_and_its_format_reach_the_handler() {
    let fixture = Fixture::reports().await;
    let request = fixture.client.post("/reports/7").header(ContentType::JSON).body("{}");
    let response = authorized(request, &fixture.key).dispatch().await;
    assert_eq!(response.into_string().await.unwrap(), "changed 7");
}

#[rocket::async_test]
async fn a_form_that_names_another_method_is_guarded() {
    let fixture = Fixture::reports().await;
    let request = fixture.client.post("/reports/7").header(ContentType::Form);
    assert_eq!(request.body("_method=delete").dispatch().await.status().code, 401);
}

#[rocket::async_test]
async fn paths_beside_the_mount_are_open() {
    let fixture = Fixture::reports().await;
    for path in ["/", "/report", "/reportsx", "/x/reports"] {
        assert_eq!(fixture.anonymous(Method::Get, path).await.status, 404, "{path}");
    }
}

#[rocket::async_test]
async fn a_route_mounted_elsewhere_is_guarded_below_the_base() {
    #[get("/<_..>")]
    fn anything() -> &'static str {
        "anything"
    }

    let mut elsewhere = routes![anything];
    elsewhere[0].rank = -50;
    let fixture =
        Fixture::new(|app, guard| app.mount("/", elsewhere).mount("/reports", guard(reports())))
            .await;
    assert_eq!(fixture.anonymous(Method::Get, "/elsewhere").await.body, "anything");
    assert_eq!(fixture.anonymous(Method::Get, "/reports/a/b").await.status, 401);
    assert_eq!(fixture.with_key(Method::Get, "/reports/a/b").await.body, "anything");
}

#[rocket::async_test]
async fn a_mount_without_routes_is_guarded() {
    let fixture = Fixture::new(|app, guard| app.mount("/reports", guard(vec![]))).await;
    assert_eq!(fixture.anonymous(Method::Get, "/reports").await.status, 401);
    assert_eq!(fixture.with_key(Method::Get, "/reports").await.status, 404);
}

#[rocket::async_test]
async fn a_whole_application_is_guarded() {
    let fixture = Fixture::new(|app, guard| app.mount("/", guard(reports()))).await;
    for path in ["/", "/7", "/a/b/c"] {
        assert_eq!(fixture.anonymous(Method::Get, path).await.status, 401, "{path}");
    }
    assert_eq!(fixture.with_key(Method::Get, "/").await.body, "all reports");
    assert_eq!(fixture.with_key(Method::Get, "/a/b/c").await.status, 404);
}

#[rocket::async_test]
async fn a_mount_within_a_mount_needs_both() {
    let keys = ApiKeys::in_memory();
    let inner = require(&keys, scope("reports:read"), reports());
    let fixture = Fixture::new(|app, guard| {
        app.mount("/reports", guard(vec![])).mount("/reports/inner", inner)
    })
    .await;
    assert_eq!(fixture.anonymous(Method::Get, "/reports/inner").await.status, 401);
    // The key is good for the outer handle, and unknown to the inner one.
    let answer = fixture.with_key(Method::Get, "/reports/inner/a/b").await;
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("invalid-api-key"));
    assert_eq!(fixture.with_key(Method::Get, "/reports/a").await.status, 404);
}

#[rocket::async_test]
async fn a_permission_is_refused_for_unknown_paths_too() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("no scopes").await.unwrap();
    let permission = scope("admin") & rule(|_: &apikey_rocket::KeyRecord| true);
    let app = rocket::build().mount("/reports", require(&keys, permission, reports()));
    let client = Client::tracked(app.attach(fairing(keys))).await.unwrap();
    for path in ["/reports", "/reports/a/b"] {
        let request = authorized(client.get(path), &created.plaintext);
        let response = request.dispatch().await;
        assert_eq!(response.status().code, 403);
        assert!(response.into_string().await.unwrap().contains("insufficient-scope"));
    }
}
