//! An adapter for no framework at all, with one deliberate defect.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apikey_conformance::{Running, Service};
use apikey_core::{
    AnyKey, ApiKeys, AuthError, DenyReason, KeyRecord, Outcomes, Permission, RequestHead, Scope,
    Verified, rule,
};
use tokio::net::TcpListener;
use tokio::task::{JoinSet, yield_now};

use crate::{http1, http2};

/// What is wrong with the adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    TakesFirstLine,
    ReadsLossily,
    MindsHeaderCase,
    LosesChallenge,
    LosesQuery,
    EchoesKey,
    AllowsCaching,
    RepeatsChallenge,
    RoutesFirst,
    GuardsByBeginning,
    VerifiesTwice,
    SwallowsRefusals,
    MixesHandles,
    SendsBodyOnHead,
    TellsReason,
    BlamesClient,
    BlamesItself,
    SharesAnswers,
    IsBusy,
    MixesStreams,
    LogsKeys,
    ChallengesForbidden,
    ForgetsWhenToRetry,
    HidesMisconfiguration,
    RemembersKeys,
    ForgetsBody,
    LeaksPlaces,
}

/// How many requests an adapter serves at once that counts them.
const PLACES: usize = 6;

pub(crate) async fn serve(service: Service, defect: Defect) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Arc::new(App {
        service,
        defect,
        is_busy: AtomicBool::new(false),
        places: AtomicUsize::new(PLACES),
        last: Mutex::default(),
    });
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let app = Arc::clone(&app);
            connections.spawn(async move {
                if http2::is_next(&stream).await {
                    http2::answer(&app, stream).await;
                } else {
                    http1::answer(&app, stream).await;
                }
            });
        }
    });
    Running::new(address, server)
}

pub(crate) struct App {
    service: Service,
    pub(crate) defect: Defect,
    is_busy: AtomicBool,
    places: AtomicUsize,
    last: Mutex<Option<Response>>,
}

pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) outcomes: Outcomes<KeyRecord>,
    pub(crate) defect: Defect,
}

#[derive(Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl RequestHead for Request {
    fn header_lines(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        let lines = self.headers.iter().filter(|(own, _)| match self.defect {
            Defect::MindsHeaderCase => own.to_lowercase() == name && own != "x-api-key",
            _ => own.eq_ignore_ascii_case(name),
        });
        let most = if self.defect == Defect::TakesFirstLine { 1 } else { usize::MAX };
        for (_, value) in lines.take(most) {
            match self.defect {
                Defect::ReadsLossily => each(String::from_utf8_lossy(value).as_bytes()),
                _ => each(value),
            }
        }
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref().filter(|_| self.defect != Defect::LosesQuery)
    }
}

impl App {
    pub(crate) fn sends_body(&self, request: &Request) -> bool {
        request.method != "HEAD" || self.is(Defect::SendsBodyOnHead)
    }

    pub(crate) async fn respond(&self, request: &mut Request) -> Response {
        let mut response = if self.is(Defect::IsBusy) && self.is_busy.swap(true, Ordering::SeqCst) {
            empty(503)
        } else if self.is(Defect::LeaksPlaces) {
            self.route_in_place(request).await
        } else {
            self.route(request).await
        };
        self.is_busy.store(false, Ordering::SeqCst);
        if self.is(Defect::SharesAnswers) {
            *self.last.lock().unwrap() = Some(response);
            yield_now().await;
            response = self.last.lock().unwrap().clone().unwrap();
        }
        if self.is(Defect::EchoesKey) && response.status >= 400 {
            response.headers.push(("x-query", request.query.clone().unwrap_or_default()));
        }
        response
    }

    pub(crate) fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    /// Takes a place, and gives it back if nothing comes between.
    async fn route_in_place(&self, request: &mut Request) -> Response {
        let less = |places: usize| places.checked_sub(1);
        if self.places.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
            return empty(503);
        }
        let response = self.route(request).await;
        self.places.fetch_add(1, Ordering::SeqCst);
        response
    }

    async fn route(&self, request: &mut Request) -> Response {
        self.look_at(request);
        let path = request.path.clone();
        let result = match path.as_str() {
            path if self.guards(path) => self.reports(request, path).await,
            "/admin/secrets" => self.secrets(request).await,
            "/public" => Ok(found(request, "open")),
            "/protected" => self.whoami(request).await,
            "/either" => self.either(request).await,
            "/both" => self.both(request).await,
            "/optional" => self.optional(request).await,
            "/other" => self.other(request).await,
            "/internal" => self.internal(request).await,
            "/panic" => self.panic(request).await,
            "/unconfigured" => Err(Service::not_configured()),
            _ => Ok(empty(404)),
        };
        result.unwrap_or_else(|error| self.refuse(&error))
    }

    fn look_at(&self, request: &Request) {
        if self.is(Defect::LogsKeys) {
            request.headers.iter().for_each(|(_, value)| log(value));
        }
    }

    fn guards(&self, path: &str) -> bool {
        let by_beginning = self.is(Defect::GuardsByBeginning) && path.starts_with("/reports");
        path == "/reports" || path.starts_with("/reports/") || by_beginning
    }

    async fn secrets(&self, request: &mut Request) -> Result<Response, AuthError> {
        let admin = Scope::from_static("admin");
        self.require(&self.service.keys, request, &admin).await?;
        Ok(found(request, "secrets"))
    }

    async fn internal(&self, request: &mut Request) -> Result<Response, AuthError> {
        self.require(&self.service.keys, request, &rule(Service::is_internal)).await?;
        Ok(found(request, "internal"))
    }

    async fn panic(&self, request: &mut Request) -> Result<Response, AuthError> {
        self.extract(request).await?;
        Service::panic()
    }

    async fn reports(&self, request: &mut Request, path: &str) -> Result<Response, AuthError> {
        let response = if path == "/reports" { None } else { Some(empty(404)) };
        if let Some(response) = response.clone().filter(|_| self.is(Defect::RoutesFirst)) {
            return Ok(response);
        }
        let scope = Scope::from_static("reports:read");
        self.require(&self.service.keys, request, &scope).await?;
        match response {
            Some(response) => Ok(response),
            None => self.whoami(request).await,
        }
    }

    async fn either(&self, request: &mut Request) -> Result<Response, AuthError> {
        match self.extract(request).await {
            Err(error) if !request.has_session() => Err(error),
            _ => Ok(found(request, "in")),
        }
    }

    async fn both(&self, request: &mut Request) -> Result<Response, AuthError> {
        self.extract(request).await?;
        Ok(if request.has_session() { found(request, "in") } else { empty(401) })
    }

    async fn other(&self, request: &mut Request) -> Result<Response, AuthError> {
        let verified = self.require(&self.service.other, request, &AnyKey).await?;
        if self.is(Defect::MixesHandles) {
            return Ok(found(request, &Service::protected_body(&verified)));
        }
        self.whoami(request).await
    }

    async fn whoami(&self, request: &mut Request) -> Result<Response, AuthError> {
        let verified = self.extract(request).await?;
        Ok(found(request, &Service::protected_body(&verified)))
    }

    async fn optional(&self, request: &mut Request) -> Result<Response, AuthError> {
        let key = match self.extract(request).await {
            Ok(key) => Some(key),
            Err(error) if error.is_missing() || self.is(Defect::SwallowsRefusals) => None,
            Err(error) => return Err(error),
        };
        Ok(found(request, &Service::optional_body(key.as_deref())))
    }

    async fn extract(&self, request: &mut Request) -> Result<Verified<KeyRecord>, AuthError> {
        self.require(&self.service.keys, request, &AnyKey).await
    }

    async fn require(
        &self,
        keys: &ApiKeys,
        request: &mut Request,
        permission: &impl Permission<KeyRecord>,
    ) -> Result<Verified<KeyRecord>, AuthError> {
        let known = request.outcomes.of(keys).cloned();
        let outcome = match known {
            Some(outcome) if !self.is(Defect::VerifiesTwice) => outcome,
            _ => {
                let outcome = keys.authenticate(request).await;
                if self.is(Defect::VerifiesTwice) {
                    let _ = keys.authenticate(request).await;
                }
                outcome
            }
        };
        request.outcomes.record(keys, &outcome);
        let verified = outcome?;
        keys.authorize(&verified, permission)?;
        Ok(verified)
    }

    fn refuse(&self, error: &AuthError) -> Response {
        let mut headers: Vec<_> = error.headers().collect();
        let mut status = error.status();
        match self.defect {
            Defect::LosesChallenge => headers.retain(|(name, _)| *name != "www-authenticate"),
            Defect::AllowsCaching => headers.retain(|(name, _)| *name != "cache-control"),
            Defect::RepeatsChallenge => headers.extend_from_within(..),
            Defect::TellsReason => headers.push(("x-reason", error.reason().to_string())),
            Defect::ChallengesForbidden if error.reason() == DenyReason::Forbidden => {
                headers.push(("www-authenticate", r#"Api-Key realm="api""#.to_owned()));
            }
            Defect::ForgetsWhenToRetry if error.reason() == DenyReason::HashQueueFull => {
                headers.retain(|(name, _)| *name != "retry-after");
            }
            Defect::HidesMisconfiguration if status == 500 => status = 503,
            Defect::BlamesClient if status == 503 => status = 401,
            Defect::BlamesItself if error.reason() == DenyReason::BadStoredHash => status = 503,
            _ => {}
        }
        Response { status, headers, body: error.body() }
    }
}

/// By itself: where a crate switches on `tracing/log`, the macro is large.
fn log(value: &[u8]) {
    tracing::trace!(value = %String::from_utf8_lossy(value), "a header");
}

impl Request {
    /// Whether a header has this value.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.headers.iter().any(|(own, is)| {
            own.eq_ignore_ascii_case(name) && is.eq_ignore_ascii_case(value.as_bytes())
        })
    }

    fn has_session(&self) -> bool {
        self.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("cookie")
                && Service::is_session(&String::from_utf8_lossy(value))
        })
    }
}

fn found(request: &Request, body: &str) -> Response {
    if ["GET", "HEAD"].contains(&request.method.as_str()) {
        return Response { status: 200, headers: Vec::new(), body: body.to_owned() };
    }
    let allow = vec![("allow", "GET,HEAD".to_owned())];
    Response { status: 405, headers: allow, body: String::new() }
}

fn empty(status: u16) -> Response {
    Response { status, headers: Vec::new(), body: String::new() }
}
