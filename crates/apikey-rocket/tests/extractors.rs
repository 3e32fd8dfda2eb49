//! Keys as arguments of handlers.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![expect(clippy::needless_pass_by_value, reason = "Rocket hands guards over by value")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use apikey_conformance::{Operation, SpyStore};
use apikey_core::MemoryStore;
use apikey_rocket::test::{authorized, authorized_by};
use apikey_rocket::{
    And, ApiKey, ApiKeyRejection, ApiKeys, KeyLocation, KeyModel, KeyRecord, NewKey,
    OptionalApiKey, Or, Rule, fairing, scope, scopes,
};
use rocket::fairing::AdHoc;
use rocket::http::{Header, Method};
use rocket::local::asynchronous::{Client, LocalRequest, LocalResponse};
use rocket::tokio::io::{AsyncReadExt, AsyncWriteExt};
use rocket::tokio::net::TcpStream;
use rocket::tokio::sync::oneshot;
use rocket::{Shutdown, State, get, routes};

scopes! {
    ReportsRead = "reports:read";
    Export = "export";
    Admin = "admin";
}

type Key<P> = ApiKey<KeyRecord, P>;

#[get("/key")]
fn key(key: ApiKey) -> String {
    key.name.clone()
}

#[get("/maybe")]
fn maybe(key: OptionalApiKey) -> String {
    key.is_some().to_string()
}

#[get("/option")]
fn option(key: Option<ApiKey>) -> String {
    key.is_some().to_string()
}

#[get("/result")]
fn result(key: Result<ApiKey, ApiKeyRejection>) -> String {
    key.map_or_else(|refused| refused.error().reason().to_string(), |_| "in".into())
}

#[get("/answered")]
fn answered(key: Result<ApiKey, ApiKeyRejection>) -> Result<&'static str, ApiKeyRejection> {
    key.map(|_| "in")
}

#[get("/reports")]
fn reports(_key: Key<ReportsRead>) -> &'static str {
    "in"
}

#[get("/maybe-reports")]
fn maybe_reports(_key: OptionalApiKey<KeyRecord, ReportsRead>) -> &'static str {
    "in"
}

#[get("/admin")]
fn admin(_key: Key<Admin>) -> &'static str {
    "in"
}

#[get("/or")]
fn or(_key: Key<Or<ReportsRead, Admin>>) -> &'static str {
    "in"
}

#[get("/or-refused")]
fn or_refused(_key: Key<Or<Admin, Export>>) -> &'static str {
    "in"
}

#[get("/and")]
fn and(_key: Key<And<ReportsRead, Admin>>) -> &'static str {
    "in"
}

#[get("/rule")]
fn rule(_key: Key<Rule<ReportsRead>>) -> &'static str {
    "in"
}

/// Would answer if a refusal were a forward.
#[get("/<_..>", rank = 20)]
fn behind() -> &'static str {
    "the next route"
}

async fn client(keys: &ApiKeys) -> Client {
    let first = routes![key, maybe, option, result, answered, reports, maybe_reports];
    let second = routes![admin, or, or_refused, and, rule, behind];
    let app = rocket::build().mount("/", first).mount("/", second);
    Client::tracked(app.attach(fairing(keys.clone()))).await.unwrap()
}

async fn text(response: LocalResponse<'_>) -> String {
    response.into_string().await.unwrap_or_default()
}

#[rocket::async_test]
async fn every_guard_means_what_it_says() {
    let keys = ApiKeys::in_memory();
    let created = keys.create(NewKey::new("ci").scopes(["reports:read"])).await.unwrap();
    let client = client(&keys).await;
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
        ("/answered", &good, 200, "in"),
        ("/answered", bad, 401, "invalid-api-key"),
        ("/reports", &good, 200, "in"),
        ("/reports", none, 401, "missing-api-key"),
        ("/maybe-reports", none, 200, "in"),
        ("/admin", &good, 403, "insufficient-scope"),
        ("/or", &good, 200, "in"),
        ("/or-refused", &good, 403, "insufficient-scope"),
        ("/and", &good, 403, "insufficient-scope"),
        ("/rule", &good, 200, "in"),
    ] {
        let request =
            client.get(path).header(Header::new("authorization", authorization.to_owned()));
        let response = request.dispatch().await;
        assert_eq!(response.status().code, status, "{path} {authorization}");
        let answer = text(response).await;
        assert!(answer.contains(body), "{path} {authorization}: {answer}");
    }
}

/// Pinned, so that the warning in the documentation is known to be true.
#[rocket::async_test]
async fn the_option_of_rocket_swallows_refusals_and_failures() {
    let store = Arc::<SpyStore>::default();
    let keys = ApiKeys::new(Arc::clone(&store));
    let created = keys.create("ci").await.unwrap();
    let client = client(&keys).await;
    let ask = async |path| {
        let response = authorized(client.get(path), &created.plaintext).dispatch().await;
        (response.status().code, text(response).await)
    };
    assert_eq!(ask("/option").await, (200, "true".to_owned()));
    keys.revoke(&created.key.prefix).await.unwrap();
    assert_eq!(ask("/option").await, (200, "false".to_owned()));
    store.fail(Operation::FindByPrefix);
    assert_eq!(ask("/option").await, (200, "false".to_owned()));
    assert_eq!(ask("/maybe").await.0, 503);
}

#[rocket::async_test]
async fn a_test_helper_puts_one_key_in_place_of_another() {
    let keys = ApiKeys::in_memory();
    let (a, b) = (keys.create("a").await.unwrap(), keys.create("b").await.unwrap());
    let client = client(&keys).await;
    let request = authorized(authorized(client.get("/key"), &a.plaintext), &b.plaintext);
    assert_eq!(text(request.dispatch().await).await, "b");
}

#[rocket::async_test]
async fn a_refusal_has_the_status_headers_and_body_of_the_core() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("no scopes").await.unwrap();
    let client = client(&keys).await;
    let request = authorized(client.get("/and"), &created.plaintext);
    let response = request.dispatch().await;
    let verified = keys.verify(created.plaintext.expose()).await.unwrap();
    let error = keys.authorize(&verified, &(scope("reports:read") & scope("admin"))).unwrap_err();

    assert_eq!(response.status().code, error.status());
    for (name, value) in error.headers() {
        assert_eq!(response.headers().get(name).collect::<Vec<_>>(), [value], "{name}");
    }
    assert_eq!(
        response.headers().get_one("www-authenticate").unwrap(),
        r#"Api-Key realm="api", error="insufficient_scope", scope="reports:read admin""#
    );
    assert_eq!(text(response).await, error.body());
}

#[rocket::async_test]
async fn head_gets_the_same_head_and_no_body() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let client = client(&keys).await;
    for (key, status) in [(created.plaintext.expose(), 200), ("AAAAAAAA.wrong", 401)] {
        let line = || Header::new("authorization", format!("Api-Key {key}"));
        let send = |method| client.req(method, "/key").header(line()).dispatch();
        let (head, get) = (send(Method::Head).await, send(Method::Get).await);
        assert_eq!(head.status().code, status);
        assert_eq!(head.status(), get.status());
        let lines = |response: &LocalResponse<'_>| {
            response.headers().iter().map(|line| line.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(lines(&head), lines(&get));
        assert_eq!(text(head).await, "");
    }
}

#[rocket::async_test]
async fn a_key_is_found_in_every_line_and_in_the_query_as_sent() {
    let locations = [KeyLocation::authorization("Api-Key"), KeyLocation::query("api_key")];
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).locations(locations);
    let keys = keys.build().unwrap();
    let created = keys.create("ci").await.unwrap();
    let key = created.plaintext.expose();
    let client = client(&keys).await;
    let in_header = || Header::new("Authorization", format!("Api-Key {key}"));
    let foreign = || Header::new("Authorization", "Basic dXNlcjpwYXNz");

    let status = async |url: String, headers: Vec<Header<'static>>| {
        let request = client.get(url);
        let request = headers.into_iter().fold(request, LocalRequest::header);
        request.dispatch().await.status().code
    };
    assert_eq!(status(format!("/key?a=b&api%5Fkey={key}"), vec![]).await, 200);
    assert_eq!(status(format!("/key?api_key={key}&api_key={key}"), vec![]).await, 400);
    assert_eq!(status(format!("/key?api_key={key}"), vec![in_header()]).await, 400);
    assert_eq!(status("/key".into(), vec![in_header(), in_header()]).await, 400);
    assert_eq!(status("/key".into(), vec![foreign(), in_header()]).await, 400);
    assert_eq!(status("/key".into(), vec![in_header()]).await, 200);
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

#[get("/team")]
fn team(key: ApiKey<TeamKey>) -> String {
    let (team, owner) = (key.team, key.owner().copied());
    format!("{team} {owner:?} {}", key.into_inner().record.name)
}

#[rocket::async_test]
async fn a_handler_sees_its_own_model_and_the_owner_beside_another_model() {
    let keys = ApiKeys::new(MemoryStore::<TeamKey>::new());
    let created = keys.create(NewKey::new("ci").with(7)).await.unwrap();
    let app = rocket::build().mount("/", routes![team, key]);
    let app = app.attach(fairing(keys)).attach(fairing(ApiKeys::in_memory()));
    let client = Client::tracked(app).await.unwrap();
    let request = |path: &'static str| authorized(client.get(path), &created.plaintext);
    assert_eq!(text(request("/team").dispatch().await).await, "7 Some(7) ci");
    // The catchers are there once, and answer for both.
    let refused = request("/key").dispatch().await;
    assert!(text(refused).await.contains("invalid-api-key"));
    assert!(text(client.get("/team").dispatch().await).await.contains("missing-api-key"));
}

#[get("/late")]
fn late(key: ApiKey, keys: &State<ApiKeys>) -> Result<(), ApiKeyRejection> {
    Ok(keys.authorize(key.verified(), &scope("admin"))?)
}

#[rocket::async_test]
async fn a_handler_can_check_a_permission_it_learns_late() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("no scopes").await.unwrap();
    let app = rocket::build().mount("/", routes![late]).attach(fairing(keys));
    let client = Client::tracked(app).await.unwrap();
    let request = authorized(client.get("/late"), &created.plaintext);
    let response = request.dispatch().await;
    assert_eq!(response.status().code, 403);
    assert!(text(response).await.contains("insufficient-scope"));
}

#[rocket::async_test]
async fn the_helper_for_tests_asks_the_handle_where_to_put_a_key() {
    for location in [
        KeyLocation::authorization("Token"),
        KeyLocation::basic(),
        KeyLocation::header("X-Api-Key"),
        KeyLocation::query("api_key"),
    ] {
        let builder = ApiKeys::builder(MemoryStore::<KeyRecord>::new());
        let keys = builder.locations([location.clone()]).build().unwrap();
        let created = keys.create("ci").await.unwrap();
        let app = rocket::build().mount("/", routes![key]).attach(fairing(keys.clone()));
        let client = Client::tracked(app).await.unwrap();
        for uri in ["/key", "/key?a=%20b"] {
            let request = authorized_by(&keys, client.get(uri), &created.plaintext);
            assert_eq!(request.dispatch().await.status().code, 200, "{location:?} {uri}");
        }
    }
}

/// Launches on a free port; returns where, and what ends the server.
async fn launched(keys: ApiKeys) -> (SocketAddr, Shutdown) {
    let figment = rocket::Config::figment()
        .merge(("port", 0))
        .merge(("address", "127.0.0.1"))
        .merge(("log_level", "off"));
    let (tell, address) = oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let liftoff = AdHoc::on_liftoff("tell", move |rocket| {
        let config = rocket.config();
        let tell = tell.lock().unwrap().take().unwrap();
        tell.send(SocketAddr::new(config.address, config.port)).unwrap();
        Box::pin(async {})
    });
    let app = rocket::custom(figment).mount("/", routes![key, maybe]).attach(fairing(keys));
    let app = app.attach(liftoff).ignite().await.unwrap();
    let shutdown = app.shutdown();
    tokio::spawn(app.launch());
    (address.await.unwrap(), shutdown)
}

/// Sends a request with these bytes in `Authorization`, and returns the answer.
async fn answer(address: SocketAddr, path: &str, authorization: &[u8]) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ");
    let request = [head.as_bytes(), authorization, b"\r\n\r\n"].concat();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Rocket drops such lines before anybody sees them, so that no guard can tell. Pinned, since the pages say so.
#[rocket::async_test]
async fn a_credential_that_is_not_utf_8_is_never_seen() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let line = [b"Api-Key ", created.plaintext.expose().as_bytes(), b"\xa0"].concat();
    let (address, shutdown) = launched(keys).await;
    for (path, status) in [("/key", "HTTP/1.1 401"), ("/maybe", "HTTP/1.1 200")] {
        let answer = answer(address, path, &line).await;
        assert!(answer.starts_with(status), "{path}: {answer}");
    }
    shutdown.notify();
}
