//! What is lent of a request, what is marked in it, and what is taken out.

use apikey_core::{
    ApiKeys, AuthError, Authenticate, KeyLocation, KeyModel, Outcomes, RequestHead, Verified,
};
use axum::extract::OriginalUri;
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};

struct Head<'a>(&'a Parts);

impl RequestHead for Head<'_> {
    fn header_lines(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        self.0.headers.get_all(name).iter().for_each(|line| each(line.as_bytes()));
    }

    fn query(&self) -> Option<&str> {
        self.0.uri.query()
    }
}

/// Verifies the key of a request, unless a guard before did so already.
pub(crate) fn authenticate<M: KeyModel>(keys: &ApiKeys<M>, parts: &mut Parts) -> Authenticate<M> {
    if let Some(outcome) = parts.extensions.get::<Outcomes<M>>().and_then(|all| all.of(keys)) {
        return outcome.clone().into();
    }
    mark_sensitive(keys, parts);
    keys.authenticate(&Head(parts))
}

/// Keeps the result for the guards that follow.
pub(crate) fn record<M: KeyModel>(
    keys: &ApiKeys<M>,
    parts: &mut Parts,
    outcome: &Result<Verified<M>, AuthError>,
) {
    parts.extensions.get_or_insert_default::<Outcomes<M>>().record(keys, outcome);
}

/// Takes the key out of the request, so that neither a handler nor a service behind a proxy sees it.
pub(crate) fn strip(location: &KeyLocation, parts: &mut Parts) {
    if let Some(name) = location.header_name() {
        parts.headers.remove(name);
    }
    strip_query(location, &mut parts.uri);
    if let Some(OriginalUri(uri)) = parts.extensions.get_mut() {
        strip_query(location, uri);
    }
}

fn strip_query(location: &KeyLocation, uri: &mut Uri) {
    let Some(query) = uri.query().and_then(|query| location.strip_query(query)) else {
        return;
    };
    let path = uri.path();
    let kept = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = std::mem::take(uri).into_parts();
    // Parts of a valid URL form a valid URL; if not, no URL is better than one with a key in it.
    parts.path_and_query = PathAndQuery::try_from(kept).ok();
    *uri = Uri::from_parts(parts).unwrap_or_default();
}

/// Keeps the keys out of the `Debug` output of headers, and out of HTTP/2 compression tables.
fn mark_sensitive<M: KeyModel>(keys: &ApiKeys<M>, parts: &mut Parts) {
    for (name, value) in &mut parts.headers {
        if keys.locations().iter().filter_map(KeyLocation::header_name).any(|own| name == own) {
            value.set_sensitive(true);
        }
    }
}
