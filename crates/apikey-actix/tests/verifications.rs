//! How often, where and against which store a request is verified.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::ContentType;
use actix_web::rt;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use apikey_actix::test::authorized;
use apikey_actix::{
    AnyKey, ApiKey, ApiKeyRejection, ApiKeys, KeyRecord, NewKey, OptionalApiKey, require,
};
use apikey_conformance::{Operation, SpyStore};
use apikey_core::{HashError, HashedKey, Hashers, KeyHasher, MemoryStore, PlaintextKey, Sha256};
use futures::FutureExt;
use futures::channel::oneshot;

type Tried = Result<ApiKey, ApiKeyRejection>;

/// A handle, and what its store is asked.
fn spied() -> (ApiKeys, Arc<SpyStore>) {
    let store = Arc::<SpyStore>::default();
    (ApiKeys::new(Arc::clone(&store)), store)
}

/// How many look-ups of keys have begun, and have ended.
fn look_ups(store: &SpyStore) -> (usize, usize) {
    (store.begun(Operation::FindByPrefix), store.ended(Operation::FindByPrefix))
}

fn request(path: &str, key: &PlaintextKey) -> TestRequest {
    authorized(TestRequest::with_uri(path), key)
}

async fn text(response: ServiceResponse<impl MessageBody>) -> String {
    String::from_utf8(read_body(response).await.to_vec()).unwrap()
}

#[actix_web::test]
async fn several_extractors_of_one_handler_verify_once() {
    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    let handler = async |a: ApiKey, b: OptionalApiKey, c: Tried| {
        format!("{} {} {}", a.name, b.is_some(), c.is_ok())
    };
    let app = App::new().route("/", web::get().to(handler)).app_data(keys);
    let app = init_service(app).await;

    // As a database would, the store answers later: the extractors wait side by side.
    let held = store.hold(Operation::FindByPrefix, 1);
    let mut response = Box::pin(app.call(request("/", &created.plaintext).to_request()));
    assert!(response.as_mut().now_or_never().is_none());
    drop(held);
    assert_eq!(text(response.await.unwrap()).await, "ci true true");
    assert_eq!(look_ups(&store), (1, 1));
    // The next request is another.
    call_service(&app, request("/", &created.plaintext).to_request()).await;
    assert_eq!(look_ups(&store), (2, 2));
}

#[actix_web::test]
async fn several_guards_of_one_handle_verify_once() {
    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    let inner = web::resource("/in").get(async |key: ApiKey| key.name.clone());
    let app = App::new()
        .service(inner.wrap(require(&keys, AnyKey).strip()))
        .wrap(require(&keys, AnyKey))
        .app_data(keys);
    let app = init_service(app).await;

    let response = call_service(&app, request("/in", &created.plaintext).to_request()).await;
    assert_eq!(text(response).await, "ci");
    assert_eq!(look_ups(&store), (1, 1));
}

#[actix_web::test]
async fn a_refusal_is_found_once_and_told_twice() {
    let (keys, store) = spied();
    let other = ApiKeys::in_memory().create("unknown here").await.unwrap();
    let handler = async |a: Tried, b: Tried| {
        format!("{} {}", a.unwrap_err().error().reason(), b.unwrap_err().error().reason())
    };
    let app = App::new().route("/", web::get().to(handler)).app_data(keys);

    let response =
        call_service(&init_service(app).await, request("/", &other.plaintext).to_request()).await;
    assert_eq!(text(response).await, "unknown_prefix unknown_prefix");
    assert_eq!(look_ups(&store), (1, 1));
}

#[actix_web::test]
async fn a_key_of_one_handle_opens_no_guard_of_another() {
    let (a, b) = (ApiKeys::in_memory(), ApiKeys::in_memory());
    let key_of_a = a.create("a").await.unwrap().plaintext;
    let key_of_b = b.create("b").await.unwrap().plaintext;
    for (guard, data, key, status) in [
        (&a, &a, &key_of_a, 200),
        (&a, &b, &key_of_a, 401),
        (&a, &b, &key_of_b, 401),
        (&b, &a, &key_of_a, 401),
        (&b, &a, &key_of_b, 401),
        (&b, &b, &key_of_b, 200),
    ] {
        let app = App::new()
            .route("/", web::get().to(async |key: ApiKey| key.name.clone()))
            .wrap(require(guard, AnyKey))
            .app_data(web::Data::new(data.clone()));
        let response = call_service(&init_service(app).await, request("/", key).to_request()).await;
        assert_eq!(response.status(), status);
    }
}

#[actix_web::test]
async fn both_handles_let_in_a_key_that_both_know() {
    let (a, b) = (ApiKeys::in_memory(), ApiKeys::in_memory());
    let created = a.create("ci").await.unwrap();
    let same = NewKey::new("copy").with_plaintext(created.plaintext.expose());
    let copy = b.create(same).await.unwrap();
    let app = App::new()
        .route("/", web::get().to(async |key: ApiKey| key.name.clone()))
        .wrap(require(&a, AnyKey))
        .app_data(b);
    let response =
        call_service(&init_service(app).await, request("/", &copy.plaintext).to_request()).await;
    assert_eq!(text(response).await, "copy");
}

#[actix_web::test]
async fn a_store_that_fails_lets_nobody_in_and_blames_nobody() {
    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    store.fail(Operation::FindByPrefix);
    let app = App::new()
        .route("/key", web::get().to(async |_: ApiKey| "in"))
        .route("/maybe", web::get().to(async |_: OptionalApiKey| "in"))
        .service(web::scope("/in").wrap(require(&keys, AnyKey)))
        // The framework's own option hides the failure: it is not `OptionalApiKey`.
        .route("/option", web::get().to(async |key: Option<ApiKey>| key.is_some().to_string()))
        .app_data(keys);
    let app = init_service(app).await;
    for path in ["/key", "/maybe", "/in", "/in/nowhere"] {
        let response = call_service(&app, request(path, &created.plaintext).to_request()).await;
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.headers().get("retry-after").unwrap(), "1");
        assert!(!response.headers().contains_key("www-authenticate"));
        assert!(!text(response).await.contains("lets the store fail"));
    }
    let response = call_service(&app, request("/option", &created.plaintext).to_request()).await;
    assert_eq!((response.status().as_u16(), &*text(response).await), (200, "false"));
}

/// Pinned, so that the warning in the documentation is known to be true: Actix polls the extractors side
/// by side, and the first that fails answers.
#[actix_web::test]
async fn a_bad_body_is_told_before_the_key_is_judged_unless_a_guard_is_in_front() {
    async fn take(_: ApiKey, body: web::Json<u32>) -> String {
        body.to_string()
    }

    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    let guarded = web::resource("/guarded").wrap(require(&keys, AnyKey));
    let app = App::new()
        .route("/open", web::post().to(take))
        .service(guarded.route(web::post().to(take)))
        .app_data(keys);
    let app = init_service(app).await;
    let other = ApiKeys::in_memory().create("unknown here").await.unwrap();
    for (path, key, body, status) in [
        ("/open", &other, "no number", 400),
        ("/open", &other, "7", 401),
        ("/guarded", &other, "no number", 401),
        ("/guarded", &created, "no number", 400),
        ("/guarded", &created, "7", 200),
    ] {
        // As a database would, the store answers later.
        let held = store.hold(Operation::FindByPrefix, 1);
        let request = request(path, &key.plaintext).method(Method::POST);
        let request = request.insert_header(ContentType::json()).set_payload(body).to_request();
        let mut response = Box::pin(app.call(request));
        let early = response.as_mut().now_or_never();
        drop(held);
        let response = match early {
            Some(response) => response,
            None => response.await,
        };
        assert_eq!(response.unwrap().status(), status, "{path} {body}");
    }
}

#[actix_web::test]
async fn a_client_that_hangs_up_leaves_nothing_behind() {
    let (keys, store) = spied();
    let created = keys.create("ci").await.unwrap();
    let _held = store.hold(Operation::FindByPrefix, 2);
    let app = App::new()
        .route("/key", web::get().to(async |_: ApiKey| "in"))
        .service(web::scope("/in").wrap(require(&keys, AnyKey)))
        .route("/free", web::get().to(async || "free"))
        .app_data(keys);
    let app = init_service(app).await;
    for (number, path) in ["/key", "/in"].into_iter().enumerate() {
        let mut response = Box::pin(app.call(request(path, &created.plaintext).to_request()));
        assert!(response.as_mut().now_or_never().is_none());
        assert_eq!(look_ups(&store), (number + 1, number), "{path}");
        drop(response);
        assert_eq!(look_ups(&store), (number + 1, number + 1), "{path}");
        // Actix uses the request's memory again.
        let response = call_service(&app, request("/free", &created.plaintext).to_request()).await;
        assert_eq!(text(response).await, "free");
    }
}

/// Says when a verification has begun, and does not end it before it is told to.
#[derive(Debug)]
struct SlowHasher {
    begun: Mutex<Option<oneshot::Sender<()>>>,
    end: Mutex<mpsc::Receiver<()>>,
}

impl KeyHasher for SlowHasher {
    fn encodings(&self) -> Vec<String> {
        Sha256.encodings()
    }

    fn hash(&self, key: &[u8]) -> Result<HashedKey, HashError> {
        Sha256.hash(key)
    }

    fn verify(&self, key: &[u8], stored: &str) -> Result<bool, HashError> {
        self.begun.lock().unwrap().take().unwrap().send(()).unwrap();
        // On the worker's own thread nobody could tell it to end.
        let told = self.end.lock().unwrap().recv_timeout(Duration::from_secs(10));
        told.map_err(|error| HashError::Failed(Box::new(error)))?;
        Sha256.verify(key, stored)
    }
}

#[actix_web::test]
async fn a_worker_answers_others_while_a_slow_hash_runs() {
    let ((begun, has_begun), (end, may_end)) = (oneshot::channel(), mpsc::channel());
    let hasher = SlowHasher { begun: Mutex::new(Some(begun)), end: Mutex::new(may_end) };
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).hashers(Hashers::new(hasher));
    let keys = keys.build().unwrap();
    let created = keys.create("ci").await.unwrap();
    let app = App::new()
        .route("/key", web::get().to(async |key: ApiKey| key.name.clone()))
        .route("/free", web::get().to(async || "free"))
        .app_data(keys);
    let app = init_service(app).await;

    let slow = rt::spawn(app.call(request("/key", &created.plaintext).to_request()));
    has_begun.await.unwrap();
    let free = call_service(&app, request("/free", &created.plaintext).to_request()).await;
    assert_eq!(text(free).await, "free");
    let refused = call_service(&app, TestRequest::with_uri("/key").to_request()).await;
    assert_eq!(refused.status(), 401);
    assert!(!slow.is_finished());
    end.send(()).unwrap();
    assert_eq!(text(slow.await.unwrap().unwrap()).await, "ci");
}
