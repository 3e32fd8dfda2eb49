//! `ApiKeys`: create, get, list, count, update, revoke, disable, enable, rotate, purge, check, hashers.

mod check;
pub(crate) mod hashers;
mod limit;
mod manager;
mod name;
pub(crate) mod owned;
mod rotate;
pub(crate) mod update;
mod usable;

use std::pin::Pin;
use std::time::Duration;

use thiserror::Error;

use crate::clock::Timestamp;
use crate::handle::ApiKeys;
use crate::hash::HashError;
use crate::key::format::ParseKeyError;
use crate::key::generate::GenerateError;
use crate::manage::hashers::HasherReport;
use crate::manage::manager::Manager;
use crate::manage::owned::OwnedKeys;
use crate::manage::update::KeyUpdate;
use crate::model::{CreatedKey, IntoNewKey, KeyModel, KeyStatus};
use crate::scope::ScopeError;
use crate::store::query::{KeyQuery, Page, UnreadableRow};
use crate::store::{BoxError, Finding, StoreError};

/// The most characters that a name may have.
pub const MAX_NAME_LENGTH: usize = 200;

/// How long a predecessor goes on working after a rotation, where nothing else is said: 24 hours.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(24 * 3600);

/// The creation of a key.
///
/// It is the same type for all that is [`IntoNewKey`]: a mistake in that is then one error of the compiler, at the
/// argument, and not one for each use of the future as well.
pub type Creating<'a, M> =
    Pin<Box<dyn Future<Output = Result<CreatedKey<M>, ManageError>> + Send + 'a>>;

/// Why a key was not created, found or changed. Nothing has been written then, unless the store failed
/// while it answered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManageError {
    /// The name is empty, too long, or is not read as what it is: it holds control characters, invisible ones
    /// or such that change the direction of writing, or endless accents. Or the text of a key was pasted into it.
    #[error(
        "a name is 1 to {MAX_NAME_LENGTH} characters that show, without control characters, invisible ones and marks \
         of direction, with at most {} accents in a row, and without the text of a key",
        name::MAX_MARKS
    )]
    Name,
    /// A scope is invalid.
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
        /// What was looked for; `(not a prefix)` for a text that cannot be one, as a whole key.
        prefix: String,
    },
    /// The key's row is damaged. It is refused to clients; what reads it cannot be done until it is repaired.
    #[error("the row of the key cannot be read: {}; or end it: `revoke` does not read it", _0.fix)]
    Unreadable(#[source] UnreadableRow),
    /// The key was revoked or disabled, as asked for. It cannot be returned, since its row is damaged.
    #[error("the key has been ended; its row cannot be read: {}", _0.fix)]
    EndedUnread(#[source] UnreadableRow),
    /// The key is neither revoked nor expired: only such a key can be deleted.
    #[error("the key {prefix:?} has not ended: revoke it first")]
    NotEnded {
        /// Its prefix.
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
    /// The key is revoked, disabled or expired: only an active key can be rotated.
    #[error("the key is {status}: only an active key can be rotated")]
    NotActive {
        /// Its state.
        status: KeyStatus,
    },
    /// The key was rotated or given another expiry at the same time, or changed again and again.
    #[error("the key was changed by somebody else at the same time: look at it and try again")]
    Conflict,
    /// The key has been rotated already: rotate or revoke its successor.
    #[error("the key was rotated already: rotate its successor {successor}, or revoke it")]
    AlreadyRotated {
        /// The prefix of the successor.
        successor: String,
    },
    /// Another expiry would make an expired key count again, where the number of keys is limited.
    #[error("the key has expired, and keys are limited: create another one")]
    Expired,
    /// A key was to be created through [`OwnedKeys`] for somebody else.
    #[error("the new key would belong to another owner")]
    ForeignOwner,
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
            StoreError::Conflict => Self::Conflict,
            StoreError::Unreadable(row) => Self::Unreadable(row),
            other => Self::Store(other),
        }
    }
}

impl<M: KeyModel> ApiKeys<M> {
    /// Narrows the handle to the keys of one owner: the rest is as absent, even by prefix. Hand this to the
    /// endpoints by which people manage their own keys.
    ///
    /// # Security
    /// Take the owner from the authenticated principal, never from a request's path or body.
    #[must_use]
    pub fn owned_by(&self, owner: M::Owner) -> OwnedKeys<M> {
        OwnedKeys::new(self.clone(), owner)
    }

    fn manager(&self) -> Manager<'_, M> {
        Manager::new(&self.inner, None)
    }

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
    pub fn create(&self, new: impl IntoNewKey<M::Extra>) -> Creating<'_, M> {
        let new = new.into_new_key();
        Box::pin(async move { self.manager().create(new).await })
    }

    /// Returns the key with this prefix, whatever its state; `None` if there is none.
    ///
    /// # Errors
    /// [`ManageError::Unreadable`] if its row is damaged, [`ManageError::Store`] if the store fails.
    pub async fn get(&self, prefix: &str) -> Result<Option<M>, ManageError> {
        self.manager().get(prefix).await
    }

    /// Returns one page of keys, newest first. Rows that cannot be read stand in [`Page::unreadable`], and keep
    /// nobody from the others.
    ///
    /// # Errors
    /// [`ManageError::Store`] if the store fails.
    pub async fn list(&self, query: &KeyQuery<M>) -> Result<Page<M>, ManageError> {
        self.manager().list(query).await
    }

    /// Counts the keys that a query selects on all its pages.
    ///
    /// # Errors
    /// [`ManageError::Store`] if the store fails.
    pub async fn count(&self, query: &KeyQuery<M>) -> Result<u64, ManageError> {
        self.manager().count(query).await
    }

    /// Changes name, scopes or expiry of a key and returns the changed key.
    ///
    /// # Errors
    /// [`ManageError`]: [`NotFound`](ManageError::NotFound), or the same as [`create`](Self::create) for bad
    /// input. Where the number of keys is [limited](crate::ApiKeysBuilder::max_keys_per_owner), another expiry is
    /// [`Expired`](ManageError::Expired) for an expired key, and a later one, or none, is
    /// [`LimitReached`](ManageError::LimitReached) if the owner has more keys than that: since others
    /// were created meanwhile, or because rotated ones still work. With a store that cannot count them
    /// ([`KeyStore::update_within`](crate::KeyStore::update_within)) it is [`Store`](ManageError::Store).
    pub async fn update(&self, prefix: &str, update: KeyUpdate) -> Result<M, ManageError> {
        self.manager().update(prefix, update).await
    }

    /// Revokes a key, for ever. Revoking it again changes nothing. A key whose row
    /// is damaged is revoked without being read.
    ///
    /// # Errors
    /// [`ManageError::NotFound`], [`ManageError::EndedUnread`] if the key is revoked and cannot be returned, or
    /// [`ManageError::Store`] if the store fails.
    pub async fn revoke(&self, prefix: &str) -> Result<M, ManageError> {
        self.manager().revoke(prefix).await
    }

    /// Disables a key until it is enabled. A key whose row
    /// is damaged is disabled without being read.
    ///
    /// # Errors
    /// [`ManageError::NotFound`], [`ManageError::EndedUnread`] if the key is disabled and cannot be returned, or
    /// [`ManageError::Store`] if the store fails.
    pub async fn disable(&self, prefix: &str) -> Result<M, ManageError> {
        self.manager().disable(prefix).await
    }

    /// Enables a disabled key. A revoked or expired one stays so.
    ///
    /// # Errors
    /// [`ManageError::NotFound`], or [`ManageError::Store`] if the store fails.
    pub async fn enable(&self, prefix: &str) -> Result<M, ManageError> {
        self.manager().enable(prefix).await
    }

    /// Replaces an active key by a successor, which inherits name, scopes, your own columns and so the
    /// owner; if the key expires, the successor gets as long a life, from now. The key itself goes on
    /// working for `grace` (at most until its own expiry; [`DEFAULT_GRACE`] is customary, zero ends it at
    /// once). One transaction; of any number of parallel rotations of one key exactly one succeeds. A key
    /// is rotated once: where the text of the successor was lost, rotate the successor, with no grace.
    ///
    /// The key is read first, and the transaction succeeds only if it is still as it was read: active, of
    /// the same owner, with the same expiry, name and scopes. If another expiry was set meanwhile, as by
    /// another rotation, that is a [`Conflict`](ManageError::Conflict); if anything else of these, the key
    /// is read and rotated anew, so that its successor never has a scope that was just taken away. What is
    /// in your own columns beside the owner is not compared: change it in the rows of key and successor,
    /// if a rotation may run at the same time.
    ///
    /// # Errors
    /// [`ManageError`]: [`NotFound`](ManageError::NotFound), [`NotActive`](ManageError::NotActive),
    /// [`AlreadyRotated`](ManageError::AlreadyRotated) if the key has a successor,
    /// [`Conflict`](ManageError::Conflict), [`LimitReached`](ManageError::LimitReached) beyond twice the
    /// [limit](crate::ApiKeysBuilder::max_keys_per_owner), [`Expiry`](ManageError::Expiry) for a grace past
    /// the year 9999, or [`Store`](ManageError::Store).
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// use apikey_core::{ApiKeys, DEFAULT_GRACE};
    ///
    /// let keys = ApiKeys::in_memory();
    /// let old = keys.create("reports").await?;
    /// let new = keys.rotate(&old.key.prefix, DEFAULT_GRACE).await?;
    /// assert_eq!(new.key.rotated_from, Some(old.key.prefix));
    /// # Ok::<(), apikey_core::ManageError>(())
    /// # }).unwrap();
    /// ```
    pub async fn rotate(
        &self,
        prefix: &str,
        grace: Duration,
    ) -> Result<CreatedKey<M>, ManageError> {
        self.manager().rotate(prefix, grace).await
    }

    /// Replaces a key as [`rotate`](Self::rotate) does, provided that its expiry is still the one that
    /// you saw. A rotation always moves the expiry, so a key that was rotated since then is left alone:
    /// whoever rotates the keys of a list, beside others who do the same, rotates each of them once.
    ///
    /// # Errors
    /// As [`rotate`](Self::rotate), with [`ManageError::Conflict`] for another expiry.
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// use apikey_core::{ApiKeys, DEFAULT_GRACE, ManageError};
    ///
    /// let keys = ApiKeys::in_memory();
    /// let seen = keys.create("reports").await?.key;
    /// keys.rotate(&seen.prefix, DEFAULT_GRACE).await?; // somebody else
    /// let again = keys.rotate_seen(&seen.prefix, seen.expires_at, DEFAULT_GRACE).await;
    /// assert!(matches!(again, Err(ManageError::Conflict)));
    /// # Ok::<(), ManageError>(())
    /// # }).unwrap();
    /// ```
    pub async fn rotate_seen(
        &self,
        prefix: &str,
        seen_expires_at: Option<Timestamp>,
        grace: Duration,
    ) -> Result<CreatedKey<M>, ManageError> {
        self.manager().rotate_seen(prefix, seen_expires_at, grace).await
    }

    /// Deletes at most `limit` keys that expired or were revoked more than `retention` ago, in any order,
    /// and returns how many. Call it until it returns less than `limit`, off the path of requests.
    ///
    /// # Errors
    /// [`ManageError::Store`] if the store fails.
    pub async fn purge(&self, retention: Duration, limit: u32) -> Result<u64, ManageError> {
        self.manager().purge(retention, limit).await
    }

    /// Deletes one key for good, of which nothing is left then: a request for erasure, say. It has to be revoked
    /// or expired. A damaged row is deleted without being read.
    ///
    /// # Errors
    /// [`ManageError::NotFound`], [`ManageError::NotEnded`], or [`ManageError::Store`] if the store fails or
    /// [cannot do it](crate::StoreError::Unsupported).
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// use apikey_core::{ApiKeys, ManageError};
    ///
    /// let keys = ApiKeys::in_memory();
    /// let prefix = keys.create("reports").await?.key.prefix;
    /// assert!(matches!(keys.purge_key(&prefix).await, Err(ManageError::NotEnded { .. })));
    /// keys.revoke(&prefix).await?;
    /// keys.purge_key(&prefix).await?;
    /// assert!(keys.get(&prefix).await?.is_none());
    /// # Ok::<(), ManageError>(())
    /// # }).unwrap();
    /// ```
    pub async fn purge_key(&self, prefix: &str) -> Result<(), ManageError> {
        self.manager().purge_key(prefix).await
    }

    /// Looks for mistakes of set-up: run it at start-up and log what it finds. It asks the store about
    /// its table, and whether there are stored hashes that no configured hasher or pepper can verify: how many
    /// keys are answered with 503 for want of one, and how many with 401 since nobody knows the algorithm.
    /// It reads all keys page by page, and names the first rows that cannot be read, with their repair. Whether
    /// the bytes of a pepper are the right ones it cannot see: compare
    /// [`Pepper::fingerprint`](crate::Pepper::fingerprint).
    ///
    /// # Errors
    /// [`ManageError::Store`] if the store fails.
    pub async fn check(&self) -> Result<Vec<Finding>, ManageError> {
        self.manager().check().await
    }

    /// Counts the stored keys by what they are hashed with: which hashers and peppers are still needed, and
    /// how far a change of the preferred one has come. No rows are loaded but the newest of each
    /// kind and some damaged ones, so it can be asked of a table of any size; the store counts three times for each kind, off
    /// the path of requests. What is written meanwhile may be counted twice, or not at all.
    ///
    /// # Errors
    /// [`ManageError::Store`] if the store fails, [`ManageError::Hash`] if the preferred hasher does.
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// use apikey_core::{ApiKeys, Standing};
    ///
    /// let keys = ApiKeys::in_memory();
    /// keys.create("reports").await?;
    /// let report = keys.hashers().await?;
    /// assert_eq!((report.preferred(), report.live()), (1, 1));
    /// assert_eq!(report.encodings[0].encoding, "sha256$$");
    /// assert_eq!(report.encodings[0].standing, Standing::Preferred);
    /// # Ok::<(), apikey_core::ManageError>(())
    /// # }).unwrap();
    /// ```
    pub async fn hashers(&self) -> Result<HasherReport, ManageError> {
        self.manager().hashers().await
    }
}
