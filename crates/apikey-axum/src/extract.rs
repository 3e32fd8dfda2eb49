//! `ApiKey` and `OptionalApiKey`: a verified key as an argument of a handler.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use apikey_core::{AnyKey, ApiKeys, AuthError, KeyModel, KeyRecord, Permission, Verified};
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::{ApiKeyRejection, headers};

/// A good key, with the permission `P`: the proof that the request may go on.
///
/// It dereferences to the model, and nothing but a request makes one. The handle comes from the
/// router's state: [`ApiKeys<M>`] itself, or a state that [`FromRef`] finds it in; without it the
/// application does not compile. `Option<ApiKey>` means the same as [`OptionalApiKey`], and
/// `Result<ApiKey, ApiKeyRejection>` leaves the decision to the handler.
///
/// # Examples
/// ```
/// use apikey_axum::{ApiKey, ApiKeys, KeyRecord, scopes};
/// use axum::{Router, routing::get};
///
/// scopes! { ReportsRead = "reports:read"; }
///
/// async fn whoami(key: ApiKey) -> String {
///     key.name.clone()
/// }
///
/// async fn reports(key: ApiKey<KeyRecord, ReportsRead>) -> String {
///     format!("reports for {}", key.prefix)
/// }
///
/// let app: Router = Router::new()
///     .route("/whoami", get(whoami))
///     .route("/reports", get(reports))
///     .with_state(ApiKeys::in_memory());
/// ```
///
/// A state without a handle is a "mismatched type: expected `ApiKeys`, found `()`":
/// ```compile_fail,E0308
/// # use apikey_axum::ApiKey;
/// # use axum::{Router, routing::get};
/// # async fn whoami(key: ApiKey) -> String { key.name.clone() }
/// let app: Router = Router::new().route("/whoami", get(whoami)).with_state(());
/// ```
///
/// A key that no request carried does not compile either:
/// ```compile_fail,E0451
/// # use apikey_axum::{ApiKey, ApiKeys};
/// # async fn forge(keys: ApiKeys) {
/// let verified = keys.verify("a key").await.unwrap();
/// let key: ApiKey = ApiKey { verified, permission: std::marker::PhantomData };
/// # }
/// ```
pub struct ApiKey<M = KeyRecord, P = AnyKey> {
    verified: Verified<M>,
    permission: PhantomData<fn() -> P>,
}

impl<M: KeyModel, P> ApiKey<M, P> {
    /// Returns the owner, if the key has one.
    #[must_use]
    pub fn owner(&self) -> Option<&M::Owner> {
        self.verified.owner()
    }

    /// Returns the proof itself, for [`ApiKeys::authorize`] where a permission depends on what is asked
    /// for.
    #[must_use]
    pub fn verified(&self) -> &Verified<M> {
        &self.verified
    }

    /// Returns the key itself.
    #[must_use]
    pub fn into_inner(self) -> Arc<M> {
        self.verified.into_inner()
    }
}

impl<M: KeyModel, P: Permission<M> + Default> ApiKey<M, P> {
    async fn of<S>(parts: &mut Parts, state: &S) -> Result<Self, AuthError>
    where
        ApiKeys<M>: FromRef<S>,
    {
        let keys = ApiKeys::from_ref(state);
        let outcome = headers::authenticate(&keys, parts).await;
        headers::record(&keys, parts, &outcome);
        let verified = outcome?;
        keys.authorize(&verified, &P::default())?;
        Ok(Self { verified, permission: PhantomData })
    }
}

impl<M, P> Deref for ApiKey<M, P> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.verified
    }
}

impl<M, P> Clone for ApiKey<M, P> {
    fn clone(&self) -> Self {
        Self { verified: self.verified.clone(), permission: PhantomData }
    }
}

impl<M: fmt::Debug, P> fmt::Debug for ApiKey<M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiKey").field(&**self).finish()
    }
}

impl<S, M, P> FromRequestParts<S> for ApiKey<M, P>
where
    S: Send + Sync,
    M: KeyModel,
    P: Permission<M> + Default,
    ApiKeys<M>: FromRef<S>,
{
    type Rejection = ApiKeyRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts, state).await?)
    }
}

impl<S, M, P> OptionalFromRequestParts<S> for ApiKey<M, P>
where
    S: Send + Sync,
    M: KeyModel,
    P: Permission<M> + Default,
    ApiKeys<M>: FromRef<S>,
{
    type Rejection = ApiKeyRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        Ok(AuthError::optional(Self::of(parts, state).await)?)
    }
}

/// A good key with the permission `P`, or no key at all. A key that is present and bad is refused.
///
/// It dereferences to an `Option<ApiKey<M, P>>`.
///
/// # Examples
/// ```
/// use apikey_axum::OptionalApiKey;
///
/// async fn greet(key: OptionalApiKey) -> String {
///     match &*key {
///         Some(key) => format!("hello, {}", key.name),
///         None => "hello, whoever you are".to_owned(),
///     }
/// }
/// ```
pub struct OptionalApiKey<M = KeyRecord, P = AnyKey>(Option<ApiKey<M, P>>);

impl<M, P> OptionalApiKey<M, P> {
    /// Returns the key, if there is one.
    #[must_use]
    pub fn into_inner(self) -> Option<ApiKey<M, P>> {
        self.0
    }
}

impl<M, P> Deref for OptionalApiKey<M, P> {
    type Target = Option<ApiKey<M, P>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<M, P> Clone for OptionalApiKey<M, P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: fmt::Debug, P> fmt::Debug for OptionalApiKey<M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OptionalApiKey").field(&self.0).finish()
    }
}

impl<S, M, P> FromRequestParts<S> for OptionalApiKey<M, P>
where
    S: Send + Sync,
    M: KeyModel,
    P: Permission<M> + Default,
    ApiKeys<M>: FromRef<S>,
{
    type Rejection = ApiKeyRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(AuthError::optional(ApiKey::of(parts, state).await)?))
    }
}
