//! The same keys, here and on the site.

use std::time::Duration;

use apikey_core::chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use apikey_core::{
    ApiKeys, DenyReason, Django, HashedKey, Hashers, KeyHasher, KeyPatch, KeyQuery, KeyStore,
    NewKey, NewRecord,
};
use apikey_diesel::{DieselStore, DjangoApiKey};
use serde_json::{Value, json};

use crate::site::{Site, on_each_site};

const MODEL: &str = "package";

/// Every hasher for passwords that Django has, and none, which is the package's own.
const HASHERS: [Option<&str>; 7] = [
    None,
    Some("pbkdf2_sha256"),
    Some("pbkdf2_sha1"),
    Some("argon2"),
    Some("bcrypt_sha256"),
    Some("bcrypt"),
    Some("scrypt"),
];

async fn open(url: &str) -> (DieselStore<DjangoApiKey>, ApiKeys<DjangoApiKey>) {
    let store = DieselStore::django(url).await.unwrap();
    let hashers = Hashers::new(Django::default());
    let keys = ApiKeys::builder(store.clone()).hashers(hashers).build().unwrap();
    assert!(keys.check().await.unwrap().is_empty());
    (store, keys)
}

/// Makes a key on the site, and returns its prefix and its text.
fn make(site: &mut Site, name: &str, hasher: Option<&str>) -> (String, String) {
    let command = json!({ "do": "create", "model": MODEL, "name": name, "hasher": hasher });
    prefix_and_text(&site.tell(command))
}

fn prefix_and_text(made: &Value) -> (String, String) {
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("prefix"), text("key"))
}

/// What the package writes for a key.
fn preferred_hash(key: &str) -> HashedKey {
    Django::default().hash(key.as_bytes()).unwrap()
}

#[test]
fn keys_made_there_open_here_whatever_their_hasher() {
    on_each_site("keys_made_there_open_here_whatever_their_hasher", async |_, url, site| {
        let (_, keys) = open(url).await;
        for hasher in HASHERS {
            let (prefix, text) = make(site, "Ünïcödé – 鍵 🔑", hasher);
            let before = site.row(MODEL, &prefix);
            let key = keys.verify(&text).await.unwrap();
            assert_eq!(key.name, "Ünïcödé – 鍵 🔑", "{hasher:?}");
            // The hash has become the one that the site would have written, and the id stayed.
            let after = site.row(MODEL, &prefix);
            assert_eq!(after["hashed_key"], preferred_hash(&text).as_str(), "{hasher:?}");
            assert_eq!(after["id"], before["id"], "{hasher:?}");
            assert_eq!(after["created"], before["created"], "{hasher:?}");
            assert!(site.opens(MODEL, &text), "{hasher:?}");
            assert_eq!(site.row(MODEL, &prefix), after, "{hasher:?}: the site changes it no more");
        }
        site.accepts_rows(MODEL, HASHERS.len());
    });
}

#[test]
fn keys_open_here_after_the_site_upgraded_their_hash() {
    on_each_site("keys_open_here_after_the_site_upgraded_their_hash", async |_, url, site| {
        let (_, keys) = open(url).await;
        let (prefix, text) = make(site, "upgraded there", Some("pbkdf2_sha256"));
        assert!(site.opens(MODEL, &text));
        assert_eq!(site.row(MODEL, &prefix)["hashed_key"], preferred_hash(&text).as_str());
        keys.verify(&text).await.unwrap();

        // Both at once: the site has read the row before it is upgraded here.
        let (prefix, text) = make(site, "upgraded on both sides", Some("pbkdf2_sha256"));
        site.tell(json!({ "do": "load", "model": MODEL, "prefix": prefix }));
        keys.verify(&text).await.unwrap();
        let valid = site.tell(json!({ "do": "is_valid", "prefix": prefix, "key": text }));
        assert_eq!(valid, true);
        assert_eq!(site.row(MODEL, &prefix)["hashed_key"], preferred_hash(&text).as_str());
        keys.verify(&text).await.unwrap();
        site.accepts_rows(MODEL, 2);
    });
}

#[test]
fn keys_made_here_open_the_site() {
    on_each_site("keys_made_here_open_the_site", async |_, url, site| {
        let (store, keys) = open(url).await;
        let longest = "🔑é".repeat(25);
        let end = Utc::now() + TimeDelta::days(2);
        let made = [
            keys.create(NewKey::new(longest.clone())).await.unwrap(),
            keys.create(NewKey::new("ends").expires_at(end)).await.unwrap(),
        ];
        for key in &made {
            let text = key.plaintext.expose();
            assert!(site.opens(MODEL, text));
            let row = site.row(MODEL, &key.key.prefix);
            let hash = preferred_hash(text);
            assert_eq!(row["hashed_key"], hash.as_str());
            assert_eq!(row["id"], format!("{}.{}", key.key.prefix, hash.as_str()));
            assert_eq!(row["name"], *key.key.name);
            assert_eq!(time(&row["created"]), key.key.created_at);
            assert_eq!(
                row["expiry_date"].as_str().map(|text| text.parse().unwrap()),
                key.key.expires_at
            );
            let wrong = format!("{}A", &text[..40]);
            assert!(!site.opens(MODEL, &wrong) || wrong == text);
        }
        // On SQLite a time is text: a whole second is found only if it is written as the site does.
        let whole = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let new = NewRecord::new("whole000", preferred_hash("x"), "a whole second", whole, ());
        store.insert(&new, None).await.unwrap();
        let query = json!({ "do": "created_at", "model": MODEL, "time": whole.to_rfc3339() });
        assert_eq!(site.tell(query), json!(["whole000"]));
        site.accepts_rows(MODEL, 3);
    });
}

fn time(text: &Value) -> apikey_core::Timestamp {
    text.as_str().unwrap().parse().unwrap()
}

#[test]
fn a_key_revoked_or_expired_on_either_side_is_refused_on_both() {
    let test = "a_key_revoked_or_expired_on_either_side_is_refused_on_both";
    on_each_site(test, async |_, url, site| {
        let (store, keys) = open(url).await;
        let (prefix, text) = make(site, "revoked here", Some("pbkdf2_sha256"));
        let before = site.row(MODEL, &prefix)["hashed_key"].clone();
        keys.revoke(&prefix).await.unwrap();
        assert!(!site.opens(MODEL, &text));
        assert_eq!(keys.verify(&text).await.unwrap_err().reason(), DenyReason::Revoked);
        assert_eq!(site.row(MODEL, &prefix)["hashed_key"], before, "a revoked key stays as it is");

        let made = keys.create("revoked there").await.unwrap();
        let (prefix, text) = (made.key.prefix.clone(), made.plaintext.expose());
        site.tell(json!({ "do": "revoke", "model": MODEL, "prefix": prefix }));
        assert!(!site.opens(MODEL, text));
        assert_eq!(keys.verify(text).await.unwrap_err().reason(), DenyReason::Revoked);

        let made = keys.create("expired here").await.unwrap();
        let (id, text) = (made.key.id.clone(), made.plaintext.expose());
        let past = Utc::now() - TimeDelta::seconds(1);
        store.update(&id, None, &KeyPatch::default().expires_at(Some(past))).await.unwrap();
        assert!(!site.opens(MODEL, text));
        assert_eq!(keys.verify(text).await.unwrap_err().reason(), DenyReason::Expired);

        let command = json!({ "do": "create", "model": MODEL, "name": "expired there",
            "expiry_date": past.to_rfc3339_opts(SecondsFormat::Micros, false) });
        let (_, text) = prefix_and_text(&site.tell(command));
        assert!(!site.opens(MODEL, &text));
        assert_eq!(keys.verify(&text).await.unwrap_err().reason(), DenyReason::Expired);
        site.accepts_rows(MODEL, 4);
    });
}

#[test]
fn a_revocation_by_the_site_outlives_an_upgrade_here() {
    let test = "a_revocation_by_the_site_outlives_an_upgrade_here";
    on_each_site(test, async |_, url, site| {
        let (store, keys) = open(url).await;
        let (prefix, text) = make(site, "raced", Some("pbkdf2_sha256"));
        let loaded = store.get(&prefix, None).await.unwrap().unwrap();
        site.tell(json!({ "do": "revoke", "model": MODEL, "prefix": prefix }));
        let rehash = KeyPatch::default().rehash(loaded.hashed_key.clone(), preferred_hash(&text));
        store.update(&loaded.id, None, &rehash).await.unwrap();
        assert_eq!(site.row(MODEL, &prefix)["revoked"], true);
        assert_eq!(keys.verify(&text).await.unwrap_err().reason(), DenyReason::Revoked);
        site.accepts_rows(MODEL, 1);
    });
}

/// What `docs/moving-from-django.md` warns of. It is the site's own race, with its admin as with us.
#[test]
fn an_upgrade_by_the_site_saves_the_whole_row_as_it_was_read() {
    let test = "an_upgrade_by_the_site_saves_the_whole_row_as_it_was_read";
    on_each_site(test, async |_, url, site| {
        let (_, keys) = open(url).await;
        let (prefix, text) = make(site, "raced", Some("pbkdf2_sha256"));
        site.tell(json!({ "do": "load", "model": MODEL, "prefix": prefix }));
        keys.revoke(&prefix).await.unwrap();
        site.tell(json!({ "do": "is_valid", "prefix": prefix, "key": text }));
        assert_eq!(site.row(MODEL, &prefix)["revoked"], false);
        // A key with the preferred hash is never saved by verifying it.
        site.tell(json!({ "do": "load", "model": MODEL, "prefix": prefix }));
        keys.revoke(&prefix).await.unwrap();
        site.tell(json!({ "do": "is_valid", "prefix": prefix, "key": text }));
        assert_eq!(site.row(MODEL, &prefix)["revoked"], true);
    });
}

#[test]
fn keys_are_rotated_and_listed_in_the_sites_order() {
    on_each_site("keys_are_rotated_and_listed_in_the_sites_order", async |_, url, site| {
        let (store, keys) = open(url).await;
        let (prefix, old) = make(site, "first", Some("scrypt"));
        make(site, "second", None);
        keys.create("third").await.unwrap();
        let new = keys.rotate(&prefix, Duration::from_secs(3600)).await.unwrap();
        for text in [old.as_str(), new.plaintext.expose()] {
            assert!(site.opens(MODEL, text));
            keys.verify(text).await.unwrap();
        }
        let (mut prefixes, mut after) = (Vec::new(), None);
        loop {
            let query = KeyQuery::new().limit(3).after(after);
            let page = store.list(&query, Utc::now()).await.unwrap();
            prefixes.extend(page.keys.iter().map(|key| key.prefix.clone()));
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(site.tell(json!({ "do": "newest_first", "model": MODEL })), json!(prefixes));
        site.accepts_rows(MODEL, 4);
    });
}
