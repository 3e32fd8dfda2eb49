//! `require` among other middleware.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use actix_web::middleware::{Condition, DefaultHeaders, ErrorHandlers};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpRequest, web};
use apikey_actix::test::{authorized, authorized_by};
use apikey_actix::{
    AnyKey, ApiKey, ApiKeyRejection, ApiKeys, KeyLocation, KeyRecord, NewKey, OptionalApiKey,
    require, rule, scope,
};
use apikey_core::MemoryStore;
use futures::FutureExt;

/// Answers with what it sees of a request.
async fn echo(request: HttpRequest) -> String {
    let sensitive = request.headers().get(AUTHORIZATION).map(HeaderValue::is_sensitive);
    format!("{} sensitive: {sensitive:?}", request.uri())
}

fn bare(url: &str) -> TestRequest {
    TestRequest::with_uri(url)
}

async fn text<B: MessageBody>(response: ServiceResponse<B>) -> String {
    String::from_utf8(read_body(response).await.to_vec()).unwrap()
}

#[actix_web::test]
async fn guards_a_resource_a_scope_and_an_application() {
    let keys = ApiKeys::in_memory();
    let created = keys.create(NewKey::new("ci").scopes(["reports:read"])).await.unwrap();
    let open = || require(&keys, scope("reports:read") | scope("admin"));
    let closed = || require(&keys, scope("admin") & rule(|_: &KeyRecord| true));
    let inner = App::new()
        .service(web::resource("/resource").get(echo).wrap(open()))
        .service(web::scope("/scope").route("/x", web::get().to(echo)).wrap(open()))
        .service(web::resource("/closed").get(echo).wrap(closed()))
        .route("/free", web::get().to(echo));
    let inner = init_service(inner).await;
    let whole = init_service(App::new().route("/", web::get().to(echo)).wrap(open())).await;

    for path in ["/resource", "/scope/x", "/closed"] {
        let refused = call_service(&inner, bare(path).to_request()).await;
        assert_eq!(refused.status(), 401, "{path}");
        assert_eq!(refused.headers().get("www-authenticate").unwrap(), r#"Api-Key realm="api""#);
        assert!(text(refused).await.contains("missing-api-key"));
    }
    for (path, status) in [("/resource", 200), ("/scope/x", 200), ("/closed", 403)] {
        let request = authorized(bare(path), &created.plaintext).to_request();
        assert_eq!(call_service(&inner, request).await.status(), status, "{path}");
    }
    assert_eq!(call_service(&inner, bare("/free").to_request()).await.status(), 200);

    for path in ["/", "/nowhere"] {
        assert_eq!(call_service(&whole, bare(path).to_request()).await.status(), 401, "{path}");
    }
    let request = authorized(bare("/?a=b"), &created.plaintext).append_header(("x", "y"));
    let served = call_service(&whole, request.to_request()).await;
    assert_eq!(text(served).await, "/?a=b sensitive: Some(true)");
}

#[actix_web::test]
async fn middleware_around_the_guard_sees_its_refusals() {
    let keys = ApiKeys::in_memory();
    let seen = Rc::new(Cell::new(0));
    let counter = Rc::clone(&seen);
    let app = App::new()
        .service(web::resource("/in").get(echo).wrap(require(&keys, AnyKey)))
        .wrap(DefaultHeaders::new().add(("x-outer", "yes")))
        .wrap_fn(move |request, service| {
            let (response, counter) = (service.call(request), Rc::clone(&counter));
            async move {
                // As an error it would pass here unseen.
                let response = response.await?;
                counter.set(counter.get() + 1);
                let error = response.response().error().unwrap();
                assert!(error.as_error::<ApiKeyRejection>().is_some());
                Ok(response)
            }
        });
    let response = call_service(&init_service(app).await, bare("/in").to_request()).await;
    assert_eq!((response.status().as_u16(), seen.get()), (401, 1));
    assert_eq!(response.headers().get("x-outer").unwrap(), "yes");
}

#[actix_web::test]
async fn the_handlers_of_actix_for_errors_see_its_refusals() {
    fn own_body<B>(
        response: ServiceResponse<B>,
    ) -> actix_web::Result<actix_web::middleware::ErrorHandlerResponse<B>> {
        let error = response.response().error().unwrap();
        let reason = error.as_error::<ApiKeyRejection>().unwrap().error().reason();
        let response = response.map_body(|_, _| reason.to_string()).map_into_boxed_body();
        Ok(actix_web::middleware::ErrorHandlerResponse::Response(response.map_into_right_body()))
    }

    let keys = ApiKeys::in_memory();
    let app = App::new()
        .service(web::resource("/guard").get(echo).wrap(require(&keys, AnyKey)))
        .route("/extractor", web::get().to(async |_: ApiKey| "in"))
        .app_data(keys)
        .wrap(ErrorHandlers::new().default_handler(own_body));
    let app = init_service(app).await;
    for path in ["/guard", "/extractor"] {
        let response = call_service(&app, bare(path).to_request()).await;
        assert_eq!(response.status(), 401, "{path}");
        assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
        assert_eq!(text(response).await, "missing", "{path}");
    }
}

#[actix_web::test]
async fn can_be_switched_by_a_condition() {
    let keys = ApiKeys::in_memory();
    for (is_on, status) in [(true, 401), (false, 200)] {
        let guard = Condition::new(is_on, require(&keys, AnyKey));
        let app = App::new().service(web::resource("/").get(echo).wrap(guard));
        let response = call_service(&init_service(app).await, bare("/").to_request()).await;
        assert_eq!(response.status(), status);
    }
}

#[test]
fn the_guard_can_be_shared_between_workers() {
    fn shared<T: Clone + Send + Sync + 'static>(_: T) {}
    shared(require(&ApiKeys::in_memory(), AnyKey));
}

#[test]
fn debug_output_names_the_guard() {
    let text = format!("{:?}", require(&ApiKeys::in_memory(), AnyKey).strip());
    assert!(text.contains("strips: true"), "{text}");
}

fn keys_with(locations: impl IntoIterator<Item = KeyLocation>) -> ApiKeys {
    ApiKeys::builder(MemoryStore::<KeyRecord>::new()).locations(locations).build().unwrap()
}

/// Answers with the headers, sorted: in Actix they have no order.
async fn headers(request: HttpRequest) -> String {
    let mut lines: Vec<_> =
        request.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    lines.sort();
    lines.join(", ")
}

#[actix_web::test]
async fn marks_every_header_that_may_hold_a_key_as_sensitive() {
    let keys = keys_with([KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")]);
    let created = keys.create("ci").await.unwrap();
    let app = App::new().service(web::resource("/").get(headers).wrap(require(&keys, AnyKey)));
    let app = init_service(app).await;
    let request = bare("/")
        .insert_header(("x-api-key", created.plaintext.expose()))
        .append_header(("authorization", "Basic one"))
        .append_header(("authorization", "Basic two"))
        .append_header(("accept", "*/*"));
    assert_eq!(
        text(call_service(&app, request.to_request()).await).await,
        r#"accept: "*/*", authorization: Sensitive, authorization: Sensitive, x-api-key: Sensitive"#
    );
}

#[actix_web::test]
async fn marking_changes_neither_the_number_nor_the_order_of_lines() {
    async fn lines(request: HttpRequest) -> String {
        let lines = request.headers().get_all(AUTHORIZATION);
        lines.map(|line| line.to_str().unwrap()).collect::<Vec<_>>().join(", ")
    }

    let keys = keys_with([KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")]);
    let created = keys.create("ci").await.unwrap();
    let app = App::new().service(web::resource("/").get(lines).wrap(require(&keys, AnyKey)));
    let app = init_service(app).await;
    let request = bare("/")
        .insert_header(("x-api-key", created.plaintext.expose()))
        .append_header(("authorization", "Basic two"))
        .append_header(("authorization", "Basic one"))
        .append_header(("authorization", "Basic two"));
    let seen = text(call_service(&app, request.to_request()).await).await;
    assert_eq!(seen, "Basic two, Basic one, Basic two");
}

#[actix_web::test]
async fn strip_takes_the_header_away_and_leaves_others() {
    let keys = keys_with([KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")]);
    let created = keys.create("ci").await.unwrap();
    let guard = require(&keys, AnyKey).strip();
    let app = init_service(App::new().route("/", web::get().to(headers)).wrap(guard)).await;

    let request = authorized(bare("/"), &created.plaintext).to_request();
    assert_eq!(text(call_service(&app, request).await).await, "");
    let request = bare("/")
        .insert_header(("x-api-key", created.plaintext.expose()))
        .insert_header(("authorization", "Basic kept"));
    let seen = text(call_service(&app, request.to_request()).await).await;
    assert_eq!(seen, "authorization: Sensitive");
}

#[actix_web::test]
async fn strip_takes_the_parameter_away_and_leaves_others() {
    let keys = keys_with([KeyLocation::query("api_key")]);
    let created = keys.create("ci").await.unwrap();
    let key = created.plaintext.expose();
    // Both the request's URL and the copy that the router keeps.
    let urls = async |id: web::Path<String>, request: HttpRequest| {
        format!("{id} {} {}", request.uri(), request.match_info().get_ref().uri())
    };
    let app = App::new().service(
        web::scope("/in").route("/{id}", web::get().to(urls)).wrap(require(&keys, AnyKey).strip()),
    );
    let app = init_service(app).await;
    for (url, left) in [
        (format!("/in/x%20y?a=%20b&api_key={key}&c"), "/in/x%20y?a=%20b&c"),
        (format!("/in/x%20y?api_key={key}"), "/in/x%20y"),
        (format!("https://host:1/in/x%20y?a&api%5Fkey={key}"), "https://host:1/in/x%20y?a"),
    ] {
        let seen = text(call_service(&app, bare(&url).to_request()).await).await;
        assert_eq!(seen, format!("x y {left} {left}"));
    }
}

#[actix_web::test]
async fn a_guard_behind_strip_knows_the_key_still() {
    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let app = App::new()
        .service(
            web::resource("/")
                .get(async |a: ApiKey, b: OptionalApiKey| format!("{} {}", a.name, b.is_some()))
                .wrap(require(&keys, AnyKey)),
        )
        .wrap(require(&keys, AnyKey).strip())
        .app_data(keys);
    let request = authorized(bare("/"), &created.plaintext).to_request();
    assert_eq!(text(call_service(&init_service(app).await, request).await).await, "ci true");
}

#[actix_web::test]
async fn a_handler_that_panics_harms_no_other_request() {
    async fn panics(_: ApiKey) -> &'static str {
        panic!("on purpose")
    }

    let keys = ApiKeys::in_memory();
    let created = keys.create("ci").await.unwrap();
    let app = App::new()
        .route("/panic", web::get().to(panics))
        .route("/", web::get().to(echo))
        .wrap(require(&keys, AnyKey))
        .app_data(keys);
    let app = init_service(app).await;
    let ask = |path: &str| app.call(authorized(bare(path), &created.plaintext).to_request());
    assert!(AssertUnwindSafe(ask("/panic")).catch_unwind().await.is_err());
    assert_eq!(ask("/").await.unwrap().status(), 200);
}

#[actix_web::test]
async fn a_key_in_basic_is_marked_and_taken_away() {
    let keys = keys_with([KeyLocation::basic()]);
    let created = keys.create("ci").await.unwrap();
    let request = || {
        let marked = authorized_by(&keys, bare("/"), &created.plaintext).to_http_request();
        // As a client sends it: without a mark.
        let value = marked.headers().get(AUTHORIZATION).unwrap().as_bytes();
        bare("/").insert_header((AUTHORIZATION, HeaderValue::from_bytes(value).unwrap()))
    };
    for (guard, seen) in [
        (require(&keys, AnyKey), "/ sensitive: Some(true)"),
        (require(&keys, AnyKey).strip(), "/ sensitive: None"),
    ] {
        let app = init_service(App::new().route("/", web::get().to(echo)).wrap(guard)).await;
        assert_eq!(text(call_service(&app, request().to_request()).await).await, seen);
    }
}

#[actix_web::test]
async fn the_helper_for_tests_asks_the_handle_where_to_put_a_key() {
    for locations in [
        vec![KeyLocation::authorization("Token")],
        vec![KeyLocation::basic().user("api")],
        vec![KeyLocation::query("api_key"), KeyLocation::header("X-Api-Key")],
    ] {
        let keys = keys_with(locations.clone());
        let created = keys.create("ci").await.unwrap();
        let guarded = App::new().route("/", web::get().to(echo)).wrap(require(&keys, AnyKey));
        let request = authorized_by(&keys, bare("/"), &created.plaintext).to_request();
        let response = call_service(&init_service(guarded).await, request).await;
        assert_eq!(response.status(), 200, "{locations:?}");
    }
}
