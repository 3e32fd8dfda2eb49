//! `ApiKey` and `OptionalApiKey`: a verified key as an argument of a handler.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use apikey_core::{AnyKey, AuthError, KeyModel, KeyRecord, Permission, Verified};

use crate::handle::handle;
use crate::{ApiKeyRejection, headers};

/// A good key, with the permission `P`: the proof that the request may go on.
///
/// It dereferences to the model, and nothing but a request makes one. The handle comes from the
/// application's data: an [`ApiKeys<M>`](crate::ApiKeys) given to `app_data` as it is, or as a
/// [`web::Data<ApiKeys<M>>`](actix_web::web::Data). That of a scope comes before that of the application.
/// Without it the answer is a 500, and the log names the missing line. The same is answered where both
/// kinds are in reach and are two handles, since Actix does not tell which is nearer.
/// `Result<ApiKey, ApiKeyRejection>` leaves the decision to the handler.
///
/// # Security
/// `Option<ApiKey>` is not [`OptionalApiKey`]: Actix makes a `None` of every refusal, of a revoked key
/// and of a database that is down as well.
///
/// Actix runs the extractors of a handler side by side, and the first that fails answers. So a handler
/// that takes a key and a body reads the body of anybody, and may answer 400 to a bad one before the key
/// is judged. Put [`require`](crate::require()) in front of it: then nothing is read without a good key.
///
/// # Examples
/// ```
/// use actix_web::{App, web};
/// use apikey_actix::{ApiKey, ApiKeys, KeyRecord, scopes};
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
/// let app = App::new()
///     .app_data(web::Data::new(ApiKeys::in_memory()))
///     .route("/whoami", web::get().to(whoami))
///     .route("/reports", web::get().to(reports));
/// ```
///
/// A key that no request carried does not compile:
/// ```compile_fail,E0451
/// # use apikey_actix::{ApiKey, ApiKeys};
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

    /// Returns the proof itself, for [`ApiKeys::authorize`](crate::ApiKeys::authorize) where a permission
    /// depends on what is asked for.
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
    async fn of(request: HttpRequest) -> Result<Self, AuthError> {
        let keys = handle::<M>(&request)?;
        let verified = headers::authenticate(keys, &request).await?;
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

/// What an extractor is for until the key is verified. Actix's futures stay on their thread.
type Extract<T> = Pin<Box<dyn Future<Output = Result<T, ApiKeyRejection>>>>;

impl<M, P> FromRequest for ApiKey<M, P>
where
    M: KeyModel,
    P: Permission<M> + Default,
{
    type Error = ApiKeyRejection;
    type Future = Extract<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async { Ok(Self::of(request).await?) })
    }
}

/// A good key with the permission `P`, or no key at all. A key that is present and bad is refused.
///
/// It dereferences to an `Option<ApiKey<M, P>>`. Write it where you would write `Option<ApiKey>`, by
/// which Actix turns refusals into `None`.
///
/// # Examples
/// ```
/// use apikey_actix::OptionalApiKey;
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

impl<M, P> FromRequest for OptionalApiKey<M, P>
where
    M: KeyModel,
    P: Permission<M> + Default,
{
    type Error = ApiKeyRejection;
    type Future = Extract<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async { Ok(Self(AuthError::optional(ApiKey::of(request).await)?)) })
    }
}
