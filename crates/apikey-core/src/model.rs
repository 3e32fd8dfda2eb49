//! What a stored key is: the contract of a key model, and the built-in columns.

use std::convert::Infallible;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::hash::HashedKey;
use crate::key::PlaintextKey;
use crate::scope::Scopes;

/// A key as the application knows it: the built-in columns, and what the application adds to them.
///
/// [`KeyRecord`] is the default. A model of your own holds a `KeyRecord` and your columns; the key is
/// then created with your values, and every handler gets them with the verified key.
///
/// # Examples
/// ```
/// use apikey_core::{KeyModel, KeyRecord};
///
/// #[derive(Debug, Clone)]
/// struct TeamKey { record: KeyRecord, team: i32 }
///
/// impl KeyModel for TeamKey {
///     type Id = i64;
///     type Extra = i32;
///     type Owner = i32;
///     fn record(&self) -> &KeyRecord { &self.record }
///     fn from_parts(record: KeyRecord, team: i32) -> Self { Self { record, team } }
///     fn extra(&self) -> i32 { self.team }
///     fn owner(&self) -> Option<&i32> { Some(&self.team) }
///     fn owner_of(team: &i32) -> Option<&i32> { Some(team) }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an API-key model",
    label = "this is no key model",
    note = "derive it with the `KeyModel` of your store: #[derive(Debug, Clone, KeyModel)]; or use the built-in \
            model, `KeyRecord`"
)]
pub trait KeyModel: Clone + Debug + Send + Sync + 'static {
    /// The primary key, never derived from the hash.
    type Id: Clone + Ord + Hash + Debug + Display + Send + Sync + 'static;
    /// The values of your own columns, which `create` needs; `()` if there are none.
    type Extra: Clone + Debug + Send + Sync + 'static;
    /// Who owns a key: the id of a user or an organization. [`Infallible`] if keys have no owner.
    type Owner: Clone + Eq + Hash + Debug + Send + Sync + 'static;

    /// Returns the built-in columns.
    fn record(&self) -> &KeyRecord<Self::Id>;

    /// Puts a key together.
    fn from_parts(record: KeyRecord<Self::Id>, extra: Self::Extra) -> Self;

    /// Returns the values of your own columns, as a successor inherits them on rotation.
    fn extra(&self) -> Self::Extra;

    /// Returns the owner, if the key has one.
    fn owner(&self) -> Option<&Self::Owner>;

    /// Returns the owner that a key with these columns has, as [`owner`](Self::owner) would: limits per
    /// owner and [`OwnedKeys`](crate::OwnedKeys) ask before the key exists.
    fn owner_of(extra: &Self::Extra) -> Option<&Self::Owner>;
}

/// The built-in columns of a key, and the default model. All times are UTC, to the microsecond.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRecord<Id = i64> {
    /// The primary key.
    pub id: Id,
    /// The public part of the key, unique and case-sensitive: what people name the key by.
    pub prefix: String,
    /// What is stored of the key's text.
    pub hashed_key: HashedKey,
    /// What people call the key, 1 to 200 characters. Names need not be unique. New ones are of characters
    /// that show; one that was stored by other means may be anything, so escape it where it is shown.
    pub name: String,
    /// What the key may do.
    pub scopes: Scopes,
    /// When the key was created.
    pub created_at: Timestamp,
    /// From when on the key is refused; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// Since when the key is disabled, which can be undone.
    pub disabled_at: Option<Timestamp>,
    /// Since when the key is revoked, which cannot be undone.
    pub revoked_at: Option<Timestamp>,
    /// When the key was last used, at the grain in which uses are written.
    pub last_used_at: Option<Timestamp>,
    /// The prefix of the key that this one succeeds.
    pub rotated_from: Option<String>,
}

impl<Id> KeyRecord<Id> {
    /// Creates an active record without scopes, expiry or history: for stores and tests.
    #[must_use]
    pub fn new(
        id: Id,
        prefix: impl Into<String>,
        hashed_key: HashedKey,
        name: impl Into<String>,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            prefix: prefix.into(),
            hashed_key,
            name: name.into(),
            scopes: Scopes::default(),
            created_at,
            expires_at: None,
            disabled_at: None,
            revoked_at: None,
            last_used_at: None,
            rotated_from: None,
        }
    }

    /// Sets the scopes.
    #[must_use]
    pub fn with_scopes(self, scopes: Scopes) -> Self {
        Self { scopes, ..self }
    }

    /// Sets the expiry.
    #[must_use]
    pub fn with_expires_at(self, expires_at: Option<Timestamp>) -> Self {
        Self { expires_at, ..self }
    }

    /// Sets since when the key is disabled.
    #[must_use]
    pub fn with_disabled_at(self, disabled_at: Option<Timestamp>) -> Self {
        Self { disabled_at, ..self }
    }

    /// Sets since when the key is revoked.
    #[must_use]
    pub fn with_revoked_at(self, revoked_at: Option<Timestamp>) -> Self {
        Self { revoked_at, ..self }
    }

    /// Sets the last use.
    #[must_use]
    pub fn with_last_used_at(self, last_used_at: Option<Timestamp>) -> Self {
        Self { last_used_at, ..self }
    }

    /// Sets the predecessor.
    #[must_use]
    pub fn with_rotated_from(self, rotated_from: Option<String>) -> Self {
        Self { rotated_from, ..self }
    }

    /// Returns the state of the key at `now`. An application's own filter (an inactive owner, say)
    /// is not part of it.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        if self.revoked_at.is_some() {
            KeyStatus::Revoked
        } else if self.disabled_at.is_some() {
            KeyStatus::Disabled
        } else if self.expires_at.is_some_and(|expires_at| expires_at <= now) {
            KeyStatus::Expired
        } else {
            KeyStatus::Active
        }
    }

    /// Whether the key counts for a limit of keys per owner at `now`: it is neither revoked nor expired. A
    /// disabled key counts, since it can be enabled.
    #[must_use]
    pub fn counts_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }

    /// Whether the key expired or was revoked before `time`.
    #[must_use]
    pub fn ended_before(&self, time: Timestamp) -> bool {
        self.expires_at.into_iter().chain(self.revoked_at).any(|end| end < time)
    }
}

#[diagnostic::do_not_recommend]
impl<Id> KeyModel for KeyRecord<Id>
where
    Id: Clone + Ord + Hash + Debug + Display + Send + Sync + 'static,
{
    type Id = Id;
    type Extra = ();
    type Owner = Infallible;

    fn record(&self) -> &Self {
        self
    }

    fn from_parts(record: Self, (): ()) -> Self {
        record
    }

    fn extra(&self) {}

    fn owner(&self) -> Option<&Infallible> {
        None
    }

    fn owner_of((): &()) -> Option<&Infallible> {
        None
    }
}

/// The state of a key. Where several apply, the one named first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyStatus {
    /// Revoked, for ever.
    Revoked,
    /// Disabled, until it is enabled.
    Disabled,
    /// Past its expiry.
    Expired,
    /// None of these.
    Active,
}

impl KeyStatus {
    /// Returns the word for it: `revoked`, `disabled`, `expired`, `active`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Active => "active",
        }
    }
}

impl Display for KeyStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What [`ApiKeys::create`](crate::ApiKeys::create) needs to know. A name alone will do for models
/// without own columns: `keys.create("reporting-service")`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use apikey_core::NewKey;
///
/// let new = NewKey::new("reporting-service")
///     .scopes(["reports:read"])
///     .expires_in(Duration::from_secs(90 * 24 * 3600));
/// ```
#[derive(Debug)]
pub struct NewKey<Extra = ()> {
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expiry: Expiry,
    pub(crate) plaintext: Option<PlaintextKey>,
    pub(crate) extra: Extra,
}

/// When a new key ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expiry {
    Never,
    At(Timestamp),
    In(Duration),
}

impl NewKey {
    /// Starts a key with this name: active, without scopes and without expiry.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            scopes: Vec::new(),
            expiry: Expiry::Never,
            plaintext: None,
            extra: (),
        }
    }

    /// Adds the values of the model's own columns.
    #[must_use]
    pub fn with<Extra>(self, extra: Extra) -> NewKey<Extra> {
        let Self { name, scopes, expiry, plaintext, extra: () } = self;
        NewKey { name, scopes, expiry, plaintext, extra }
    }
}

impl<Extra> NewKey<Extra> {
    /// Adds scopes, each an item of its own; they are checked by `create`.
    ///
    /// RFC 6749 allows `,` and `;` within a scope, so `["a,b"]` is one scope, which no rule asks for: if people
    /// type scopes, split what they type, or compare it with the scopes that your service knows.
    #[must_use]
    pub fn scopes<I>(mut self, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Lets the key end at this time, which has to be in the future.
    #[must_use]
    pub fn expires_at(self, time: Timestamp) -> Self {
        Self { expiry: Expiry::At(time), ..self }
    }

    /// Lets the key end after this time.
    #[must_use]
    pub fn expires_in(self, time: Duration) -> Self {
        Self { expiry: Expiry::In(time), ..self }
    }

    /// Fixes the text of the key, for development and CI. It must have a layout that the handle reads.
    /// Creating it again answers with the key that is there.
    ///
    /// # Security
    /// A text that stands in a file is no secret. Never use one in production.
    #[must_use]
    pub fn with_plaintext(self, text: impl Into<String>) -> Self {
        Self { plaintext: Some(PlaintextKey::new(text.into())), ..self }
    }
}

/// What a key is created from: a [`NewKey`] with the values of the model's own columns, or a name alone if it has
/// none.
///
/// Implemented for all that is `Into<NewKey<Extra>>`.
#[diagnostic::on_unimplemented(
    message = "a new key needs a `{Extra}` beside its name",
    label = "the values of the model's own columns are missing",
    note = "write `NewKey::new(\"..\").with({Extra} {{ .. }})`"
)]
pub trait IntoNewKey<Extra> {
    /// Returns the new key.
    fn into_new_key(self) -> NewKey<Extra>;
}

#[diagnostic::do_not_recommend]
impl<Extra, N: Into<NewKey<Extra>>> IntoNewKey<Extra> for N {
    fn into_new_key(self) -> NewKey<Extra> {
        self.into()
    }
}

impl From<&str> for NewKey {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for NewKey {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

/// A new key: the record, and the text that is shown once.
#[derive(Debug)]
#[non_exhaustive]
pub struct CreatedKey<M> {
    /// The key as stored.
    pub key: M,
    /// The full text. It cannot be read again.
    pub plaintext: PlaintextKey,
}

impl<M> CreatedKey<M> {
    pub(crate) fn new(key: M, plaintext: PlaintextKey) -> Self {
        Self { key, plaintext }
    }
}
