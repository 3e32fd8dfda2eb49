//! The application of the harness, served with keys in every state.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use apikey_core::{
    ApiKeys, ApiKeysBuilder, Clock, HashedKey, KeyFormat, KeyLocation, KeyPatch, KeyRecord,
    KeyStore, ManualClock, NewKey, NewRecord,
};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::client::{RawRequest, RawResponse, send};
use super::{Harness, Running, Service};
use crate::spy::{Held, Operation, SpyStore};

/// A case that reads the log of the whole process has it to itself; the others share it.
static LOG: LazyLock<Arc<RwLock<()>>> = LazyLock::new(Arc::default);

#[expect(dead_code, reason = "held until the stage is dropped")]
enum LogShare {
    Shared(OwnedRwLockReadGuard<()>),
    Alone(OwnedRwLockWriteGuard<()>),
}

type Builder = ApiKeysBuilder<KeyRecord>;

/// A handle, its store, and the texts of its keys.
pub(crate) struct Stage {
    pub(crate) store: Arc<SpyStore>,
    pub(crate) keys: ApiKeys,
    pub(crate) texts: Texts,
    clock: ManualClock,
    _log: LogShare,
}

/// What clients send, by the names of `requests.json`.
pub(crate) struct Texts(Vec<(&'static str, String)>);

impl Stage {
    /// Prepares a handle with the default settings.
    pub(crate) async fn new() -> Self {
        Self::of(|builder| builder).await
    }

    pub(crate) async fn with(
        locations: impl IntoIterator<Item = KeyLocation>,
        format: KeyFormat,
    ) -> Self {
        Self::of(|builder| builder.locations(locations).format(format)).await
    }

    /// Prepares a handle with settings of the case's own.
    pub(crate) async fn of(settings: impl FnOnce(Builder) -> Builder) -> Self {
        let log = LogShare::Shared(Arc::clone(&LOG).read_owned().await);
        Self::set(log, settings).await
    }

    /// Prepares one while no other stage in this process is in use.
    pub(crate) async fn alone(
        locations: impl IntoIterator<Item = KeyLocation>,
        format: KeyFormat,
    ) -> Self {
        let log = LogShare::Alone(Arc::clone(&LOG).write_owned().await);
        Self::set(log, |builder| builder.locations(locations).format(format)).await
    }

    async fn set(log: LogShare, settings: impl FnOnce(Builder) -> Builder) -> Self {
        let (store, clock) = (Arc::<SpyStore>::default(), ManualClock::default());
        let builder = ApiKeys::builder(Arc::clone(&store)).clock(clock.clone());
        let keys = settings(builder).build().expect("the settings of the suite go together");
        let mut stage = Self { store, keys, texts: Texts(Vec::new()), clock, _log: log };
        stage.create_keys().await;
        stage
    }

    /// Creates a key in each state, and the texts that resemble them.
    async fn create_keys(&mut self) {
        let hour = Duration::from_secs(3600);
        let key = self.create(NewKey::new("good").scopes(["reports:read"])).await;
        let key2 = self.create(NewKey::new("second").scopes(["reports:read"])).await;
        let no_scopes = self.create(NewKey::new("no scopes")).await;
        let internal = self.create(NewKey::new("internal job")).await;
        let revoked = self.create(NewKey::new("revoked")).await;
        let disabled = self.create(NewKey::new("disabled")).await;
        let expired = self.create(NewKey::new("expired").expires_in(hour)).await;
        let ended = self.create(NewKey::new("revoked, expired").expires_in(hour)).await;
        self.patch(&revoked, |now| KeyPatch::default().revoked_at(now)).await;
        self.patch(&ended, |now| KeyPatch::default().revoked_at(now)).await;
        self.patch(&disabled, |now| KeyPatch::default().disabled_at(Some(now))).await;
        self.clock.advance(hour);
        let elsewhere = ApiKeys::in_memory().create("unknown").await;
        let unknown = elsewhere.expect("a key can be created").plaintext.expose().to_owned();
        let stored = self.keys.get(prefix_of(&key)).await.expect("the store answers");
        let hashed = stored.map(|key| key.hashed_key.as_str().to_owned());
        self.texts = Texts(vec![
            ("wrong", other_end(&key)),
            ("key_bad_checksum", other_end(&key)),
            ("revoked_wrong", other_end(&revoked)),
            ("disabled_wrong", other_end(&disabled)),
            ("expired_wrong", other_end(&expired)),
            ("key_upper", key.to_uppercase()),
            ("key_short", key[..key.len() - 1].to_owned()),
            ("key_dot_encoded", key.replace('.', "%2E")),
            ("hashed", hashed.unwrap_or_default()),
            ("key", key),
            ("key2", key2),
            ("key_no_scopes", no_scopes),
            ("key_internal", internal),
            ("unknown", unknown),
            ("revoked", revoked),
            ("disabled", disabled),
            ("expired", expired),
            ("revoked_expired", ended),
        ]);
    }

    async fn create(&self, new: NewKey) -> String {
        let created = self.keys.create(new).await.expect("a key can be created");
        created.plaintext.expose().to_owned()
    }

    async fn patch(&self, text: &str, patch: impl FnOnce(apikey_core::Timestamp) -> KeyPatch) {
        let key = self.keys.get(prefix_of(text)).await.expect("the store answers");
        let key = key.expect("the key was created");
        let patched = self.store.update(&key.id, None, &patch(self.clock.now())).await;
        patched.expect("the store answers").expect("the key is there");
    }

    /// Stores a key with any hash.
    pub(crate) async fn insert(&self, prefix: &str, hash: HashedKey) {
        let new = NewRecord::new(prefix, hash, "inserted", self.clock.now(), ());
        self.store.insert(&new, None).await.expect("the key can be inserted");
    }

    /// Returns how often keys have been looked up.
    pub(crate) fn look_ups(&self) -> usize {
        self.store.begun(Operation::FindByPrefix)
    }

    /// Holds the next look-ups of keys, until the result is dropped.
    pub(crate) fn hold_look_ups(&self, most: usize) -> Held {
        self.store.hold(Operation::FindByPrefix, most)
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts.get(name).unwrap_or_else(|| panic!("the stage has no {{{name}}}"))
    }

    /// Serves the application with this handle, and another one over an empty store.
    pub(crate) async fn serve<H: Harness>(&self) -> Server {
        self.serve_with::<H>(ApiKeys::in_memory()).await
    }

    pub(crate) async fn serve_with<H: Harness>(&self, other: ApiKeys) -> Server {
        let service = Service { keys: self.keys.clone(), other };
        Server(H::serve(service).await)
    }
}

/// The application while it is served.
pub(crate) struct Server(Running);

impl Server {
    pub(crate) async fn send(&self, request: &RawRequest) -> RawResponse {
        send(self.0.address(), request).await
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.0.address()
    }
}

impl Texts {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, text)| text.as_str())
    }

    /// Returns what no answer and no log may hold, with the names: secrets, and the digest that is
    /// stored.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, text)| {
            let start = text.rfind(['.', '_', '$', '%']).map_or(0, |separator| separator + 1);
            (*name, &text[start..])
        })
    }
}

/// Returns the prefix of a key of the suite, whose formats have one of eight characters.
pub(crate) fn prefix_of(text: &str) -> &str {
    text.strip_prefix("acme_").unwrap_or(text).get(..8).unwrap_or_default()
}

/// Changes the last character.
fn other_end(text: &str) -> String {
    let (rest, end) = text.split_at(text.len() - 1);
    format!("{rest}{}", if end == "0" { "1" } else { "0" })
}
