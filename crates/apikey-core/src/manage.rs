//! `ApiKeys`: create, get, list, count, update, revoke, check.

use thiserror::Error;

use crate::clock::{Timestamp, after, to_micros};
use crate::handle::ApiKeys;
use crate::hash::HashError;
use crate::key::format::ParseKeyError;
use crate::key::generate::GenerateError;
use crate::key::{PlaintextKey, PresentedKey};
use crate::model::{CreatedKey, Expiry, KeyModel, NewKey};
use crate::scope::{ScopeError, Scopes};
use crate::store::change::{KeyPatch, NewRecord};
use crate::store::query::{KeyQuery, Page};
use crate::store::{BoxError, Finding, StoreError};

/// The most characters that a name may have.
pub const MAX_NAME_LENGTH: usize = 200;

/// How often a taken prefix is drawn anew: by chance a second draw is needed once in 10^8 keys.
const PREFIX_DRAWS: usize = 8;

/// Why a key was not created, found or changed. Nothing has been written then, unless the store failed
/// while it answered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManageError {
    /// The name is empty, too long, or holds control characters.
    #[error("a name is 1 to {MAX_NAME_LENGTH} characters, without control characters")]
    Name,
    /// A scope is none.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// The expiry is not in the future, or past the end of the calendar.
    #[error("the expiry has to be in the future (and before the year 10000)")]
    Expiry,
    /// A fixed text does not have a layout that the handle reads.
    #[error("the fixed key does not have an accepted format")]
    Plaintext(#[source] ParseKeyError),
    /// A fixed text was given whose prefix belongs to another key, or to one that is not active.
    #[error(
        "the prefix of the fixed key is taken by another key, or by one that is no longer active"
    )]
    PlaintextTaken,
    /// There is no such key.
    #[error("no key has the prefix {prefix:?}")]
    NotFound {
        /// What was looked for.
        prefix: String,
    },
    /// The owner has as many keys as are allowed.
    #[error("there are {limit} keys already, the most that are allowed: revoke one first")]
    LimitReached {
        /// The limit.
        limit: u32,
    },
    /// A constraint of the application's own table was violated.
    #[error("the database rejected the key")]
    Rejected(#[source] BoxError),
    /// The key could not be hashed.
    #[error("the key could not be hashed")]
    Hash(#[from] HashError),
    /// The store may not hold what the preferred hasher makes.
    #[error("the store may not hold hashes of the preferred hasher")]
    NotWritable,
    /// No key could be drawn.
    #[error("no key could be generated")]
    Generate(#[from] GenerateError),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ManageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LimitReached { limit } => Self::LimitReached { limit },
            StoreError::Rejected(source) => Self::Rejected(source),
            other => Self::Store(other),
        }
    }
}

/// What [`ApiKeys::update`] changes; what is not named stays.
///
/// # Examples
/// ```
/// use apikey_core::KeyUpdate;
///
/// let update = KeyUpdate::new().name("reporting").scopes(["reports:read"]).never_expires();
/// ```
#[derive(Debug, Clone, Default)]
pub struct KeyUpdate {
    name: Option<String>,
    scopes: Option<Vec<String>>,
    expires_at: Option<Option<Timestamp>>,
}

impl KeyUpdate {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes the name.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Replaces the scopes; an empty list takes all away.
    #[must_use]
    pub fn scopes<I>(self, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self { scopes: Some(scopes.into_iter().map(Into::into).collect()), ..self }
    }

    /// Lets the key end at this time, which has to be in the future.
    #[must_use]
    pub fn expires_at(self, time: Timestamp) -> Self {
        Self { expires_at: Some(Some(time)), ..self }
    }

    /// Takes the expiry away.
    #[must_use]
    pub fn never_expires(self) -> Self {
        Self { expires_at: Some(None), ..self }
    }
}

impl<M: KeyModel> ApiKeys<M> {
    /// Creates a key. Its text is in the answer and nowhere else.
    ///
    /// If the future is dropped, the key may exist, with a text that nobody knows.
    ///
    /// # Errors
    /// [`ManageError`]: [`Name`](ManageError::Name), [`Scope`](ManageError::Scope) and
    /// [`Expiry`](ManageError::Expiry) for bad input, [`LimitReached`](ManageError::LimitReached),
    /// [`Rejected`](ManageError::Rejected) by the application's own constraints, and
    /// [`Store`](ManageError::Store) if the store fails.
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// use apikey_core::{ApiKeys, NewKey};
    ///
    /// let keys = ApiKeys::in_memory();
    /// let created = keys.create(NewKey::new("reports").scopes(["reports:read"])).await?;
    /// println!("{}", created.plaintext.expose()); // the only time
    /// # Ok::<(), apikey_core::ManageError>(())
    /// # }).unwrap();
    /// ```
    pub async fn create(
        &self,
        new: impl Into<NewKey<M::Extra>>,
    ) -> Result<CreatedKey<M>, ManageError> {
        let new = new.into();
        let now = self.inner.now();
        check_name(&new.name)?;
        let scopes = Scopes::collect(new.scopes)?;
        let expires_at = match new.expiry {
            Expiry::Never => None,
            Expiry::At(time) => Some(time),
            Expiry::In(time) => Some(after(now, time).ok_or(ManageError::Expiry)?),
        };
        let expires_at = check_expiry(expires_at, now)?;
        if !self.inner.may_write(&self.inner.hashers.preferred().encodings()) {
            return Err(ManageError::NotWritable);
        }
        let record = NewRecord::new("", crate::HashedKey::new(""), new.name, now, new.extra)
            .with_scopes(scopes)
            .with_expires_at(expires_at);
        match new.plaintext {
            None => self.create_random(record).await,
            Some(plaintext) => self.create_fixed(record, plaintext).await,
        }
    }

    async fn create_random(
        &self,
        mut record: NewRecord<M::Extra>,
    ) -> Result<CreatedKey<M>, ManageError> {
        let mut draws = 0;
        loop {
            let (prefix, plaintext) = self.inner.formats.generate()?;
            record.prefix = prefix;
            draws += 1;
            match self.insert(&mut record, &plaintext).await {
                Ok(key) => return Ok(CreatedKey::new(key, plaintext)),
                Err(ManageError::Store(StoreError::Duplicate)) if draws < PREFIX_DRAWS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Creates a key of a fixed text, or finds that it is there.
    async fn create_fixed(
        &self,
        mut record: NewRecord<M::Extra>,
        plaintext: PlaintextKey,
    ) -> Result<CreatedKey<M>, ManageError> {
        let prefix = self.inner.formats.prefix_of(plaintext.expose().as_bytes());
        prefix.map_err(ManageError::Plaintext)?.clone_into(&mut record.prefix);
        match self.insert(&mut record, &plaintext).await {
            Ok(key) => Ok(CreatedKey::new(key, plaintext)),
            Err(ManageError::Store(StoreError::Duplicate)) => {
                match self.verify(plaintext.expose()).await {
                    Ok(verified) => Ok(CreatedKey::new((*verified).clone(), plaintext)),
                    Err(error) if error.status() < 500 => Err(ManageError::PlaintextTaken),
                    Err(error) => Err(ManageError::Store(StoreError::Unavailable(Box::new(error)))),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn insert(
        &self,
        record: &mut NewRecord<M::Extra>,
        plaintext: &PlaintextKey,
    ) -> Result<M, ManageError> {
        record.hashed_key =
            self.inner.hash(PresentedKey::new(plaintext.expose().as_bytes())).await?;
        Ok(self.inner.store.insert(record, self.inner.max_keys_per_owner).await?)
    }

    /// Returns the key with this prefix, whatever its state; `None` if there is none.
    ///
    /// # Errors
    /// [`ManageError::Store`] if the store fails.
    pub async fn get(&self, prefix: &str) -> Result<Option<M>, ManageError> {
        let key = self.inner.store.get(prefix, None).await?;
        Ok(key.filter(|key| key.record().prefix == prefix))
    }

    /// Returns one page of keys, newest first.
    ///
    /// # Errors
    /// [`ManageError::Store`] if the store fails.
    pub async fn list(&self, query: &KeyQuery<M>) -> Result<Page<M>, ManageError> {
        Ok(self.inner.store.list(query, self.inner.now()).await?)
    }

    /// Counts the keys that a query selects on all its pages.
    ///
    /// # Errors
    /// [`ManageError::Store`] if the store fails.
    pub async fn count(&self, query: &KeyQuery<M>) -> Result<u64, ManageError> {
        Ok(self.inner.store.count(query, self.inner.now()).await?)
    }

    /// Changes name, scopes or expiry of a key and returns it as it is then.
    ///
    /// # Errors
    /// [`ManageError`]: [`NotFound`](ManageError::NotFound), or the same as
    /// [`create`](Self::create) for bad input.
    pub async fn update(&self, prefix: &str, update: KeyUpdate) -> Result<M, ManageError> {
        let mut patch = KeyPatch::default();
        if let Some(name) = update.name {
            check_name(&name)?;
            patch = patch.name(name);
        }
        if let Some(scopes) = update.scopes {
            patch = patch.scopes(Scopes::collect(scopes)?);
        }
        if let Some(expires_at) = update.expires_at {
            patch = patch.expires_at(check_expiry(expires_at, self.inner.now())?);
        }
        self.change(prefix, &patch).await
    }

    /// Revokes a key, for ever. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`ManageError::NotFound`], or [`ManageError::Store`] if the store fails.
    pub async fn revoke(&self, prefix: &str) -> Result<M, ManageError> {
        self.change(prefix, &KeyPatch::default().revoked_at(self.inner.now())).await
    }

    async fn change(&self, prefix: &str, patch: &KeyPatch) -> Result<M, ManageError> {
        let not_found = || ManageError::NotFound { prefix: prefix.to_owned() };
        let key = self.get(prefix).await?.ok_or_else(not_found)?;
        self.inner.store.update(&key.record().id, None, patch).await?.ok_or_else(not_found)
    }

    /// Looks for mistakes of set-up: run it at start-up and log what it finds. It asks the store about
    /// its table, and whether there are stored hashes that no configured hasher or pepper can verify.
    ///
    /// # Errors
    /// [`ManageError::Store`] if the store fails.
    pub async fn check(&self) -> Result<Vec<Finding>, ManageError> {
        let mut findings = self.inner.store.check().await?;
        let mut unknown = self.count(&KeyQuery::new()).await?;
        for encoding in self.inner.hashers.all().flat_map(|hasher| hasher.encodings()) {
            let stored = self.count(&KeyQuery::new().encoding(encoding)).await?;
            unknown = unknown.saturating_sub(stored);
        }
        if unknown > 0 {
            findings.push(Finding::new(
                format!("{unknown} stored keys were hashed by a hasher or pepper that is not configured"),
                "accept it with `Hashers::accept` or `HmacSha256::accept`; until then these keys get 503",
            ));
        }
        Ok(findings)
    }
}

fn check_name(name: &str) -> Result<(), ManageError> {
    let is_good = !name.trim().is_empty()
        && name.chars().count() <= MAX_NAME_LENGTH
        && !name.chars().any(char::is_control);
    if is_good { Ok(()) } else { Err(ManageError::Name) }
}

/// Cuts an expiry to what stores keep. The year 10000 is where SQL dates end.
fn check_expiry(
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, ManageError> {
    use chrono::Datelike;
    match expires_at.map(to_micros) {
        Some(time) if time <= now || time.year() > 9999 => Err(ManageError::Expiry),
        expires_at => Ok(expires_at),
    }
}
