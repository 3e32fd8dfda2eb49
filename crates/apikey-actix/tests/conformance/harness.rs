//! The standard application, served with Actix Web.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{ALLOW, COOKIE};
use actix_web::web::{self, ServiceConfig};
use actix_web::{
    App, FromRequest, Handler, HttpRequest, HttpResponse, HttpServer, Resource, Responder, rt,
};
use apikey_actix::{AnyKey, ApiKey, ApiKeyRejection, OptionalApiKey, require, rule, scope};
use apikey_conformance::{Harness, Running, Service};
use tokio::sync::oneshot;

pub(crate) struct Actix;

impl Harness for Actix {
    async fn serve(service: Service) -> Running {
        serve(move |config| configure(config, &service)).await
    }
}

pub(crate) async fn serve(
    configure: impl Fn(&mut ServiceConfig) + Send + Sync + 'static,
) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let configure = Arc::new(configure);
    let app = move || App::new().configure(|config| configure(config));
    let (send, receive) = oneshot::channel();
    // The listener takes connections from now on, and the server fetches them when it runs.
    thread::spawn(move || {
        rt::System::new().block_on(async {
            let server = HttpServer::new(app).workers(2).disable_signals();
            let server = server.listen_auto_h2c(listener).unwrap().run();
            send.send(server.handle()).ok();
            server.await
        })
    });
    Running::new(address, Stop(receive.await.unwrap()))
}

/// Stops the server when it is dropped.
struct Stop(ServerHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        // The command is sent at once; the future would wait until it is carried out.
        drop(self.0.stop(false));
    }
}

fn configure(config: &mut ServiceConfig, Service { keys, other, .. }: &Service) {
    config
        .service(get("/public", async || "open"))
        .service(get("/protected", protected))
        .service(
            web::scope("/reports")
                .service(get("", protected))
                .wrap(require(keys, scope("reports:read"))),
        )
        .service(get("/admin/secrets", async || "secrets").wrap(require(keys, scope("admin"))))
        .service(get("/either", either))
        .service(get("/both", both))
        .service(get("/optional", optional))
        .service(
            get("/internal", async || "internal").wrap(require(keys, rule(Service::is_internal))),
        )
        .service(get("/panic", panic))
        .service(get("/unconfigured", unconfigured))
        .service(get("/other", protected).wrap(require(other, AnyKey)))
        .app_data(web::Data::new(keys.clone()));
}

/// Answers `GET` and `HEAD`.
pub(crate) fn get<H, Args>(path: &str, handler: H) -> Resource
where
    H: Handler<Args>,
    Args: FromRequest + 'static,
    H::Output: Responder + 'static,
{
    let not_allowed =
        async || HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET,HEAD")).finish();
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(web::to(not_allowed))
}

async fn protected(key: ApiKey) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(Service::protected_body(&key))
}

async fn optional(key: OptionalApiKey) -> HttpResponse {
    let body = Service::optional_body(key.as_deref());
    HttpResponse::Ok().content_type("application/json").body(body)
}

async fn either(
    key: Result<ApiKey, ApiKeyRejection>,
    request: HttpRequest,
) -> Result<&'static str, ApiKeyRejection> {
    if !has_session(&request) {
        key?;
    }
    Ok("in")
}

async fn both(_: ApiKey, request: HttpRequest) -> HttpResponse {
    if has_session(&request) {
        HttpResponse::Ok().body("in")
    } else {
        HttpResponse::Unauthorized().finish()
    }
}

/// The connection ends: its task panics, too.
async fn panic(_: ApiKey) -> HttpResponse {
    Service::panic()
}

async fn unconfigured() -> Result<HttpResponse, ApiKeyRejection> {
    Err(Service::not_configured().into())
}

fn has_session(request: &HttpRequest) -> bool {
    let mut lines = request.headers().get_all(COOKIE);
    lines.any(|line| line.to_str().is_ok_and(Service::is_session))
}
