//! `ApiKey` and `OptionalApiKey`: a verified key as an argument of a handler.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use apikey_core::{AnyKey, ApiKeys, AuthError, KeyModel, KeyRecord, Permission, Verified};
use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};

use crate::fairing::{self, MISSING_LINE};
use crate::{ApiKeyRejection, headers, rejection};

/// A good key, with the permission `P`: the proof that the request may go on.
///
/// It dereferences to the model, and nothing but a request makes one. The handle comes from
/// [`fairing`](crate::fairing()); without it Rocket refuses to launch. A refusal ends the request: it is
/// never a forward to another route. `Result<ApiKey, ApiKeyRejection>` leaves the decision to the
/// handler.
///
/// # Security
/// `Option<ApiKey>` is Rocket's own and swallows every refusal. Write [`OptionalApiKey`].
///
/// # Examples
/// ```
/// use apikey_rocket::{ApiKey, ApiKeys, KeyRecord, fairing, scopes};
/// use rocket::{get, routes};
///
/// scopes! { ReportsRead = "reports:read"; }
///
/// #[get("/whoami")]
/// fn whoami(key: ApiKey) -> String {
///     key.name.clone()
/// }
///
/// #[get("/reports")]
/// fn reports(key: ApiKey<KeyRecord, ReportsRead>) -> String {
///     format!("reports for {}", key.prefix)
/// }
///
/// let app = rocket::build()
///     .mount("/", routes![whoami, reports])
///     .attach(fairing(ApiKeys::in_memory()));
/// # rocket::local::blocking::Client::tracked(app).unwrap();
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
    async fn of(request: &Request<'_>) -> Result<Self, AuthError> {
        let Some(keys) = request.rocket().state::<ApiKeys<M>>() else {
            return Err(AuthError::not_configured(MISSING_LINE));
        };
        let verified = headers::admit(keys, request, &P::default()).await?;
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

#[rocket::async_trait]
impl<'r, M, P> FromRequest<'r> for ApiKey<M, P>
where
    M: KeyModel,
    P: Permission<M> + Default,
{
    type Error = ApiKeyRejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiKeyRejection> {
        rejection::outcome(request, Self::of(request).await)
    }
}

impl<M: KeyModel, P> Sentinel for ApiKey<M, P> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        let is_missing = !fairing::is_attached(rocket) || rocket.state::<ApiKeys<M>>().is_none();
        if is_missing {
            fairing::log_missing_line();
        }
        is_missing
    }
}

/// A good key with the permission `P`, or no key at all. A key that is present and bad is refused.
///
/// It dereferences to an `Option<ApiKey<M, P>>`.
///
/// # Examples
/// ```
/// use apikey_rocket::OptionalApiKey;
///
/// #[rocket::get("/")]
/// fn greet(key: OptionalApiKey) -> String {
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

#[rocket::async_trait]
impl<'r, M, P> FromRequest<'r> for OptionalApiKey<M, P>
where
    M: KeyModel,
    P: Permission<M> + Default,
{
    type Error = ApiKeyRejection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ApiKeyRejection> {
        let key = AuthError::optional(ApiKey::of(request).await);
        rejection::outcome(request, key.map(Self))
    }
}

impl<M: KeyModel, P> Sentinel for OptionalApiKey<M, P> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        ApiKey::<M, P>::abort(rocket)
    }
}
