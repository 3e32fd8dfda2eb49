//! How often, and against which store, a request is verified.
#![expect(clippy::needless_pass_by_value, reason = "Rocket hands guards over by value")]

use std::sync::Arc;

use apikey_conformance::{Operation, SpyStore};
use apikey_core::PlaintextKey;
use apikey_rocket::test::authorized;
use apikey_rocket::{
    AnyKey, ApiKey, ApiKeyRejection, ApiKeys, NewKey, OptionalApiKey, fairing, require,
};
use futures::FutureExt;
use rocket::http::Method;
use rocket::local::asynchronous::Client;
use rocket::{get, routes};

/// A handle, and what its store is asked.
fn spied() -> (ApiKeys, Arc<SpyStore>) {
    let store = Arc::<SpyStore>::default();
    (ApiKeys::new(Arc::clone(&store)), store)
}

/// How many look-ups of keys have begun, and have ended.
fn look_ups(store: &SpyStore) -> (usize, usize) {
    (store.begun(Operation::FindByPrefix), store.ended(Operation::FindByPrefix))
}

async fn status_and_body(client: &Client, path: &str, key: &PlaintextKey) -> (u16, String) {
    let response = authorized(client.get(path.to_owned()), key).dispatch().await;
    (response.status().code, response.into_string().await.unwrap_or_default())
}

#[get("/")]
fn name(key: ApiKey) -> String {
    key.name.clone()
}

#[get("/maybe")]
fn maybe(_key: OptionalApiKey) {}

#[rocket::async_test]
async fn several_guards_of_one_handle_verify_once() {
    #[get("/")]
    fn three(a: ApiKey, b: OptionalApiKey, c: Result<ApiKey, ApiKeyRejection>) -> String {
        format!("{} {} {}", a.name, b.is_some(), c.is_ok())
    }

    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    let routes = require(&keys, AnyKey, require(&keys, AnyKey, routes![three]));
    let app = rocket::build().mount("/in", routes).attach(fairing(keys));
    let client = Client::tracked(app).await.unwrap();

    let answer = status_and_body(&client, "/in", &created.plaintext).await;
    assert_eq!(answer, (200, "ci true true".to_owned()));
    assert_eq!(look_ups(&store), (1, 1));
    // Rocket tries the routes for `HEAD` and then those for `GET`: still one verification.
    let head = authorized(client.req(Method::Head, "/in"), &created.plaintext);
    assert_eq!(head.dispatch().await.status().code, 200);
    assert_eq!(look_ups(&store), (2, 2));
}

#[rocket::async_test]
async fn a_refusal_is_found_once_and_told_twice() {
    type Tried = Result<ApiKey, ApiKeyRejection>;

    #[get("/")]
    fn twice(a: Tried, b: Tried) -> String {
        format!("{} {}", a.unwrap_err().error().reason(), b.unwrap_err().error().reason())
    }

    let (keys, store) = spied();
    let other = ApiKeys::in_memory().create("unknown here").await.unwrap();
    let app = rocket::build().mount("/", routes![twice]).attach(fairing(keys));
    let client = Client::tracked(app).await.unwrap();

    let (_, body) = status_and_body(&client, "/", &other.plaintext).await;
    assert_eq!(body, "unknown_prefix unknown_prefix");
    assert_eq!(look_ups(&store), (1, 1));
}

#[rocket::async_test]
async fn a_key_of_one_handle_opens_no_guard_of_another() {
    let (a, b) = (ApiKeys::in_memory(), ApiKeys::in_memory());
    let key_of_a = a.create("a").await.unwrap().plaintext;
    let key_of_b = b.create("b").await.unwrap().plaintext;

    for (guard, state, key, status) in [
        (&a, &a, &key_of_a, 200),
        (&a, &b, &key_of_a, 401),
        (&a, &b, &key_of_b, 401),
        (&b, &a, &key_of_a, 401),
        (&b, &a, &key_of_b, 401),
        (&b, &b, &key_of_b, 200),
    ] {
        let app = rocket::build().mount("/", require(guard, AnyKey, routes![name]));
        let client = Client::tracked(app.attach(fairing(state.clone()))).await.unwrap();
        assert_eq!(status_and_body(&client, "/", key).await.0, status);
    }
}

#[rocket::async_test]
async fn both_handles_let_in_a_key_that_both_know() {
    let (a, b) = (ApiKeys::in_memory(), ApiKeys::in_memory());
    let created = a.create("ci").await.unwrap();
    let text = created.plaintext.expose();
    let copy = b.create(NewKey::new("copy").with_plaintext(text)).await.unwrap();
    let app = rocket::build().mount("/", require(&a, AnyKey, routes![name])).attach(fairing(b));
    let client = Client::tracked(app).await.unwrap();
    assert_eq!(status_and_body(&client, "/", &copy.plaintext).await.1, "copy");
}

#[rocket::async_test]
async fn a_store_that_fails_lets_nobody_in_and_blames_nobody() {
    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    store.fail(Operation::FindByPrefix);
    let app = rocket::build()
        .mount("/", routes![name, maybe])
        .mount("/in", require(&keys, AnyKey, routes![]))
        .attach(fairing(keys));
    let client = Client::tracked(app).await.unwrap();
    for path in ["/", "/maybe", "/in", "/in/nowhere"] {
        let request = authorized(client.get(path), &created.plaintext);
        let response = request.dispatch().await;
        assert_eq!(response.status().code, 503, "{path}");
        assert_eq!(response.headers().get_one("retry-after"), Some("1"));
        assert!(!response.headers().contains("www-authenticate"));
        let body = response.into_string().await.unwrap();
        assert!(body.contains("unavailable") && !body.contains("lets the store fail"), "{body}");
    }
}

#[rocket::async_test]
async fn a_request_that_is_dropped_leaves_nothing_behind() {
    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    let _held = store.hold(Operation::FindByPrefix, 1);
    let routes = require(&keys, AnyKey, routes![name]);
    let app = rocket::build().mount("/", routes).attach(fairing(keys));
    let client = Client::tracked(app).await.unwrap();

    let request = authorized(client.get("/"), &created.plaintext);
    let mut response = Box::pin(request.dispatch());
    assert!(response.as_mut().now_or_never().is_none());
    assert_eq!(look_ups(&store), (1, 0));
    drop(response);
    assert_eq!(look_ups(&store), (1, 1));
    assert_eq!(client.get("/").dispatch().await.status().code, 401);
}
