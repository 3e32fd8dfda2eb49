//! `require` behind middleware that keeps a clone of each request, in which nothing can be changed then.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, Error, HttpRequest, web};
use apikey_actix::{AnyKey, ApiKeys, CreatedKey, KeyLocation, KeyRecord, Require, require};
use apikey_core::MemoryStore;

/// Keeps a clone of each request until it is answered.
async fn keep(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let _kept = request.request().clone();
    next.call(request).await
}

/// Answers with what it sees of a request.
async fn echo(request: HttpRequest) -> String {
    let sensitive = request.headers().get(AUTHORIZATION).map(HeaderValue::is_sensitive);
    format!("{} sensitive: {sensitive:?}", request.uri())
}

/// Sends requests through the guard, with such middleware around it.
async fn ask<const N: usize>(
    guard: Require<KeyRecord>,
    requests: [TestRequest; N],
) -> [(u16, String); N] {
    let guarded = web::resource("/").get(echo).wrap(guard).wrap(from_fn(keep));
    let app = init_service(App::new().service(guarded)).await;
    let mut answers = Vec::new();
    for request in requests {
        let response = call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        answers.push((status, String::from_utf8(read_body(response).await.to_vec()).unwrap()));
    }
    answers.try_into().unwrap()
}

fn with(key: &CreatedKey<KeyRecord>) -> TestRequest {
    TestRequest::default()
        .insert_header((AUTHORIZATION, format!("Api-Key {}", key.plaintext.expose())))
}

#[actix_web::test]
async fn a_key_is_let_in_without_the_mark_and_the_log_says_so_once() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let log = Log::default();
    let _guard = log.listen();
    let [first, second] = ask(require(&keys, AnyKey), [with(&created), with(&created)]).await;
    for answer in [first, second] {
        assert_eq!(answer, (200, "/ sensitive: Some(false)".to_owned()));
    }
    let told = log.text();
    assert_eq!(told.matches("keeps a clone").count(), 1, "{told}");
    assert!(!told.contains(&created.plaintext.expose()[9..]), "{told}");
}

#[actix_web::test]
async fn refusals_and_marked_requests_are_as_ever() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let requests = [
        TestRequest::default(),
        TestRequest::default().insert_header(("accept", "*/*")),
        TestRequest::default().insert_header((AUTHORIZATION, "Api-Key AAAAAAAA.wrong")),
        // It comes marked.
        apikey_actix::test::authorized(TestRequest::default(), &created.plaintext),
    ];
    let answers = ask(require(&keys, AnyKey), requests).await;
    assert_eq!(answers.map(|(status, _)| status), [401, 401, 401, 200]);
}

#[actix_web::test]
async fn a_key_that_cannot_be_taken_out_is_not_passed_on() {
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
        .locations([KeyLocation::authorization("Api-Key"), KeyLocation::query("api_key")])
        .build()
        .unwrap();
    let created = keys.create("ci").await.unwrap();
    let log = Log::default();
    let _guard = log.listen();
    let by_query = format!("/?api_key={}", created.plaintext.expose());
    let requests = [
        with(&created),
        TestRequest::with_uri(&by_query),
        apikey_actix::test::authorized(TestRequest::default(), &created.plaintext),
        TestRequest::default(),
    ];
    let answers = ask(require(&keys, AnyKey).strip(), requests).await;
    assert_eq!(answers.each_ref().map(|(status, _)| *status), [500, 500, 500, 401]);
    for (_, body) in &answers[..3] {
        assert!(body.contains("urn:apikey:problem:not-configured"), "{body}");
        assert!(!body.contains("strip"), "the reason is for the log: {body}");
    }
    let told = log.text();
    assert!(told.contains("strip") && told.contains("ERROR"), "{told}");
    assert!(!told.contains(&created.plaintext.expose()[9..]), "{told}");
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
