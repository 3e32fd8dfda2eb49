//! Why a request is refused: the reason for logs, and the answer for clients.

mod answer;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use self::answer::{
    Answer, Challenge, EMPTY_BESIDE, EXPIRED, FORBIDDEN, INSUFFICIENT_SCOPE, INVALID, MISSING,
    MULTIPLE, NOT_CONFIGURED, OTHER_HEADER, OTHER_SCHEME, OTHER_TOKEN, UNAVAILABLE,
};
use crate::credentials::search::Absence;

/// Why a request was refused, in detail. For logs, metrics and events; the client hears less (see
/// [`AuthError`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenyReason {
    /// No key was sent.
    Missing,
    /// A header line where a key belongs, or that a location of the application asked for, is not UTF-8. It counts
    /// as not sent, but is not taken for a request without a key: [`AuthError::optional`] refuses it.
    Unreadable,
    /// More than one key was sent.
    Multiple,
    /// The credential is longer than any key.
    TooLong,
    /// The credential does not have the layout of a key.
    Malformed,
    /// The layout fits and the checksum does not.
    Checksum,
    /// No key has this prefix.
    UnknownPrefix,
    /// The prefix is known and the rest does not match.
    WrongSecret,
    /// The key is revoked.
    Revoked,
    /// The key is disabled.
    Disabled,
    /// The key is past its expiry.
    Expired,
    /// The model's own filter keeps the key from being used.
    OwnerNotUsable,
    /// The key lacks a scope.
    InsufficientScope,
    /// A rule that is not about scopes refused the key.
    Forbidden,
    /// The store failed.
    StoreUnavailable,
    /// Too many slow hashes are waiting.
    HashQueueFull,
    /// The stored hash needs a hasher or pepper that is not configured.
    HasherNotConfigured,
    /// The stored hash is damaged or asks for too much work.
    BadStoredHash,
    /// The stored row is damaged.
    UnreadableRow,
    /// Hashing failed.
    HashingFailed,
    /// A guard stands on a route, and the application has no `ApiKeys` for it, or two.
    NotConfigured,
    /// A key was handed to an `ApiKeys` that did not verify it: a mistake in the application's wiring.
    AnotherHandle,
}

impl DenyReason {
    /// Returns a stable word for metrics and log fields, such as `unknown_prefix`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Multiple => "multiple",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Checksum => "checksum",
            Self::UnknownPrefix => "unknown_prefix",
            Self::WrongSecret => "wrong_secret",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::OwnerNotUsable => "owner_not_usable",
            Self::InsufficientScope => "insufficient_scope",
            Self::Forbidden => "forbidden",
            Self::StoreUnavailable => "store_unavailable",
            Self::HashQueueFull => "hash_queue_full",
            Self::HasherNotConfigured => "hasher_not_configured",
            Self::BadStoredHash => "bad_stored_hash",
            Self::UnreadableRow => "unreadable_row",
            Self::HashingFailed => "hashing_failed",
            Self::NotConfigured => "not_configured",
            Self::AnotherHandle => "another_handle",
        }
    }

    /// Whether the service is at fault and not the client.
    #[must_use]
    pub fn is_internal(self) -> bool {
        self.answer().status >= 500
            || matches!(self, Self::BadStoredHash | Self::UnreadableRow | Self::AnotherHandle)
    }

    /// The table of answers: everything a client may learn from a reason.
    fn answer(self) -> &'static Answer {
        match self {
            Self::Missing | Self::Unreadable => &MISSING,
            Self::Multiple => &MULTIPLE,
            Self::Expired => &EXPIRED,
            Self::TooLong
            | Self::Malformed
            | Self::Checksum
            | Self::UnknownPrefix
            | Self::WrongSecret
            | Self::Revoked
            | Self::Disabled
            | Self::OwnerNotUsable
            | Self::BadStoredHash
            | Self::UnreadableRow
            | Self::AnotherHandle => &INVALID,
            Self::InsufficientScope => &INSUFFICIENT_SCOPE,
            Self::Forbidden => &FORBIDDEN,
            Self::StoreUnavailable
            | Self::HashQueueFull
            | Self::HasherNotConfigured
            | Self::HashingFailed => &UNAVAILABLE,
            Self::NotConfigured => &NOT_CONFIGURED,
        }
    }
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a handle's refusals have in common.
#[derive(Debug, Default)]
pub(crate) struct AnswerStyle {
    /// How to authenticate, in the order of the locations.
    pub(crate) challenges: Vec<String>,
    /// The schemes of `Authorization` that carry keys, as a text: `Api-Key or Token`.
    pub(crate) schemes: String,
    /// Whether an expired key is answered like an invalid one.
    pub(crate) hides_expired: bool,
}

/// What the client is told beside the constant text of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    /// What was sent instead of a key.
    Instead(Absence),
    /// One of several keys is empty.
    EmptyBeside,
}

/// A refusal as the client hears it: status, headers and an RFC 9457 problem. Cheap to clone.
///
/// | Case | Status | `type` ends in |
/// |---|---|---|
/// | no key sent, or something else in its place | 401 | `missing-api-key` |
/// | malformed, unknown, wrong, revoked, disabled, owner not usable | 401 | `invalid-api-key` |
/// | expired, with the right secret | 401 | `expired-api-key` |
/// | more than one key sent | 400 | `multiple-api-keys` |
/// | a scope is missing | 403 | `insufficient-scope` |
/// | another rule refused | 403 | `forbidden` |
/// | store, hash queue or hasher not available | 503 | `unavailable` |
/// | a guard without its `ApiKeys` | 500 | `not-configured` |
///
/// # Security
/// The answers are constant for each row, so that nobody without a key's secret can tell what state the key
/// is in; the detail of the first also says what was sent instead of a key. Nothing that a client sent is
/// repeated. The true [`reason`](Self::reason) and the [`source`](Error::source) are for logs. Neither holds a
/// key or a hash.
#[derive(Debug, Clone)]
pub struct AuthError {
    reason: DenyReason,
    hint: Option<Hint>,
    style: Option<Arc<AnswerStyle>>,
    scopes: Option<Arc<str>>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl AuthError {
    pub(crate) fn new(reason: DenyReason, style: Arc<AnswerStyle>) -> Self {
        Self { reason, hint: None, style: Some(style), scopes: None, source: None }
    }

    pub(crate) fn with_hint(self, hint: Hint) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(crate) fn with_source(self, source: Arc<dyn Error + Send + Sync>) -> Self {
        Self { source: Some(source), ..self }
    }

    pub(crate) fn with_scopes(self, scopes: &str) -> Self {
        Self { scopes: Some(scopes.into()), ..self }
    }

    /// Refuses a request because the application gave a guard no `ApiKeys`, or more than one: for
    /// adapters. What to write instead goes to the log as an error, and not to the client.
    #[must_use]
    pub fn not_configured(fix: &str) -> Self {
        crate::event::not_configured(fix);
        let reason = DenyReason::NotConfigured;
        Self { reason, hint: None, style: None, scopes: None, source: None }
    }

    /// Makes a `None` of an absent key, and of no other refusal: what `OptionalApiKey` means in every
    /// adapter. A credential that is not UTF-8 is none that is absent, though it is answered alike.
    ///
    /// # Errors
    /// The [`AuthError`], unless it [is missing](Self::is_missing).
    ///
    /// # Examples
    /// ```
    /// use apikey_core::{ApiKeys, AuthError, RequestHead};
    ///
    /// struct Head(&'static [u8]);
    ///
    /// impl RequestHead for Head {
    ///     fn header_lines(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
    ///         if name == "authorization" {
    ///             each(self.0);
    ///         }
    ///     }
    ///
    ///     fn query(&self) -> Option<&str> {
    ///         None
    ///     }
    /// }
    ///
    /// # futures::executor::block_on(async {
    /// let keys = ApiKeys::in_memory();
    /// let absent = keys.authenticate(&Head(b"Basic dXNlcjpwYXNz")).await;
    /// assert!(AuthError::optional(absent)?.is_none());
    /// let bad = keys.authenticate(&Head(b"Api-Key not-a-key")).await;
    /// assert_eq!(AuthError::optional(bad).unwrap_err().status(), 401);
    /// # Ok::<(), AuthError>(())
    /// # }).unwrap();
    /// ```
    pub fn optional<T>(result: Result<T, Self>) -> Result<Option<T>, Self> {
        match result {
            Err(error) if error.is_missing() => Ok(None),
            result => result.map(Some),
        }
    }

    /// Returns why the request was refused. For logs, not for clients.
    #[must_use]
    pub fn reason(&self) -> DenyReason {
        self.reason
    }

    /// Whether the request carried no key at all, not even one that could not be read.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.reason == DenyReason::Missing
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.answer().status
    }

    /// Returns the headers of the answer, their names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let retry_after = (self.status() == 503).then(|| ("retry-after", "1".to_owned()));
        [
            ("content-type", "application/problem+json".to_owned()),
            ("cache-control", "no-store".to_owned()),
        ]
        .into_iter()
        .chain(self.challenge().map(|challenge| ("www-authenticate", challenge)))
        .chain(retry_after)
    }

    /// Returns the word by which programs tell refusals apart, such as `missing-api-key`: what the `type` of
    /// the [body](Self::body) ends in. For bodies of your own.
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// let refusal = apikey_core::ApiKeys::in_memory().verify("not a key").await.unwrap_err();
    /// assert_eq!((refusal.status(), refusal.code()), (401, "invalid-api-key"));
    /// assert_eq!(refusal.title(), "Invalid API key");
    /// assert_eq!(refusal.detail(), "The API key is malformed, unknown or no longer valid.");
    /// # });
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.answer().slug
    }

    /// Returns a few words for people: the `title` of the [body](Self::body).
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.answer().title
    }

    /// Returns a sentence for people: the `detail` of the [body](Self::body). It holds neither a quote nor a
    /// backslash.
    #[must_use]
    pub fn detail(&self) -> Cow<'static, str> {
        if let Some(scopes) = self.scopes() {
            return format!("{}{scopes}.", self.answer().detail).into();
        }
        match self.hint {
            Some(Hint::EmptyBeside) => EMPTY_BESIDE.into(),
            Some(Hint::Instead(Absence::OtherScheme)) => {
                let schemes = self.style.as_ref().map_or("", |style| &style.schemes);
                format!("{OTHER_SCHEME}{schemes}.").into()
            }
            Some(Hint::Instead(Absence::OtherToken)) => OTHER_TOKEN.into(),
            Some(Hint::Instead(Absence::OtherHeader)) => OTHER_HEADER.into(),
            Some(Hint::Instead(Absence::Nothing | Absence::Unreadable)) | None => {
                self.answer().detail.into()
            }
        }
    }

    /// Returns the scopes that the key lacks, with spaces between: those of `insufficient-scope`.
    #[must_use]
    pub fn scopes(&self) -> Option<&str> {
        self.scopes.as_deref()
    }

    /// Returns the body: `{"type","title","status","detail"}` as JSON.
    #[must_use]
    pub fn body(&self) -> String {
        let Answer { status, slug, title, .. } = self.answer();
        // The texts are constants, and neither a `Scope` nor a scheme holds a quote or a backslash.
        let detail = self.detail();
        format!(
            r#"{{"type":"urn:apikey:problem:{slug}","title":"{title}","status":{status},"detail":"{detail}"}}"#
        )
    }

    fn answer(&self) -> &'static Answer {
        match self.reason {
            DenyReason::Expired if self.style.as_ref().is_some_and(|style| style.hides_expired) => {
                &INVALID
            }
            reason => reason.answer(),
        }
    }

    fn challenge(&self) -> Option<String> {
        let parameters = match (self.answer().challenge, &self.scopes) {
            (Challenge::None, _) => return None,
            (Challenge::Plain, _) => String::new(),
            (Challenge::Error(error), None) => format!(r#", error="{error}""#),
            (Challenge::Error(error), Some(scopes)) => {
                format!(r#", error="{error}", scope="{scopes}""#)
            }
        };
        let challenges = &self.style.as_ref()?.challenges;
        let each: Vec<_> =
            challenges.iter().map(|challenge| format!("{challenge}{parameters}")).collect();
        Some(each.join(", "))
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the request was refused: {}", self.reason)
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
