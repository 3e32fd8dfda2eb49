//! Where an extractor finds its handle, and what happens where there is none, or two.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use apikey_actix::test::authorized;
use apikey_actix::{ApiKey, ApiKeyRejection, ApiKeys, OptionalApiKey};

async fn name(key: ApiKey) -> String {
    key.name.clone()
}

/// An application without the handle.
fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/", web::get().to(name))
        .route("/maybe", web::get().to(async |_: OptionalApiKey| "in"))
        .route(
            "/result",
            web::get().to(async |key: Result<ApiKey, ApiKeyRejection>| key.map(|_| "in")),
        )
        .route(
            "/twice",
            web::get()
                .to(async |a: Result<ApiKey, ApiKeyRejection>, _: OptionalApiKey| a.map(|_| "in")),
        );
}

#[actix_web::test]
async fn a_handle_is_found_as_it_is_and_as_data() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let request = || authorized(TestRequest::default(), &created.plaintext).to_request();
    let plain = App::new().app_data(keys.clone()).configure(routes);
    let data = App::new().app_data(web::Data::new(keys.clone())).configure(routes);
    let shared = web::Data::from(Arc::new(keys));
    let scoped = App::new().service(web::scope("").app_data(shared).configure(routes));

    assert_eq!(call_service(&init_service(plain).await, request()).await.status(), 200);
    assert_eq!(call_service(&init_service(data).await, request()).await.status(), 200);
    assert_eq!(call_service(&init_service(scoped).await, request()).await.status(), 200);
}

#[actix_web::test]
async fn a_handle_that_is_given_twice_is_one() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let inner = web::scope("").app_data(web::Data::new(keys.clone())).configure(routes);
    let app = App::new().app_data(keys).service(inner);
    let request = authorized(TestRequest::default(), &created.plaintext).to_request();
    assert_eq!(call_service(&init_service(app).await, request).await.status(), 200);
}

/// Whichever is inside: Actix does not tell.
#[actix_web::test]
async fn a_handle_as_it_is_and_another_as_data_are_ambiguous() {
    let (plain, data) = (ApiKeys::in_memory(), web::Data::new(ApiKeys::in_memory()));
    let (of_plain, of_data) =
        (plain.create("plain").await.unwrap(), data.create("data").await.unwrap());
    let scope = || web::scope("").configure(routes);
    let plain_inside = App::new().app_data(data.clone()).service(scope().app_data(plain.clone()));
    let data_inside = App::new().app_data(plain).service(scope().app_data(data));
    for app in [init_service(plain_inside).await, init_service(data_inside).await] {
        for key in [&of_plain.plaintext, &of_data.plaintext] {
            for path in ["/", "/maybe", "/result"] {
                let request = authorized(TestRequest::with_uri(path), key).to_request();
                let log = mistake(call_service(&app, request)).await;
                assert!(log.contains("both handles") && log.contains("KeyRecord>"), "{log}");
            }
        }
    }
}

#[actix_web::test]
async fn the_handle_of_a_scope_comes_before_that_of_the_application() {
    let (outer, inner) = (ApiKeys::in_memory(), ApiKeys::in_memory());
    let created = inner.create("inner").await.unwrap();
    let app = App::new()
        .app_data(web::Data::new(outer))
        .route("/", web::get().to(name))
        .service(web::scope("/in").app_data(web::Data::new(inner)).route("", web::get().to(name)));
    let app = init_service(app).await;
    for (path, status) in [("/", 401), ("/in", 200)] {
        let request = authorized(TestRequest::with_uri(path), &created.plaintext).to_request();
        assert_eq!(call_service(&app, request).await.status(), status, "{path}");
    }
}

#[actix_web::test]
async fn without_a_handle_the_log_names_the_missing_line_and_the_client_learns_nothing() {
    let created = ApiKeys::in_memory().create("ci").await.unwrap();
    let app = init_service(App::new().configure(routes)).await;
    for path in ["/", "/maybe", "/result", "/twice"] {
        let request = authorized(TestRequest::with_uri(path), &created.plaintext).to_request();
        let log = mistake(call_service(&app, request)).await;
        assert!(log.contains(".app_data(web::Data::new(keys))"), "{log}");
        assert!(log.contains("ApiKeys<") && log.contains("KeyRecord>"), "{log}");
    }
}

/// Asks an application that has no handle for its guards, or too many. Returns what the log says, once.
async fn mistake(response: impl Future<Output = ServiceResponse>) -> String {
    let log = Log::default();
    let guard = log.listen();
    let response = response.await;
    drop(guard);

    assert_eq!(response.status(), 500);
    assert!(!response.headers().contains_key("www-authenticate"));
    let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    assert!(body.contains("not-configured") && !body.contains("app_data"), "{body}");
    let text = log.text();
    assert_eq!(text.matches("ERROR").count(), 1, "{text}");
    text
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
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
