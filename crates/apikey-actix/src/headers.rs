//! What is lent of a request, what is marked in it, and what is taken out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::dev::ServiceRequest;
use actix_web::http::Uri;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::uri::PathAndQuery;
use actix_web::{HttpMessage, HttpRequest};
use apikey_core::{ApiKeys, AuthError, KeyLocation, KeyModel, Outcomes, RequestHead, Verified};
use tokio::sync::Mutex;

struct Head<'a>(&'a HttpRequest);

impl RequestHead for Head<'_> {
    fn header_lines(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        self.0.headers().get_all(name).for_each(|line| each(line.as_bytes()));
    }

    fn query(&self) -> Option<&str> {
        self.0.uri().query()
    }
}

/// Actix polls the extractors of a handler side by side: in turns, the second finds what became of the
/// first, and the store is asked once.
#[derive(Clone, Default)]
struct Turns(Arc<Mutex<()>>);

/// Verifies the key of a request, unless a guard before did so already, and keeps the result for the
/// guards that follow.
pub(crate) async fn authenticate<M: KeyModel>(
    keys: &ApiKeys<M>,
    request: &HttpRequest,
) -> Result<Verified<M>, AuthError> {
    if let Some(outcome) = known(keys, request) {
        return outcome;
    }
    let turns = request.extensions_mut().get_or_insert_with(Turns::default).clone();
    let _turn = turns.0.lock().await;
    if let Some(outcome) = known(keys, request) {
        return outcome;
    }
    let outcome = keys.authenticate(&Head(request)).await;
    request.extensions_mut().get_or_insert_with(Outcomes::default).record(keys, &outcome);
    outcome
}

fn known<M: KeyModel>(
    keys: &ApiKeys<M>,
    request: &HttpRequest,
) -> Option<Result<Verified<M>, AuthError>> {
    request.extensions().get::<Outcomes<M>>()?.of(keys).cloned()
}

/// A request that cannot be changed, since somebody else holds a clone of it.
pub(crate) struct Held;

/// Returns the request if it can be changed. Actix panics where it is held, and gives no other answer.
fn free(request: &mut ServiceRequest) -> Result<&mut ServiceRequest, Held> {
    let mut tried = AssertUnwindSafe(&mut *request);
    catch_unwind(move || {
        tried.head_mut();
    })
    .map_err(|_| Held)?;
    Ok(request)
}

/// Whether the marks are given up: middleware around a guard held a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unmarked(Arc<AtomicBool>);

impl Unmarked {
    /// Says so, once.
    fn give_up(&self) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "middleware around `require` keeps a clone of each request: the headers that may hold an API key are \
                 not marked as sensitive any more; keep what you need of the request, or put `require` around that \
                 middleware"
            );
        }
    }
}

/// Keeps the keys out of the `Debug` output of headers. Looks first, since a request can be changed only
/// while nobody else holds it; once one was held, no other is tried, since each try is a panic in the log.
pub(crate) fn mark_sensitive<M: KeyModel>(
    keys: &ApiKeys<M>,
    request: &mut ServiceRequest,
    unmarked: &Unmarked,
) {
    if unmarked.0.load(Ordering::Relaxed) {
        return;
    }
    for name in keys.locations().iter().filter_map(KeyLocation::header_name) {
        if request.headers().get_all(name).all(HeaderValue::is_sensitive) {
            continue;
        }
        let Ok(request) = free(request) else {
            return unmarked.give_up();
        };
        mark_lines(name, request.headers_mut());
    }
}

fn mark_lines(name: &str, headers: &mut HeaderMap) {
    let Ok(name) = HeaderName::try_from(name) else {
        return;
    };
    for mut line in headers.remove(&name) {
        line.set_sensitive(true);
        headers.append(name.clone(), line);
    }
}

/// Takes the key out of the request, so that neither a handler nor a service behind a proxy sees it.
pub(crate) fn strip(location: &KeyLocation, request: &mut ServiceRequest) -> Result<(), Held> {
    let request = free(request)?;
    if let Some(name) = location.header_name() {
        request.headers_mut().remove(name);
    }
    if let Some(uri) = strip_query(location, request.uri()) {
        // The router keeps a copy of the URL. The path in it, which it counts in, stays as it is.
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
    Ok(())
}

fn strip_query(location: &KeyLocation, uri: &Uri) -> Option<Uri> {
    let query = location.strip_query(uri.query()?)?;
    let path = uri.path();
    let kept = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = uri.clone().into_parts();
    // Parts of a valid URL form a valid URL; if not, no URL is better than one with a key in it.
    parts.path_and_query = PathAndQuery::try_from(kept).ok();
    Some(Uri::from_parts(parts).unwrap_or_default())
}
