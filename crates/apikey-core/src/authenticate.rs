//! `ApiKeys`: from a request to a verified key, the same few steps for every path.

pub(crate) mod proof;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::authenticate::proof::{Proven, Refusal};
use crate::clock::Timestamp;
use crate::credentials::search::{self, Absence, Credentials};
use crate::credentials::{KeyLocation, RequestHead};
use crate::error::{AuthError, DenyReason, Hint};
use crate::event;
use crate::handle::{ApiKeys, HandleId, Inner};
use crate::hash::HashError;
use crate::key::format::ParseKeyError;
use crate::key::{Prefix, PresentedKey};
use crate::model::KeyModel;
use crate::permission::Permission;
use crate::policy;
use crate::store::change::KeyPatch;

/// Proof that a request carried a good key: the key, and which [`ApiKeys`] verified it.
///
/// Only [`ApiKeys::authenticate`] and [`ApiKeys::verify`] make one. It dereferences to the model.
pub struct Verified<M> {
    proven: Proven<M>,
    issuer: HandleId,
    /// The number of the location the key was found at.
    location: Option<usize>,
}

impl<M: KeyModel> Verified<M> {
    /// Returns the owner, if the key has one.
    #[must_use]
    pub fn owner(&self) -> Option<&M::Owner> {
        self.proven.key().owner()
    }

    /// Returns the key itself.
    #[must_use]
    pub fn into_inner(self) -> Arc<M> {
        Arc::clone(self.proven.key())
    }
}

impl<M> Deref for Verified<M> {
    type Target = M;

    fn deref(&self) -> &M {
        self.proven.key()
    }
}

impl<M> Clone for Verified<M> {
    fn clone(&self) -> Self {
        Self { proven: self.proven.clone(), ..*self }
    }
}

impl<M: fmt::Debug> fmt::Debug for Verified<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verified").field(self.proven.key()).finish()
    }
}

/// What became of one request: rides in it, so that a second guard neither hashes, counts nor logs again.
///
/// An adapter keeps it in the request's extensions. It holds one result for each handle.
#[derive(Debug, Clone)]
pub struct Outcomes<M>(Vec<(HandleId, Result<Verified<M>, AuthError>)>);

impl<M> Default for Outcomes<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<M: KeyModel> Outcomes<M> {
    /// Returns the result of this handle, and of no other.
    #[must_use]
    pub fn of(&self, keys: &ApiKeys<M>) -> Option<&Result<Verified<M>, AuthError>> {
        let own = self.0.iter().find(|(issuer, _)| *issuer == keys.inner.id);
        own.map(|(_, result)| result)
    }

    /// Keeps a result of this handle. A key that another handle verified is not kept.
    pub fn record(&mut self, keys: &ApiKeys<M>, result: &Result<Verified<M>, AuthError>) {
        let id = keys.inner.id;
        if !result.as_ref().is_ok_and(|verified| verified.issuer != id) && self.of(keys).is_none() {
            self.0.push((id, result.clone()));
        }
    }
}

/// The future of [`ApiKeys::authenticate`] and [`ApiKeys::verify`]. Boxed only where the store or a
/// hasher has to be asked; dropping it at any point is safe.
#[must_use = "nothing is verified until the future is awaited"]
pub struct Authenticate<M>(State<M>);

type Outcome<M> = Result<Verified<M>, AuthError>;

enum State<M> {
    Ready(Option<Outcome<M>>),
    Pending(Pin<Box<dyn Future<Output = Outcome<M>> + Send>>),
}

impl<M> Future for Authenticate<M> {
    type Output = Outcome<M>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Ready(outcome) => Poll::Ready(take(outcome)),
            State::Pending(future) => future.as_mut().poll(context),
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "as the futures of the standard library: waiting would be for ever"
)]
fn take<M>(outcome: &mut Option<Outcome<M>>) -> Outcome<M> {
    outcome.take().expect("`Authenticate` polled after completion")
}

/// A result that is known already, as found in the request's [`Outcomes`] by a second guard.
///
/// # Examples
/// ```
/// use apikey_core::{ApiKeys, Authenticate};
///
/// # futures::executor::block_on(async {
/// let first = ApiKeys::in_memory().verify("not a key").await;
/// let again = Authenticate::from(first.clone()).await;
/// assert_eq!(again.unwrap_err().reason(), first.unwrap_err().reason());
/// # });
/// ```
impl<M> From<Result<Verified<M>, AuthError>> for Authenticate<M> {
    fn from(outcome: Result<Verified<M>, AuthError>) -> Self {
        Self(State::Ready(Some(outcome)))
    }
}

impl<M> fmt::Debug for Authenticate<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticate").finish_non_exhaustive()
    }
}

impl<M: KeyModel> ApiKeys<M> {
    /// Finds the key of a request and verifies it: size, layout, checksum, lookup, secret, state, in
    /// this order. Call it once per request, and keep the result in the request's [`Outcomes`].
    ///
    /// # Errors
    /// The future answers with an [`AuthError`], which is also reported as a `tracing` event.
    pub fn authenticate(&self, head: &impl RequestHead) -> Authenticate<M> {
        let Inner { locations, formats, .. } = &*self.inner;
        let mut key = PresentedKey::empty();
        match search::find(locations, formats, head, &mut key) {
            Credentials::None(instead) => Err(self.inner.refuse_absent(instead)).into(),
            Credentials::Several { one_is_empty } => {
                let places = search::places(locations, formats, head);
                Err(self.inner.refuse_several(&places, one_is_empty)).into()
            }
            Credentials::One(location) => self
                .judge(&key, Some(location))
                .unwrap_or_else(|prefix| self.look_up(&key, prefix, Some(location))),
        }
    }

    /// Verifies a key that did not come in the head of a request: in a WebSocket's subprotocol, or in a
    /// message of a queue.
    ///
    /// # Errors
    /// The future answers with an [`AuthError`], which is also reported as a `tracing` event.
    pub fn verify(&self, key: impl AsRef<[u8]>) -> Authenticate<M> {
        let key = PresentedKey::new(key.as_ref());
        self.judge(&key, None).unwrap_or_else(|prefix| self.look_up(&key, prefix, None))
    }

    /// Checks a permission of a verified key: once per guard.
    ///
    /// # Errors
    /// [`AuthError`] with status 403 if it is refused, or 401 if another handle verified the key.
    pub fn authorize<P>(&self, verified: &Verified<M>, permission: &P) -> Result<(), AuthError>
    where
        P: Permission<M> + ?Sized,
    {
        let prefix = verified.record().prefix.as_str();
        if verified.issuer != self.inner.id {
            return Err(self.inner.refuse(DenyReason::AnotherHandle, Some(prefix)));
        }
        permission.check(verified).map_err(|denied| match denied.scopes() {
            Some(scopes) => self.inner.refuse_without(scopes, prefix),
            None => self.inner.refuse(DenyReason::Forbidden, Some(prefix)),
        })
    }

    /// Returns where a request carried its key; `None` for keys of [`verify`](Self::verify).
    #[must_use]
    pub fn location_of(&self, verified: &Verified<M>) -> Option<&KeyLocation> {
        let own = verified.issuer == self.inner.id;
        verified.location.filter(|_| own).and_then(|number| self.inner.locations.get(number))
    }

    /// What is decided without the store: size, layout, checksum, and whether the key is in the cache.
    /// If it takes the store to decide, the prefix to look up.
    fn judge(
        &self,
        key: &PresentedKey,
        location: Option<usize>,
    ) -> Result<Authenticate<M>, Prefix> {
        let Some(text) = key.bytes() else { return Ok(self.refused(DenyReason::TooLong)) };
        if let Some(place) = location.filter(|_| text.is_empty()) {
            return Ok(Err(self.inner.refuse_empty(place)).into());
        }
        let prefix = match self.inner.formats.prefix_of(text).map(Prefix::new) {
            Ok(Some(prefix)) => prefix,
            Ok(None) | Err(ParseKeyError::Layout) => return Ok(self.refused(DenyReason::Malformed)),
            Err(ParseKeyError::Checksum) => return Ok(self.refused(DenyReason::Checksum)),
        };
        let (proven, now) = self.inner.recall(&prefix, text).ok_or(prefix)?;
        Ok(self.inner.grant(proven, now, location).into())
    }

    fn look_up(
        &self,
        key: &PresentedKey,
        prefix: Prefix,
        location: Option<usize>,
    ) -> Authenticate<M> {
        let inner = Arc::clone(&self.inner);
        Authenticate(State::Pending(Box::pin(inner.look_up(key.to_shared(), prefix, location))))
    }

    fn refused(&self, reason: DenyReason) -> Authenticate<M> {
        Authenticate(State::Ready(Some(Err(self.inner.refuse(reason, None)))))
    }
}

impl<M: KeyModel> Inner<M> {
    async fn look_up(
        self: Arc<Self>,
        key: Arc<PresentedKey>,
        prefix: Prefix,
        location: Option<usize>,
    ) -> Outcome<M> {
        let proven = self.prove(prefix, &key).await;
        let proven = proven.map_err(|refusal| self.refuse_for(refusal, prefix.as_str()))?;
        let verified = self.grant(proven, self.now(), location)?;
        self.rehash(&verified, prefix, &key).await;
        Ok(verified)
    }

    /// The only function that makes a [`Verified`]: it wants the proof of the secret, and judges the
    /// state.
    fn grant(&self, proven: Proven<M>, now: Timestamp, location: Option<usize>) -> Outcome<M> {
        let record = proven.key().record();
        policy::state(&**proven.key(), proven.is_usable(), now)
            .map_err(|reason| self.refuse(reason, Some(&record.prefix)))?;
        event::granted(&record.prefix);
        self.usage.note(&record.id, proven.noted(), now);
        Ok(Verified { proven, issuer: self.id, location })
    }

    /// Replaces the stored hash of a proven key by one of the preferred hasher, where it is not one
    /// already. Tried once per key and process; a failure does not concern the request.
    async fn rehash(&self, verified: &Verified<M>, prefix: Prefix, key: &Arc<PresentedKey>) {
        let record = verified.record();
        let old = &record.hashed_key;
        if !self.hashers.needs_rehash(old.as_str()) {
            return;
        }
        let Some(attempt) = self.rehashes.begin(&record.prefix) else { return };
        let new = match self.hash(key).await {
            Ok(new) => new,
            // Nothing was tried yet: the next use of the key does.
            Err(HashError::QueueFull) => return,
            Err(error) => {
                attempt.end();
                return event::rehash_failed(&record.prefix, &error);
            }
        };
        let patch = KeyPatch::default().rehash(old.clone(), new.clone());
        let written = self.store.update(&record.id, None, &patch).await;
        attempt.end();
        match written {
            Ok(Some(_)) => self.remember(prefix, key, new),
            Ok(None) => {}
            Err(error) => event::rehash_failed(&record.prefix, &error),
        }
    }

    fn refuse(&self, reason: DenyReason, prefix: Option<&str>) -> AuthError {
        event::refused(reason, prefix, None, &self.told, || self.now());
        AuthError::new(reason, Arc::clone(&self.answers))
    }

    fn refuse_absent(&self, instead: Absence) -> AuthError {
        let error = match instead {
            Absence::Unreadable => return self.refuse(DenyReason::Unreadable, None),
            _ => AuthError::new(DenyReason::Missing, Arc::clone(&self.answers)),
        };
        event::absent(instead.as_str());
        error.with_hint(Hint::Instead(instead))
    }

    fn refuse_several(&self, places: &str, one_is_empty: bool) -> AuthError {
        event::several(places, &self.told, self.now());
        let error = AuthError::new(DenyReason::Multiple, Arc::clone(&self.answers));
        if one_is_empty { error.with_hint(Hint::EmptyBeside) } else { error }
    }

    /// Refuses a scheme or name with nothing behind it.
    fn refuse_empty(&self, location: usize) -> AuthError {
        if let Some(location) = self.locations.get(location) {
            event::empty(location, &self.told, self.now());
        }
        AuthError::new(DenyReason::Malformed, Arc::clone(&self.answers))
    }

    fn refuse_without(&self, scopes: &str, prefix: &str) -> AuthError {
        event::unscoped(scopes, prefix);
        AuthError::new(DenyReason::InsufficientScope, Arc::clone(&self.answers)).with_scopes(scopes)
    }

    fn refuse_for(&self, refusal: Refusal, prefix: &str) -> AuthError {
        let source = refusal.source.as_deref().map(|source| source as &(dyn Error + 'static));
        event::refused(refusal.reason, Some(prefix), source, &self.told, || self.now());
        let error = AuthError::new(refusal.reason, Arc::clone(&self.answers));
        match refusal.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}
