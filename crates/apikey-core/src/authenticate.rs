//! `ApiKeys`: from a request to a verified key, the same few steps for every path.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::credentials::{self, Credentials, KeyLocation, RequestHead};
use crate::error::{AuthError, DenyReason};
use crate::event;
use crate::handle::{ApiKeys, HandleId, Inner};
use crate::hash::{HashError, HashedKey};
use crate::key::format::ParseKeyError;
use crate::key::{Prefix, PresentedKey};
use crate::model::KeyModel;
use crate::permission::Permission;
use crate::policy;
use crate::store::change::KeyPatch;
use crate::store::{Found, StoreError};

/// Proof that a request carried a good key: the key, and which [`ApiKeys`] verified it.
///
/// Only [`ApiKeys::authenticate`] and [`ApiKeys::verify`] make one. It dereferences to the model.
pub struct Verified<M> {
    key: Arc<M>,
    issuer: HandleId,
    /// The number of the location the key was found at.
    location: Option<usize>,
}

impl<M: KeyModel> Verified<M> {
    /// Returns the owner, if the key has one.
    #[must_use]
    pub fn owner(&self) -> Option<&M::Owner> {
        self.key.owner()
    }

    /// Returns the key itself.
    #[must_use]
    pub fn into_inner(self) -> Arc<M> {
        self.key
    }
}

impl<M> Deref for Verified<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.key
    }
}

impl<M> Clone for Verified<M> {
    fn clone(&self) -> Self {
        Self { key: Arc::clone(&self.key), issuer: self.issuer, location: self.location }
    }
}

impl<M: fmt::Debug> fmt::Debug for Verified<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verified").field(&self.key).finish()
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
            State::Ready(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            State::Pending(future) => future.as_mut().poll(context),
        }
    }
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
        match credentials::find(&self.inner.locations, &self.inner.formats, head) {
            Credentials::None => self.refused(DenyReason::Missing),
            Credentials::Several => self.refused(DenyReason::Multiple),
            Credentials::One(key, location) => self.judge(key, Some(location)),
        }
    }

    /// Verifies a key that did not come in the head of a request: in a WebSocket's subprotocol, or in a
    /// message of a queue.
    ///
    /// # Errors
    /// The future answers with an [`AuthError`], which is also reported as a `tracing` event.
    pub fn verify(&self, key: impl AsRef<[u8]>) -> Authenticate<M> {
        self.judge(PresentedKey::new(key.as_ref()), None)
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
            return Err(self.inner.refuse(DenyReason::UnknownPrefix, Some(prefix)));
        }
        permission.check(verified).map_err(|denied| match denied.scopes() {
            Some(scopes) => {
                self.inner.refuse(DenyReason::InsufficientScope, Some(prefix)).with_scopes(scopes)
            }
            None => self.inner.refuse(DenyReason::Forbidden, Some(prefix)),
        })
    }

    /// Returns where a request carried its key; `None` for keys of [`verify`](Self::verify).
    #[must_use]
    pub fn location_of(&self, verified: &Verified<M>) -> Option<&KeyLocation> {
        let own = verified.issuer == self.inner.id;
        verified.location.filter(|_| own).and_then(|number| self.inner.locations.get(number))
    }

    /// What is decided without the store: size, layout, checksum.
    fn judge(&self, key: PresentedKey, location: Option<usize>) -> Authenticate<M> {
        let Some(text) = key.bytes() else {
            return self.refused(DenyReason::TooLong);
        };
        match self.inner.formats.prefix_of(text).map(Prefix::new) {
            Ok(Some(prefix)) => {
                let inner = Arc::clone(&self.inner);
                Authenticate(State::Pending(Box::pin(inner.look_up(key, prefix, location))))
            }
            Ok(None) | Err(ParseKeyError::Layout) => self.refused(DenyReason::Malformed),
            Err(ParseKeyError::Checksum) => self.refused(DenyReason::Checksum),
        }
    }

    fn refused(&self, reason: DenyReason) -> Authenticate<M> {
        Authenticate(State::Ready(Some(Err(self.inner.refuse(reason, None)))))
    }
}

/// The secret of a key has been proven: what [`Inner::grant`] demands to see.
struct Proven(());

impl<M: KeyModel> Inner<M> {
    async fn look_up(
        self: Arc<Self>,
        key: PresentedKey,
        prefix: Prefix,
        location: Option<usize>,
    ) -> Outcome<M> {
        let name = prefix.as_str();
        let found = match self.store.find_by_prefix(name).await {
            Ok(found) => found.filter(|found| found.key.record().prefix == name),
            Err(error) => return Err(self.refuse_for(DenyReason::StoreUnavailable, name, error)),
        };
        let Some(found) = found else {
            self.verify_nothing(key).await;
            return Err(self.refuse(DenyReason::UnknownPrefix, Some(name)));
        };
        let (proof, key) = self.prove(name, key, &found.key.record().hashed_key).await?;
        let verified = self.grant(proof, found, location)?;
        self.rehash(&verified, key).await;
        Ok(verified)
    }

    /// Verifies the secret: fast hashes here, slow ones on the hashing threads.
    async fn prove(
        &self,
        prefix: &str,
        key: PresentedKey,
        stored: &HashedKey,
    ) -> Result<(Proven, PresentedKey), AuthError> {
        let (matches, key) = match self.verify_hash(prefix, key, stored).await {
            Ok(verdict) => verdict,
            Err(error) => {
                let reason = match error {
                    HashError::Malformed | HashError::TooCostly => DenyReason::BadStoredHash,
                    HashError::NotConfigured => DenyReason::HasherNotConfigured,
                    HashError::QueueFull => DenyReason::HashQueueFull,
                    HashError::Failed(_) => DenyReason::HashingFailed,
                };
                return Err(self.refuse_for(reason, prefix, error));
            }
        };
        if matches {
            Ok((Proven(()), key))
        } else {
            Err(self.refuse(DenyReason::WrongSecret, Some(prefix)))
        }
    }

    /// Whether the stored string was made from this key, which is handed back.
    pub(crate) async fn verify_hash(
        &self,
        prefix: &str,
        key: PresentedKey,
        stored: &HashedKey,
    ) -> Result<(bool, PresentedKey), HashError> {
        let hasher = self.hashers.of(stored.as_str())?;
        let verify = |hasher: &dyn crate::KeyHasher, key: &PresentedKey, stored: &HashedKey| {
            hasher.verify(key.bytes().unwrap_or_default(), stored.as_str())
        };
        if !hasher.is_slow() {
            return Ok((verify(&**hasher, &key, stored)?, key));
        }
        let (hasher, stored) = (Arc::clone(hasher), stored.clone());
        let work = move || (verify(&*hasher, &key, &stored), key);
        let (verdict, key) = self.gate.run(Some(prefix), work).await?;
        Ok((verdict?, key))
    }

    /// Makes an unknown prefix take the time of a wrong secret.
    async fn verify_nothing(&self, key: PresentedKey) {
        let hashers = self.hashers.clone();
        let work = move || hashers.verify_nothing(key.bytes().unwrap_or_default());
        if self.hashers.preferred().is_slow() {
            self.gate.run_if_idle(work).await;
        } else {
            work();
        }
    }

    /// The only function that makes a [`Verified`]: it wants the proof of the secret, and judges the
    /// state.
    fn grant(
        &self,
        Proven(()): Proven,
        found: Found<M>,
        location: Option<usize>,
    ) -> Result<Verified<M>, AuthError> {
        let prefix = found.key.record().prefix.as_str();
        policy::state(&found, self.now()).map_err(|reason| self.refuse(reason, Some(prefix)))?;
        event::granted(prefix);
        Ok(Verified { key: Arc::new(found.key), issuer: self.id, location })
    }

    /// Replaces the stored hash of a proven key by one of the preferred hasher, where it is not one
    /// already. Tried once per key and process; a failure does not concern the request.
    async fn rehash(&self, verified: &Verified<M>, key: PresentedKey) {
        let record = verified.record();
        let old = &record.hashed_key;
        if !self.hashers.needs_rehash(old.as_str()) || !self.rehashes.begin(&record.prefix) {
            return;
        }
        let result = match self.hash(key).await {
            Ok(new) => {
                let patch = KeyPatch::default().rehash(old.clone(), new);
                self.store.update(&record.id, None, &patch).await.map(drop)
            }
            Err(error) => Err(StoreError::Unavailable(Box::new(error))),
        };
        if let Err(error) = result {
            event::rehash_failed(&record.prefix, &error);
        }
    }

    /// Hashes a key with the preferred hasher.
    pub(crate) async fn hash(&self, key: PresentedKey) -> Result<HashedKey, HashError> {
        let hasher = Arc::clone(self.hashers.preferred());
        let is_slow = hasher.is_slow();
        let work = move || hasher.hash(key.bytes().unwrap_or_default());
        if is_slow { self.gate.run(None, work).await? } else { work() }
    }

    fn refuse(&self, reason: DenyReason, prefix: Option<&str>) -> AuthError {
        event::refused(reason, prefix, None);
        AuthError::new(reason, Arc::clone(&self.answers))
    }

    fn refuse_for<E>(&self, reason: DenyReason, prefix: &str, source: E) -> AuthError
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        event::refused(reason, Some(prefix), Some(&source));
        AuthError::new(reason, Arc::clone(&self.answers)).with_source(Arc::new(source))
    }
}
