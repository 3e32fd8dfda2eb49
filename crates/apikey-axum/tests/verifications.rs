//! How often, and against which store, a request is verified.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;

use apikey_axum::test::authorized;
use apikey_axum::{AnyKey, ApiKey, ApiKeyRejection, ApiKeys, OptionalApiKey, guarded, require};
use apikey_conformance::{Operation, SpyStore};
use apikey_core::PlaintextKey;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use axum::{Extension, Router};
use futures::FutureExt;
use http::{Request, Response};
use tower::ServiceExt;

/// A handle, and what its store is asked.
fn spied() -> (ApiKeys, Arc<SpyStore>) {
    let store = Arc::<SpyStore>::default();
    (ApiKeys::new(Arc::clone(&store)), store)
}

/// How many look-ups of keys have begun, and have ended.
fn look_ups(store: &SpyStore) -> (usize, usize) {
    (store.begun(Operation::FindByPrefix), store.ended(Operation::FindByPrefix))
}

fn request(key: &PlaintextKey) -> Request<Body> {
    authorized(Request::new(Body::empty()), key)
}

async fn text(response: Response<Body>) -> String {
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn several_guards_of_one_handle_verify_once() {
    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    let handler = |a: ApiKey, b: OptionalApiKey, c: Result<ApiKey, ApiKeyRejection>| async move {
        format!("{} {} {}", a.name, b.is_some(), c.is_ok())
    };
    let router = Router::new().route("/", get(handler)).route_layer(require(&keys, AnyKey).strip());
    let app = guarded(router, &keys, AnyKey).with_state(keys);

    let response = app.oneshot(request(&created.plaintext)).await.unwrap();
    assert_eq!(text(response).await, "ci true true");
    assert_eq!(look_ups(&store), (1, 1));
}

#[tokio::test]
async fn a_refusal_is_found_once_and_told_twice() {
    let (keys, store) = spied();
    let other = ApiKeys::in_memory().create("unknown here").await.unwrap();
    type Tried = Result<ApiKey, ApiKeyRejection>;
    let handler = |a: Tried, b: Tried| async move {
        format!("{} {}", a.unwrap_err().error().reason(), b.unwrap_err().error().reason())
    };
    let app = Router::new().route("/", get(handler)).with_state(keys);

    let response = app.oneshot(request(&other.plaintext)).await.unwrap();
    assert_eq!(text(response).await, "unknown_prefix unknown_prefix");
    assert_eq!(look_ups(&store), (1, 1));
}

#[tokio::test]
async fn a_key_of_one_handle_opens_no_guard_of_another() {
    let (a, b) = (ApiKeys::in_memory(), ApiKeys::in_memory());
    let key_of_a = a.create("a").await.unwrap().plaintext;
    let key_of_b = b.create("b").await.unwrap().plaintext;
    let name = |key: ApiKey| async move { key.name.clone() };
    let app = |guard: &ApiKeys, state: &ApiKeys| -> Router {
        let router = Router::new().route("/", get(name)).with_state(state.clone());
        router.layer(require(guard, AnyKey))
    };

    for (guard, state, key, status) in [
        (&a, &a, &key_of_a, 200),
        (&a, &b, &key_of_a, 401),
        (&a, &b, &key_of_b, 401),
        (&b, &a, &key_of_a, 401),
        (&b, &a, &key_of_b, 401),
        (&b, &b, &key_of_b, 200),
    ] {
        let response = app(guard, state).oneshot(request(key)).await.unwrap();
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn both_handles_let_in_a_key_that_both_know() {
    let (a, b) = (ApiKeys::in_memory(), ApiKeys::in_memory());
    let created = a.create("ci").await.unwrap();
    let text = created.plaintext.expose();
    let copy = b.create(apikey_axum::NewKey::new("copy").with_plaintext(text)).await.unwrap();
    let app: Router = Router::new()
        .route("/", get(|key: ApiKey| async move { key.name.clone() }))
        .layer(require(&a, AnyKey))
        .with_state(b);
    let response = app.oneshot(request(&copy.plaintext)).await.unwrap();
    assert_eq!(self::text(response).await, "copy");
}

#[tokio::test]
async fn a_store_that_fails_lets_nobody_in_and_blames_nobody() {
    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    store.fail(Operation::FindByPrefix);
    let app = Router::new()
        .route("/key", get(|_: ApiKey| async {}))
        .route("/maybe", get(|_: OptionalApiKey| async {}))
        .route("/option", get(|_: Option<ApiKey>| async {}))
        .nest("/in", guarded(Router::new(), &keys, AnyKey))
        .with_state(keys);
    for path in ["/key", "/maybe", "/option", "/in", "/in/nowhere"] {
        let request =
            authorized(Request::get(path).body(Body::empty()).unwrap(), &created.plaintext);
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.headers()["retry-after"], "1");
        assert!(!response.headers().contains_key("www-authenticate"));
        assert!(!text(response).await.contains("lets the store fail"));
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing_behind() {
    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    let _held = store.hold(Operation::FindByPrefix, 1);
    let token = Arc::new(());
    let app: Router = Router::new()
        .route("/", get(|_: ApiKey| async {}))
        .layer(require(&keys, AnyKey))
        .layer(Extension(Arc::clone(&token)))
        .with_state(keys);
    let held = Arc::strong_count(&token);

    let mut response = Box::pin(app.clone().oneshot(request(&created.plaintext)));
    assert!(response.as_mut().now_or_never().is_none());
    assert_eq!(look_ups(&store), (1, 0));
    assert!(Arc::strong_count(&token) > held);
    drop(response);
    assert_eq!(look_ups(&store), (1, 1));
    assert_eq!(Arc::strong_count(&token), held);
}
