//! What reads the keys of a copy: every format and every hasher that the copies have.

use std::sync::{Arc, OnceLock};

use apikey_core::{
    ApiKeys, Argon2id, Bcrypt, Django, Hashers, HmacSha256, KeyFormat, KeyModel, KeyStore,
    ManualClock, Pbkdf2, Pepper, Scrypt, Sha256, Sha512, Timestamp, Verified,
};
use apikey_core::{AuthError, KeyRecord};
use serde_json::{Value, json};

use crate::models::DJANGO;

/// What bcrypt reads of a key: handles that accept it have no longer keys.
const SHORT: usize = 72;

/// The two peppers. They are test data, as the keys are.
pub(crate) fn pepper(version: u8) -> Pepper {
    Pepper::new(u32::from(version), [version; 32]).unwrap()
}

/// The layouts of the copies, the short ones first.
pub(crate) fn formats() -> [KeyFormat; 5] {
    let golden = || KeyFormat::branded("golden").unwrap();
    [
        KeyFormat::default(),
        golden(),
        KeyFormat::default().lengths(12, 48).unwrap(),
        golden().lengths(16, 64).unwrap(),
        KeyFormat::default().lengths(32, 128).unwrap(),
    ]
}

/// Handles that read all keys of a table between them.
#[derive(Debug)]
pub(crate) struct Readers<M: KeyModel> {
    short: ApiKeys<M>,
    long: ApiKeys<M>,
}

impl<M: KeyModel> Readers<M> {
    /// Handles that leave stored hashes as they are, or replace them on the first use.
    pub(crate) fn new(
        table: &str,
        store: &Arc<dyn KeyStore<M>>,
        clock: &ManualClock,
        replaces_hashes: bool,
    ) -> Self {
        let build = |formats: &[KeyFormat], hashers: Hashers| {
            let mut builder = ApiKeys::builder(Arc::clone(store));
            if !replaces_hashes {
                builder = builder.keep_hashes();
            }
            for format in &formats[1..] {
                builder = builder.accept_format(format.clone());
            }
            builder.hashers(hashers).clock(clock.clone()).build().unwrap()
        };
        if table == DJANGO {
            let keys = build(&formats()[..1], Hashers::new(Django::default()));
            return Self { short: keys.clone(), long: keys };
        }
        let all = every_hasher();
        Self {
            short: build(&formats()[..3], all.clone().accept(Bcrypt)),
            long: build(&formats(), all),
        }
    }

    /// The handle that has every hasher: it looks at all rows, and changes them.
    pub(crate) fn keys(&self) -> &ApiKeys<M> {
        &self.short
    }

    /// Verifies a text with the handle that knows its layout.
    pub(crate) async fn verify(&self, text: &str) -> Result<Verified<M>, AuthError> {
        let keys = if text.len() <= SHORT { &self.short } else { &self.long };
        keys.verify(text).await
    }
}

/// Returns all hashers but bcrypt. They are the same for all handles: what a slow one learns of itself costs a hash.
fn every_hasher() -> Hashers {
    static HASHERS: OnceLock<Hashers> = OnceLock::new();
    let make = || {
        let hmac = HmacSha256::new(pepper(2)).accept(pepper(1)).unwrap();
        Hashers::new(Sha256)
            .accept(Sha512)
            .accept(hmac)
            .accept(Argon2id::default())
            .accept(Pbkdf2::default())
            .accept(Scrypt::default())
            .accept(Django::default())
    };
    HASHERS.get_or_init(make).clone()
}

/// What is known of a key, as the lists of the copies have it. A later copy may have more.
pub(crate) fn shown<Id>(record: &KeyRecord<Id>) -> Value {
    let time = |time: &Timestamp| time.format("%FT%T%.6fZ").to_string();
    json!({
        "prefix": record.prefix,
        "name": record.name,
        "scopes": record.scopes.as_str(),
        "created_at": time(&record.created_at),
        "expires_at": record.expires_at.as_ref().map(time),
        "disabled_at": record.disabled_at.as_ref().map(time),
        "revoked_at": record.revoked_at.as_ref().map(time),
        "last_used_at": record.last_used_at.as_ref().map(time),
        "rotated_from": record.rotated_from,
    })
}
