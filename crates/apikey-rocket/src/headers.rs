//! What is lent of a request, and what of the verification is kept in it.

use std::sync::{Mutex, PoisonError};

use apikey_core::{ApiKeys, AuthError, KeyModel, Outcomes, Permission, RequestHead, Verified};
use rocket::Request;

struct Head<'a, 'r>(&'a Request<'r>);

impl RequestHead for Head<'_, '_> {
    fn header_lines(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        self.0.headers().get(name).for_each(|line| each(line.as_bytes()));
    }

    fn query(&self) -> Option<&str> {
        self.0.uri().query().map(|query| query.as_str())
    }
}

/// Rocket sets what it caches for a request once, hence the lock. It is never held across an await.
struct Riding<M>(Mutex<Outcomes<M>>);

impl<M> Default for Riding<M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// Verifies the key of a request, unless a guard before did so already, and checks a permission.
pub(crate) async fn admit<M: KeyModel>(
    keys: &ApiKeys<M>,
    request: &Request<'_>,
    permission: &(impl Permission<M> + ?Sized),
) -> Result<Verified<M>, AuthError> {
    let Riding(outcomes) = request.local_cache(Riding::<M>::default);
    let known = outcomes.lock().unwrap_or_else(PoisonError::into_inner).of(keys).cloned();
    let outcome = match known {
        Some(outcome) => outcome,
        None => keys.authenticate(&Head(request)).await,
    };
    outcomes.lock().unwrap_or_else(PoisonError::into_inner).record(keys, &outcome);
    let verified = outcome?;
    keys.authorize(&verified, permission)?;
    Ok(verified)
}
