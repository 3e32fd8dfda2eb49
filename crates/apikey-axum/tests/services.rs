//! `require` in front of services, Axum's or not.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use apikey_axum::test::authorized;
use apikey_axum::{
    AnyKey, ApiKeyRejection, ApiKeys, KeyLocation, KeyRecord, NewKey, require, rule, scope,
};
use apikey_conformance::adapter::client::{RawRequest, send};
use apikey_core::MemoryStore;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::OriginalUri;
use axum::routing::get;
use futures::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2 as client;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// Answers with what it sees of a request, whose body is of no particular type.
async fn echo<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = request.headers().get("authorization").map(HeaderValue::is_sensitive);
    let text = format!("{} sensitive: {header:?}", request.uri());
    Ok(Response::new(Full::from(text)))
}

async fn text(response: Response<Full<Bytes>>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn guards_a_plain_tower_service() {
    let keys = ApiKeys::in_memory();
    let created = keys.create(NewKey::new("ci").scopes(["reports:read"])).await.unwrap();
    let open = ServiceBuilder::new()
        .layer(require(&keys, scope("reports:read") | scope("admin")))
        .service(service_fn(echo::<&str>));
    let closed = require(&keys, scope("admin") & rule(|_: &KeyRecord| true));
    let closed = closed.layer(service_fn(echo::<&str>));
    let request = || Request::get("/x?a=b").body("any body").unwrap();

    let refused = open.clone().oneshot(request()).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["www-authenticate"], r#"Api-Key realm="api""#);
    assert!(text(refused).await.contains("missing-api-key"));

    let request =
        || authorized(Request::get("/x?a=b").body("any body").unwrap(), &created.plaintext);
    let served = open.oneshot(request()).await.unwrap();
    assert_eq!(text(served).await, "/x?a=b sensitive: Some(true)");
    assert_eq!(closed.oneshot(request()).await.unwrap().status(), 403);
}

#[tokio::test]
async fn guards_a_plain_hyper_server() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let service = require(&keys, AnyKey).layer(service_fn(echo::<Incoming>));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            connection.await.unwrap();
        }
    });

    let refused = send(address, &RawRequest::get("/x")).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.all("www-authenticate"), [r#"Api-Key realm="api""#]);
    let served = send(address, &RawRequest::get("/x").key(created.plaintext.expose())).await;
    assert_eq!(served.text(), "/x sensitive: Some(true)");
}

/// Over HTTP/2 nobody else takes the body off an answer to `HEAD`.
#[tokio::test]
async fn head_gets_the_same_head_and_no_body_over_http_2() {
    let service = require(&ApiKeys::in_memory(), AnyKey).layer(service_fn(echo::<Incoming>));
    let (near, far) = tokio::io::duplex(10_000);
    let mut connections = JoinSet::new();
    let server = http2::Builder::new(TokioExecutor::new());
    connections
        .spawn(server.serve_connection(TokioIo::new(far), TowerToHyperService::new(service)));
    let client = client::handshake(TokioExecutor::new(), TokioIo::new(near)).await;
    let (mut client, connection) = client.unwrap();
    connections.spawn(connection);

    let mut ask = async |method| {
        let request = Request::builder().method(method).uri("http://localhost/x");
        let response = client.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await;
        let (mut parts, body) = response.unwrap().into_parts();
        parts.headers.remove("date");
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
    };
    let (status, headers, body) = ask(Method::GET).await;
    assert_eq!(status, 401);
    assert_eq!(headers["content-length"], body.len().to_string());
    assert_eq!(ask(Method::HEAD).await, (status, headers, Bytes::new()));
}

#[tokio::test]
async fn a_refusal_without_a_server_has_no_body_for_head_either() {
    let service = require(&ApiKeys::in_memory(), AnyKey).layer(service_fn(echo::<()>));
    let ask = async |method| {
        let request = Request::builder().method(method).body(()).unwrap();
        service.clone().oneshot(request).await.unwrap()
    };
    let (head, get) = (ask(Method::HEAD).await, ask(Method::GET).await);
    assert!(!get.headers().contains_key("content-length"), "it is the server's");
    let length = head.headers()["content-length"].to_str().unwrap().parse();
    assert_eq!(text(head).await, "");
    assert_eq!(Ok(text(get).await.len()), length);
}

#[tokio::test]
#[should_panic(expected = "polled after completion")]
async fn an_answer_is_given_once() {
    let mut service = require(&ApiKeys::in_memory(), AnyKey).layer(service_fn(echo::<()>));
    let mut response = Box::pin(service.call(Request::new(())));
    assert_eq!(response.as_mut().now_or_never().unwrap().unwrap().status(), 401);
    response.as_mut().now_or_never();
}

/// Must be called only when ready, as tower's contract demands.
struct Strict {
    is_ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { is_ready: false }
    }
}

impl Service<Request<()>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(self.is_ready, "called before it was ready");
        self.is_ready = false;
        ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn calls_the_service_that_was_made_ready() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let mut service = require(&keys, AnyKey).layer(Strict { is_ready: false });
    for _ in 0..2 {
        let request = authorized(Request::new(()), &created.plaintext);
        assert_eq!(service.ready().await.unwrap().call(request).await.unwrap().status(), 200);
    }
}

#[test]
fn the_layer_can_be_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>(_: T) {}
    let layer = require(&ApiKeys::in_memory(), AnyKey);
    shared(layer.clone());
    shared(layer.layer(service_fn(echo::<Body>)));
}

#[test]
fn debug_output_names_the_guard() {
    let text = format!("{:?}", require(&ApiKeys::in_memory(), AnyKey).strip());
    assert!(text.contains("strips: true"), "{text}");
}

#[tokio::test]
async fn a_function_answers_refusals_and_nothing_else() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let teapot = |rejection: &ApiKeyRejection| {
        let mut response = Response::new(Full::from(rejection.error().status().to_string()));
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        response
    };
    for (service, status) in [
        (require(&keys, AnyKey).respond_with(teapot), 200),
        (require(&keys, scope("admin")).strip().respond_with(teapot), 418),
    ] {
        let service = service.layer(service_fn(echo::<()>));
        let refused = service.clone().oneshot(Request::new(())).await.unwrap();
        assert_eq!(refused.status(), 418);
        assert!(refused.headers().is_empty(), "the function says everything");
        assert!(refused.extensions().get::<ApiKeyRejection>().is_some());
        assert_eq!(text(refused).await, "401");
        let request = authorized(Request::new(()), &created.plaintext);
        assert_eq!(service.oneshot(request).await.unwrap().status(), status);
    }
}

fn keys_with(locations: impl IntoIterator<Item = KeyLocation>) -> ApiKeys {
    ApiKeys::builder(MemoryStore::<KeyRecord>::new()).locations(locations).build().unwrap()
}

#[tokio::test]
async fn strip_takes_the_header_away_and_leaves_others() {
    let keys = keys_with([KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")]);
    let created = keys.create("ci").await.unwrap();
    let see = async |request: Request<()>| {
        Ok::<_, Infallible>(Response::new(format!("{:?}", request.headers())))
    };
    let service = require(&keys, AnyKey).strip().layer(service_fn(see));

    let request = authorized(Request::new(()), &created.plaintext);
    assert_eq!(service.clone().oneshot(request).await.unwrap().into_body(), "{}");
    let request = Request::get("/")
        .header("x-api-key", created.plaintext.expose())
        .header("authorization", "Basic kept")
        .body(())
        .unwrap();
    let seen = service.oneshot(request).await.unwrap().into_body();
    assert_eq!(seen, r#"{"authorization": Sensitive}"#);
}

#[tokio::test]
async fn strip_takes_the_parameter_away_and_leaves_others() {
    let keys = keys_with([KeyLocation::query("api_key")]);
    let created = keys.create("ci").await.unwrap();
    let key = created.plaintext.expose();
    let service = require(&keys, AnyKey).strip().layer(service_fn(echo::<()>));
    for (url, left) in [
        (format!("/x?a=%20b&api_key={key}&c"), "/x?a=%20b&c"),
        (format!("/x?api_key={key}"), "/x"),
        (format!("https://host:1/?a&api%5Fkey={key}"), "https://host:1/?a"),
    ] {
        let request = Request::get(&url).body(()).unwrap();
        let seen = text(service.clone().oneshot(request).await.unwrap()).await;
        assert_eq!(seen, format!("{left} sensitive: None"));
    }
}

#[tokio::test]
async fn strip_reaches_the_copy_of_the_url_that_axum_keeps() {
    let keys = keys_with([KeyLocation::query("api_key")]);
    let created = keys.create("ci").await.unwrap();
    let app: Router = Router::new().nest(
        "/in",
        Router::new()
            .route("/", get(|OriginalUri(uri): OriginalUri| async move { uri.to_string() }))
            .layer(require(&keys, AnyKey).strip()),
    );
    let url = format!("/in?api_key={}&a=b", created.plaintext.expose());
    let response = app.oneshot(Request::get(url).body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(to_bytes(response.into_body(), 1000).await.unwrap(), "/in?a=b");
}

#[tokio::test]
async fn a_handler_that_panics_harms_no_other_request() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let app: Router = Router::new()
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("on purpose")
                }
            }),
        )
        .route("/", get(|| async { "served" }))
        .route_layer(require(&keys, AnyKey));
    let ask = |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        app.clone().oneshot(authorized(request, &created.plaintext))
    };
    assert!(std::panic::AssertUnwindSafe(ask("/panic")).catch_unwind().await.is_err());
    assert_eq!(ask("/").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_key_in_basic_is_marked_and_taken_away() {
    let keys = keys_with([KeyLocation::basic()]);
    let created = keys.create("ci").await.unwrap();
    let request = || {
        let value = apikey_axum::test::authorized_by(&keys, Request::new(()), &created.plaintext);
        // As a client sends it: without a mark.
        let value = value.headers()["authorization"].as_bytes().to_vec();
        Request::get("/").header("authorization", value).body(()).unwrap()
    };
    let marked = require(&keys, AnyKey).layer(service_fn(echo::<()>));
    assert_eq!(text(marked.oneshot(request()).await.unwrap()).await, "/ sensitive: Some(true)");
    let stripped = require(&keys, AnyKey).strip().layer(service_fn(echo::<()>));
    assert_eq!(text(stripped.oneshot(request()).await.unwrap()).await, "/ sensitive: None");
}

#[tokio::test]
async fn the_helper_for_tests_asks_the_handle_where_to_put_a_key() {
    for location in [
        KeyLocation::authorization("Token"),
        KeyLocation::basic().user("api"),
        KeyLocation::header("X-Api-Key"),
        KeyLocation::query("api_key"),
    ] {
        let keys = keys_with([location.clone()]);
        let created = keys.create("ci").await.unwrap();
        for uri in ["/", "/?", "/?a=%20b", "http://localhost/x"] {
            let request = Request::get(uri).body(()).unwrap();
            let request = apikey_axum::test::authorized_by(&keys, request, &created.plaintext);
            let service = require(&keys, AnyKey).layer(service_fn(echo::<()>));
            assert_eq!(service.oneshot(request).await.unwrap().status(), 200, "{location:?} {uri}");
        }
    }
}
