//! The settings of a handle: every one a value, checked once by `build`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::{ApiKeys, HandleId, Inner, Life, Rehashes};
use crate::bus::InvalidationBus;
use crate::bus::link::Link;
use crate::cache::flight::Flights;
use crate::cache::{CAPACITY, Cache, KeyCache, Memo};
use crate::clock::{Clock, SystemClock};
use crate::credentials::{Claim, KeyLocation, Place};
use crate::error::AnswerStyle;
use crate::event::{self, Told};
use crate::hash::gate::{Gate, HashingThreads};
use crate::hash::peppers::Peppers;
use crate::hash::set::Hashers;
use crate::key::format::{Formats, KeyFormat};
use crate::model::KeyModel;
use crate::store::KeyStore;
use crate::usage::{self, Usage};

/// Puts an [`ApiKeys`] handle together; see [`ApiKeys::builder`].
///
/// # Examples
/// ```
/// use apikey_core::{ApiKeys, KeyFormat, KeyLocation, MemoryStore, KeyRecord};
///
/// let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
///     .format(KeyFormat::branded("acme_live")?)
///     .accept_format(KeyFormat::default())
///     .locations([KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")])
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "call `build`"]
pub struct ApiKeysBuilder<M: KeyModel> {
    store: Arc<dyn KeyStore<M>>,
    format: KeyFormat,
    accepted_formats: Vec<KeyFormat>,
    hashers: Hashers,
    hashing_threads: HashingThreads,
    memo_capacity: usize,
    rehashes: bool,
    cache: Option<Cache>,
    bus: Option<Arc<dyn InvalidationBus<M::Owner>>>,
    usage_interval: Duration,
    locations: Vec<KeyLocation>,
    realm: String,
    hides_expired: bool,
    clock: Arc<dyn Clock>,
    max_keys_per_owner: Option<u32>,
}

/// Why the settings of a handle do not go together.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two formats cannot be told apart.
    #[error(
        "two formats have the same brand and lengths: drop one, or change its brand or lengths"
    )]
    FormatsCollide,
    /// The layout of new keys is one that is only read.
    #[error(
        "`legacy_lengths` is for keys that exist already: name that format by `accept_format`, and another for new keys"
    )]
    LegacyFormat,
    /// No location was given.
    #[error("no location: name at least one place where requests carry the key")]
    NoLocation,
    /// A scheme or name cannot occur in a request.
    #[error(
        "{location} cannot occur in a request: use a token of RFC 9110, `bearer()` for Bearer, \
         `authorization(scheme)` or `from_fn` for the Authorization header, and a user of 1 to 64 bytes \
         without colons and control characters"
    )]
    BadLocation {
        /// The location.
        location: String,
    },
    /// Two locations would find the same credential.
    #[error("{location} is named twice: every key there would be refused as a second one")]
    LocationsOverlap {
        /// The location.
        location: String,
    },
    /// Bearer tokens of others could not be told from keys.
    #[error(
        "`bearer()` needs a brand in every accepted format, so that other bearer tokens can be told \
         apart: use `KeyFormat::branded`, or `bearer().exclusive()` if there are no others; keys without \
         a brand can come by another location beside `bearer().branded()`"
    )]
    BearerWithoutBrand,
    /// The realm cannot stand between quotes.
    #[error("a realm is printable ASCII without \" and \\")]
    BadRealm,
    /// A hasher would ignore the end of a key.
    #[error("{hasher} reads only {limit} bytes, and keys are up to {longest} bytes long")]
    HasherTooShort {
        /// The hasher.
        hasher: String,
        /// What it reads.
        limit: usize,
        /// The longest key of any accepted format.
        longest: usize,
    },
    /// The store may not hold what the preferred hasher makes.
    #[error("the store may only hold {writable:?}: prefer a hasher that makes one of these")]
    NotWritable {
        /// The encodings that may be written.
        writable: Vec<String>,
    },
    /// The store may not hold keys of a format, as [`KeyStore::can_write_format`] says: where the table is
    /// shared with somebody who would not know them, as with a Django site. It concerns the format of new keys
    /// and the accepted ones alike.
    #[error(
        "the store may not hold keys of the form {format}, since whoever else reads its table would not \
         know them: use `KeyFormat::default()`, or keep such keys in a table of their own"
    )]
    FormatNotWritable {
        /// The form of its keys.
        format: String,
    },
}

impl<M: KeyModel> ApiKeysBuilder<M> {
    pub(super) fn new(store: Arc<dyn KeyStore<M>>) -> Self {
        Self {
            store,
            format: KeyFormat::default(),
            accepted_formats: Vec::new(),
            hashers: Hashers::default(),
            hashing_threads: HashingThreads::default(),
            memo_capacity: CAPACITY,
            rehashes: true,
            cache: None,
            bus: None,
            usage_interval: usage::INTERVAL,
            locations: vec![KeyLocation::authorization("Api-Key")],
            realm: "api".to_owned(),
            hides_expired: false,
            clock: Arc::new(SystemClock),
            max_keys_per_owner: None,
        }
    }

    /// Sets the layout of new keys, which is also read. [`KeyFormat::default`] by default.
    pub fn format(self, format: KeyFormat) -> Self {
        Self { format, ..self }
    }

    /// Also reads keys of this layout.
    pub fn accept_format(mut self, format: KeyFormat) -> Self {
        self.accepted_formats.push(format);
        self
    }

    /// Sets how keys are hashed; SHA-256 by default.
    pub fn hashers(self, hashers: Hashers) -> Self {
        Self { hashers, ..self }
    }

    /// Sets how much slow hashing is done at once.
    pub fn hashing_threads(self, hashing_threads: HashingThreads) -> Self {
        Self { hashing_threads, ..self }
    }

    /// Sets of how many keys it is remembered that a slow hash has proven them, so that it is computed once
    /// for each; 10 000 by default, of some 200 bytes each. Beyond, the least used are hashed again when they
    /// come back. Fast hashers never use it.
    pub fn memo_capacity(self, keys: usize) -> Self {
        Self { memo_capacity: keys, ..self }
    }

    /// Leaves stored hashes as they are. By default, a key that is proven against an accepted hasher's
    /// string is hashed anew with the preferred one.
    pub fn keep_hashes(self) -> Self {
        Self { rehashes: false, ..self }
    }

    /// Keeps verified keys in memory for a short time; off by default. See [`Cache`] for what that means
    /// for changes by other processes.
    pub fn cache(self, cache: Cache) -> Self {
        Self { cache: Some(cache), ..self }
    }

    /// Tells the other processes of changes, and hears of theirs; see [`InvalidationBus`]. It works while
    /// [`ApiKeys::maintain`] runs.
    pub fn invalidation_bus(self, bus: impl InvalidationBus<M::Owner>) -> Self {
        Self { bus: Some(Arc::new(bus)), ..self }
    }

    /// Sets how often [`ApiKeys::maintain`] writes when keys were last used; every 60 seconds by default.
    pub fn usage_interval(self, usage_interval: Duration) -> Self {
        Self { usage_interval, ..self }
    }

    /// Sets where requests may carry the key; `Authorization: Api-Key` alone by default.
    pub fn locations(self, locations: impl IntoIterator<Item = KeyLocation>) -> Self {
        Self { locations: locations.into_iter().collect(), ..self }
    }

    /// Sets the realm that 401 answers name, `api` by default.
    pub fn realm(self, realm: impl Into<String>) -> Self {
        Self { realm: realm.into(), ..self }
    }

    /// Answers for expired keys as for invalid ones. By default, whoever holds the secret of an expired
    /// key is told that it has expired.
    pub fn hide_expired(self) -> Self {
        Self { hides_expired: true, ..self }
    }

    /// Sets the clock, for tests.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Sets how many keys one owner may have that are neither revoked nor expired; unlimited by default.
    /// Where the model has no owner, as the built-in [`KeyRecord`](crate::KeyRecord), all keys are nobody's and
    /// share the limit, so that it bounds the whole table; where the owner is an `Option`, so do the keys of `None`.
    ///
    /// Rotated keys that still work for their grace come on top, as many again at most: a rotation beyond
    /// twice the limit is refused. So is another expiry for a key that has expired, and a later one while the
    /// owner has more keys than the limit.
    pub fn max_keys_per_owner(self, most: u32) -> Self {
        Self { max_keys_per_owner: Some(most), ..self }
    }

    /// Checks the settings and makes the handle.
    ///
    /// # Errors
    /// [`BuildError`], for settings that do not go together.
    pub fn build(self) -> Result<ApiKeys<M>, BuildError> {
        self.check_locations()?;
        if self.format.is_legacy() {
            return Err(BuildError::LegacyFormat);
        }
        for location in self.locations.iter().filter(|location| location.may_be_dropped()) {
            event::may_be_dropped(location);
        }
        let keys = self.assemble();
        let formats = &keys.inner.formats;
        if formats.collide() {
            return Err(BuildError::FormatsCollide);
        }
        let longest = formats.longest();
        for hasher in keys.inner.hashers.all() {
            if let Some(limit) = hasher.max_input().filter(|limit| *limit < longest) {
                return Err(BuildError::HasherTooShort {
                    hasher: format!("{hasher:?}"),
                    limit,
                    longest,
                });
            }
        }
        if let Some(writable) = keys.inner.store.writable_encodings()
            && !keys.inner.may_write(&keys.inner.hashers.preferred().encodings())
        {
            return Err(BuildError::NotWritable {
                writable: writable.iter().map(|&encoding| encoding.to_owned()).collect(),
            });
        }
        // No key of a legacy layout is ever written.
        let is_foreign =
            |format: &&KeyFormat| !format.is_legacy() && !keys.inner.store.can_write_format(format);
        if let Some(format) = formats.iter().find(is_foreign) {
            return Err(BuildError::FormatNotWritable { format: format.to_string() });
        }
        Ok(keys)
    }

    fn check_locations(&self) -> Result<(), BuildError> {
        if self.locations.is_empty() {
            return Err(BuildError::NoLocation);
        }
        for (number, location) in self.locations.iter().enumerate() {
            let name = || format!("{:?}", location.0);
            if !location.is_well_formed() {
                return Err(BuildError::BadLocation { location: name() });
            }
            if self.locations.iter().skip(number + 1).any(|other| location.overlaps(other)) {
                return Err(BuildError::LocationsOverlap { location: name() });
            }
        }
        let claim = self.locations.iter().find_map(|location| match location.0 {
            Place::Bearer { claim } => Some(claim),
            _ => None,
        });
        let formats = std::iter::once(&self.format).chain(&self.accepted_formats);
        let mut brands = formats.map(|format| format.brand().is_some());
        let has_brands = match claim {
            Some(Claim::Brands) => brands.all(|is_branded| is_branded),
            Some(Claim::BrandsAlone) => brands.any(|is_branded| is_branded),
            Some(Claim::All) | None => true,
        };
        if !has_brands {
            return Err(BuildError::BearerWithoutBrand);
        }
        let is_quotable = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if self.realm.bytes().all(is_quotable) { Ok(()) } else { Err(BuildError::BadRealm) }
    }

    /// Makes the handle of settings that are known to go together.
    pub(super) fn assemble(self) -> ApiKeys<M> {
        let mut challenges: Vec<String> = Vec::new();
        for challenge in self.locations.iter().map(|location| location.challenge(&self.realm)) {
            if !challenges.contains(&challenge) {
                challenges.push(challenge);
            }
        }
        let schemes = listed(self.locations.iter().filter_map(KeyLocation::scheme));
        let hides_expired = self.hides_expired;
        let formats = std::iter::once(self.format).chain(self.accepted_formats).collect();
        ApiKeys {
            inner: Arc::new(Inner {
                id: HandleId::next(),
                store: self.store,
                formats: Formats::new(formats),
                hashers: self.hashers,
                gate: Gate::new(self.hashing_threads),
                memo: Memo::new(self.memo_capacity),
                verifications: Flights::new(),
                cache: self.cache.map(KeyCache::new),
                lookups: Flights::new(),
                link: self.bus.map(Link::new),
                life: Life::new(),
                rehashes: Rehashes::new(self.rehashes),
                told: Told::default(),
                peppers: Peppers::default(),
                usage: Usage::new(self.usage_interval),
                locations: self.locations,
                answers: Arc::new(AnswerStyle { challenges, schemes, hides_expired }),
                clock: self.clock,
                max_keys_per_owner: self.max_keys_per_owner,
            }),
        }
    }
}

/// Joins words as people do: `one, two or three`.
fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

impl<M: KeyModel> fmt::Debug for ApiKeysBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeysBuilder")
            .field("format", &self.format)
            .field("hashers", &self.hashers)
            .field("locations", &self.locations)
            .finish_non_exhaustive()
    }
}
