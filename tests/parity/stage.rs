//! Keys in every state in one store, and the three servers over it.

use std::sync::Arc;
use std::time::Duration;

use apikey_conformance::adapter::client::{RawRequest, RawResponse, send};
use apikey_conformance::{Harness, Running, Service};
use apikey_core::{
    ApiKeys, ApiKeysBuilder, Clock, HashedKey, KeyRecord, KeyStore, ManualClock, MemoryStore,
    NewKey, NewRecord,
};

pub(crate) const FRAMEWORKS: [&str; 3] = ["axum", "actix", "rocket"];

type Builder = ApiKeysBuilder<KeyRecord>;

/// The settings, and what clients send.
pub(crate) struct Stage {
    store: Arc<MemoryStore<KeyRecord>>,
    other: Arc<MemoryStore<KeyRecord>>,
    clock: ManualClock,
    settings: Box<dyn Fn(Builder) -> Builder>,
    pub(crate) texts: Vec<(&'static str, String)>,
}

/// The three servers, in the order of [`FRAMEWORKS`].
pub(crate) struct Servers(pub(crate) [Running; 3]);

impl Stage {
    pub(crate) async fn new(settings: impl Fn(Builder) -> Builder + 'static) -> Self {
        let mut stage = Self {
            store: Arc::new(MemoryStore::new()),
            other: Arc::new(MemoryStore::new()),
            clock: ManualClock::default(),
            settings: Box::new(settings),
            texts: Vec::new(),
        };
        stage.create_keys().await;
        stage
    }

    /// Makes a handle of its own for each server: they share nothing but the stores and the clock.
    pub(crate) fn keys(&self) -> ApiKeys {
        self.keys_of(&self.store)
    }

    fn keys_of(&self, store: &Arc<MemoryStore<KeyRecord>>) -> ApiKeys {
        let builder = ApiKeys::builder(Arc::clone(store)).clock(self.clock.clone());
        (self.settings)(builder).build().unwrap()
    }

    pub(crate) async fn serve(&self) -> Servers {
        let service = || Service::new(self.keys(), self.keys_of(&self.other));
        Servers([
            crate::axum::Axum::serve(service()).await,
            crate::actix::Actix::serve(service()).await,
            crate::rocket::OnRocket::serve(service()).await,
        ])
    }

    async fn create_keys(&mut self) {
        let (keys, hour) = (self.keys(), Duration::from_secs(3600));
        let create = async |new: NewKey| {
            let created = keys.create(new).await.unwrap();
            (created.key.prefix.clone(), created.plaintext.expose().to_owned())
        };
        let (_, good) = create(NewKey::new("good").scopes(["reports:read"])).await;
        let (_, second) = create(NewKey::new("second").scopes(["reports:read"])).await;
        let (_, admin) = create(NewKey::new("admin").scopes(["admin", "reports:read"])).await;
        let (_, no_scopes) = create(NewKey::new("no scopes")).await;
        let (_, internal) = create(NewKey::new("internal")).await;
        let (revoked_prefix, revoked) = create(NewKey::new("revoked")).await;
        let (disabled_prefix, disabled) = create(NewKey::new("disabled")).await;
        let (_, expired) = create(NewKey::new("expired").expires_in(hour)).await;
        keys.revoke(&revoked_prefix).await.unwrap();
        keys.disable(&disabled_prefix).await.unwrap();
        self.clock.advance(hour);

        let other = self.keys_of(&self.other);
        let unknown = other.create("unknown").await.unwrap().plaintext.expose().to_owned();
        let (_, both_handles) = create(NewKey::new("both").scopes(["reports:read"])).await;
        other.create(NewKey::new("both").with_plaintext(&both_handles)).await.unwrap();

        let unavailable = self.key_of_an_unknown_hasher().await;
        self.texts = vec![
            ("wrong", other_end(&good)),
            ("revoked_wrong", other_end(&revoked)),
            ("upper", good.to_uppercase()),
            ("short", good[..good.len() - 1].to_owned()),
            ("hash", format!("sha256$${}", "0".repeat(64))),
            ("good", good),
            ("second", second),
            ("admin", admin),
            ("no_scopes", no_scopes),
            ("internal", internal),
            ("revoked", revoked),
            ("disabled", disabled),
            ("expired", expired),
            ("unknown", unknown),
            ("both_handles", both_handles),
            ("unavailable", unavailable),
        ];
    }

    /// Stores a key whose hasher is not configured: whoever sends it is answered 503.
    async fn key_of_an_unknown_hasher(&self) -> String {
        let elsewhere =
            self.keys_of(&Arc::new(MemoryStore::new())).create("elsewhere").await.unwrap();
        let hash = HashedKey::new("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g");
        let new = NewRecord::new(&elsewhere.key.prefix, hash, "name", self.clock.now(), ());
        self.store.insert(&new, None).await.unwrap();
        elsewhere.plaintext.expose().to_owned()
    }
}

impl Servers {
    pub(crate) async fn send(&self, request: &RawRequest) -> [RawResponse; 3] {
        let [axum, actix, rocket] = self.0.each_ref().map(Running::address);
        let (axum, actix, rocket) =
            tokio::join!(send(axum, request), send(actix, request), send(rocket, request));
        [axum, actix, rocket]
    }
}

/// Changes the last character.
fn other_end(text: &str) -> String {
    let (rest, end) = text.split_at(text.len() - 1);
    format!("{rest}{}", if end == "0" { "1" } else { "0" })
}
