//! How often, and against which store, a request is verified.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apikey_axum::test::authorized;
use apikey_axum::{
    AnyKey, ApiKey, ApiKeyRejection, ApiKeys, KeyRecord, OptionalApiKey, guarded, require,
};
use apikey_core::{
    BoxError, Found, KeyPatch, KeyQuery, KeyStore, MemoryStore, NewRecord, Page, PlaintextKey,
    Rotation, StoreError, Timestamp, async_trait,
};
use axum::body::{Body, to_bytes};
use axum::routing::get;
use axum::{Extension, Router};
use futures::FutureExt;
use http::{Request, Response};
use tower::ServiceExt;

/// What a store does when a key is looked up.
#[derive(Debug, Clone, Copy)]
enum LookUp {
    Answers,
    Fails,
    Hangs,
}

/// Keeps keys in memory, and counts how often one is looked up.
struct Spy {
    store: MemoryStore,
    look_up: LookUp,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Counts {
    fn read(&self) -> (usize, usize) {
        (self.begun.load(Ordering::SeqCst), self.ended.load(Ordering::SeqCst))
    }
}

/// Counts the end of a look-up, however it comes.
struct Ending<'a>(&'a Counts);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

fn spied(look_up: LookUp) -> (ApiKeys, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let spy = Spy { store: MemoryStore::new(), look_up, counts: Arc::clone(&counts) };
    (ApiKeys::new(spy), counts)
}

#[async_trait]
impl KeyStore<KeyRecord> for Spy {
    async fn find_by_prefix(&self, prefix: &str) -> Result<Option<Found<KeyRecord>>, StoreError> {
        self.counts.begun.fetch_add(1, Ordering::SeqCst);
        let _ending = Ending(&self.counts);
        match self.look_up {
            LookUp::Answers => self.store.find_by_prefix(prefix).await,
            LookUp::Fails => Err(StoreError::Unavailable(BoxError::from("no database"))),
            LookUp::Hangs => pending().await,
        }
    }

    async fn get(
        &self,
        prefix: &str,
        owner: Option<&Infallible>,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.store.get(prefix, owner).await
    }

    async fn insert(
        &self,
        new: &NewRecord<()>,
        limit: Option<u32>,
    ) -> Result<KeyRecord, StoreError> {
        self.store.insert(new, limit).await
    }

    async fn update(
        &self,
        id: &i64,
        owner: Option<&Infallible>,
        patch: &KeyPatch,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.store.update(id, owner, patch).await
    }

    async fn rotate(
        &self,
        id: &i64,
        owner: Option<&Infallible>,
        rotation: &Rotation<()>,
    ) -> Result<KeyRecord, StoreError> {
        self.store.rotate(id, owner, rotation).await
    }

    async fn touch(&self, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
        self.store.touch(ids, at).await
    }

    async fn list(
        &self,
        query: &KeyQuery<KeyRecord>,
        now: Timestamp,
    ) -> Result<Page<KeyRecord>, StoreError> {
        self.store.list(query, now).await
    }

    async fn count(&self, query: &KeyQuery<KeyRecord>, now: Timestamp) -> Result<u64, StoreError> {
        self.store.count(query, now).await
    }

    async fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.store.delete_expired(before, limit).await
    }
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
    let (keys, counts) = spied(LookUp::Answers);
    let created = keys.create("ci").await.unwrap();
    let handler = |a: ApiKey, b: OptionalApiKey, c: Result<ApiKey, ApiKeyRejection>| async move {
        format!("{} {} {}", a.name, b.is_some(), c.is_ok())
    };
    let router = Router::new().route("/", get(handler)).route_layer(require(&keys, AnyKey).strip());
    let app = guarded(router, &keys, AnyKey).with_state(keys);

    let response = app.oneshot(request(&created.plaintext)).await.unwrap();
    assert_eq!(text(response).await, "ci true true");
    assert_eq!(counts.read(), (1, 1));
}

#[tokio::test]
async fn a_refusal_is_found_once_and_told_twice() {
    let (keys, counts) = spied(LookUp::Answers);
    let other = ApiKeys::in_memory().create("unknown here").await.unwrap();
    type Tried = Result<ApiKey, ApiKeyRejection>;
    let handler = |a: Tried, b: Tried| async move {
        format!("{} {}", a.unwrap_err().error().reason(), b.unwrap_err().error().reason())
    };
    let app = Router::new().route("/", get(handler)).with_state(keys);

    let response = app.oneshot(request(&other.plaintext)).await.unwrap();
    assert_eq!(text(response).await, "unknown_prefix unknown_prefix");
    assert_eq!(counts.read(), (1, 1));
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
    let (keys, _) = spied(LookUp::Fails);
    let created = keys.create("ci").await.unwrap();
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
        assert!(!text(response).await.contains("no database"));
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing_behind() {
    let (keys, counts) = spied(LookUp::Hangs);
    let created = keys.create("ci").await.unwrap();
    let token = Arc::new(());
    let app: Router = Router::new()
        .route("/", get(|_: ApiKey| async {}))
        .layer(require(&keys, AnyKey))
        .layer(Extension(Arc::clone(&token)))
        .with_state(keys);
    let held = Arc::strong_count(&token);

    let mut response = Box::pin(app.clone().oneshot(request(&created.plaintext)));
    assert!(response.as_mut().now_or_never().is_none());
    assert_eq!(counts.read(), (1, 0));
    assert!(Arc::strong_count(&token) > held);
    drop(response);
    assert_eq!(counts.read(), (1, 1));
    assert_eq!(Arc::strong_count(&token), held);
}
