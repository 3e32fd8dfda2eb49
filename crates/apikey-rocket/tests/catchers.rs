//! Who answers for a failure: the catchers of the fairing, those of the application, or Rocket.
#![expect(clippy::panic, reason = "a handler that panics is what is tested")]

use apikey_rocket::test::authorized;
use apikey_rocket::{AnyKey, ApiKey, ApiKeyRejection, ApiKeys, OptionalApiKey, fairing, require};
use rocket::http::{Accept, Header, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::outcome::Outcome;
use rocket::request::{self, FromRequest};
use rocket::{Build, Catcher, Request, Rocket, catch, catchers, get, routes};

/// A failure of the application's own, of any status.
#[get("/own/<code>")]
fn own(code: u16) -> Status {
    Status::new(code)
}

#[get("/own-with-key/<code>")]
fn own_with_key(_key: ApiKey, code: u16) -> Status {
    Status::new(code)
}

#[get("/own-with-maybe/<code>")]
fn own_with_maybe(_key: OptionalApiKey, code: u16) -> Status {
    Status::new(code)
}

#[get("/own-with-result/<code>")]
fn own_with_result(_key: Result<ApiKey, ApiKeyRejection>, code: u16) -> Status {
    Status::new(code)
}

/// Another authentication, which refuses everybody.
struct Session;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Session {
    type Error = ();

    async fn from_request(_: &'r Request<'_>) -> request::Outcome<Self, ()> {
        Outcome::Error((Status::Unauthorized, ()))
    }
}

#[get("/session")]
fn session(_key: OptionalApiKey, _session: Session) {}

#[get("/key")]
fn key(_key: ApiKey) {}

#[get("/panics")]
fn panics(_key: ApiKey) {
    panic!("a mistake in a handler");
}

fn app() -> Rocket<Build> {
    let own = routes![own, own_with_key, own_with_maybe, own_with_result, session];
    rocket::build().mount("/", own).mount("/", routes![key, panics])
}

/// Status, headers (in alphabetical order, since Rocket varies it) and body.
type Answer = (u16, Vec<String>, String);

async fn answer(response: LocalResponse<'_>) -> Answer {
    let mut lines: Vec<_> = response.headers().iter().map(|line| line.to_string()).collect();
    lines.sort();
    (response.status().code, lines, response.into_string().await.unwrap_or_default())
}

/// An application's catchers, of which it may have none.
type Own = fn() -> Vec<Catcher>;

#[catch(default)]
fn own_default(status: Status, request: &Request<'_>) -> String {
    format!("own default {} {}", status.code, request.uri())
}

#[catch(401)]
fn own_401(request: &Request<'_>) -> String {
    let refusal = ApiKeyRejection::of(request);
    format!("own 401 {:?}", refusal.map(|refusal| refusal.error().reason().as_str()))
}

#[rocket::async_test]
async fn the_answers_of_the_application_are_what_they_are_without_us() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let cases: [Own; 4] = [
        Vec::new,
        || catchers![own_default],
        || catchers![own_401],
        || catchers![own_default, own_401],
    ];
    for own in cases {
        let with_us = app().register("/", own()).attach(fairing(keys.clone()));
        let without_us = fairing(keys.clone()).without_catchers();
        let without_us = app().register("/", own()).attach(without_us);
        let with_us = Client::tracked(with_us).await.unwrap();
        let without_us = Client::tracked(without_us).await.unwrap();
        for code in [400, 401, 403, 404, 418, 500, 503] {
            for route in ["own", "own-with-key", "own-with-maybe"] {
                for accept in [Accept::HTML, Accept::JSON] {
                    let ask = async |client: &Client| {
                        let request = client.get(format!("/{route}/{code}"));
                        let request = request.header(accept.clone());
                        let request = authorized(request, &created.plaintext);
                        answer(request.dispatch().await).await
                    };
                    assert_eq!(ask(&with_us).await, ask(&without_us).await, "{route} {code}");
                }
            }
        }
        for path in ["/session", "/nowhere", "/own/400", "/own-with-maybe/401"] {
            let with_us = answer(with_us.get(path).dispatch().await).await;
            let without_us = answer(without_us.get(path).dispatch().await).await;
            assert_eq!(with_us, without_us, "{path}");
        }
    }
}

#[rocket::async_test]
async fn a_default_catcher_of_the_application_does_not_answer_refusals() {
    let app = app().register("/", catchers![own_default]).attach(fairing(ApiKeys::in_memory()));
    let client = Client::tracked(app).await.unwrap();
    let (status, _, body) = answer(client.get("/key").dispatch().await).await;
    assert_eq!(status, 401);
    assert!(body.contains("missing-api-key"), "{body}");
}

#[rocket::async_test]
async fn a_catcher_of_the_application_for_the_status_wins() {
    let app = app().register("/", catchers![own_401]).attach(fairing(ApiKeys::in_memory()));
    let client = Client::tracked(app).await.unwrap();
    let (status, _, body) = answer(client.get("/key").dispatch().await).await;
    assert_eq!((status, &*body), (401, r#"own 401 Some("missing")"#));
    let (_, _, body) = answer(client.get("/session").dispatch().await).await;
    assert_eq!(body, "own 401 None");
    // The others are still ours.
    let key = Header::new("authorization", "Api-Key AAAAAAAA.wrong");
    let request = client.get("/key").header(key.clone()).header(key);
    let (status, _, body) = answer(request.dispatch().await).await;
    assert_eq!(status, 400);
    assert!(body.contains("multiple-api-keys"), "{body}");
}

#[rocket::async_test]
async fn without_catchers_everything_is_left_to_the_application() {
    let keys = ApiKeys::in_memory();
    let guarded = require(&keys, AnyKey, routes![]);
    let app = app().mount("/reports", guarded).register("/", catchers![own_default]);
    let app = app.attach(fairing(keys).without_catchers());
    let client = Client::tracked(app).await.unwrap();
    for path in ["/key", "/reports/nowhere"] {
        let (status, _, body) = answer(client.get(path).dispatch().await).await;
        assert_eq!((status, body), (401, format!("own default 401 {path}")));
    }
}

#[rocket::async_test]
async fn what_a_later_guard_says_counts() {
    #[get("/both")]
    fn both(_first: Result<ApiKey, ApiKeyRejection>, _second: OptionalApiKey) -> Status {
        Status::Unauthorized
    }

    let app = rocket::build().mount("/", routes![both]).register("/", catchers![own_401]);
    let client = Client::tracked(app.attach(fairing(ApiKeys::in_memory()))).await.unwrap();
    let (_, _, body) = answer(client.get("/both").dispatch().await).await;
    assert_eq!(body, "own 401 None");
}

/// Pinned: Rocket does not tell a handler's bare status from a guard's.
#[rocket::async_test]
async fn a_bare_status_that_repeats_a_refusal_is_answered_as_the_refusal() {
    let client = Client::tracked(app().attach(fairing(ApiKeys::in_memory()))).await.unwrap();
    let (_, _, body) = answer(client.get("/own-with-result/401").dispatch().await).await;
    assert!(body.contains("missing-api-key"), "{body}");
    let (status, lines, body) = answer(client.get("/own-with-result/403").dispatch().await).await;
    assert_eq!(status, 403);
    assert!(body.contains("The server refused to authorize"), "{body}");
    assert!(!lines.iter().any(|line| line.contains("Api-Key")), "{lines:?}");
}

#[get("/session-behind")]
fn session_behind(_key: Result<ApiKey, ApiKeyRejection>, _session: Session) {}

#[get("/session-behind-option")]
fn session_behind_option(_key: Option<ApiKey>, _session: Session) {}

#[get("/session-in-front")]
fn session_in_front(_session: Session, _key: Result<ApiKey, ApiKeyRejection>) {}

/// Pinned: Rocket does not tell a catcher whose failure it is.
#[rocket::async_test]
async fn another_guard_that_repeats_a_refusal_is_answered_as_the_refusal() {
    let routes = routes![session_behind, session_behind_option, session_in_front];
    let app = rocket::build().mount("/", routes).attach(fairing(ApiKeys::in_memory()));
    let client = Client::tracked(app).await.unwrap();
    for (path, is_ours) in
        [("/session-behind", true), ("/session-behind-option", true), ("/session-in-front", false)]
    {
        let (status, lines, body) = answer(client.get(path).dispatch().await).await;
        assert_eq!(status, 401, "{path}");
        assert_eq!(body.contains("missing-api-key"), is_ours, "{path}: {body}");
        let has_challenge = lines.iter().any(|line| line.contains("Api-Key"));
        assert_eq!(has_challenge, is_ours, "{path}: {lines:?}");
    }
}

#[rocket::async_test]
async fn a_handler_that_panics_is_answered_by_rocket() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let client = Client::tracked(app().attach(fairing(keys))).await.unwrap();
    for _ in 0..2 {
        let request = authorized(client.get("/panics"), &created.plaintext);
        let (status, _, body) = answer(request.dispatch().await).await;
        assert_eq!(status, 500);
        assert!(!body.contains("urn:apikey"), "{body}");
    }
    let request = authorized(client.get("/key"), &created.plaintext);
    assert_eq!(request.dispatch().await.status().code, 200);
}
