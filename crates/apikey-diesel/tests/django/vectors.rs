//! A database that djangorestframework-api-key 3.1.0 wrote, with keys of every hasher and state.

use std::collections::HashMap;

use apikey_core::{ApiKeys, DenyReason, Django, Hashers, KeyQuery, KeyStore};
use apikey_diesel::DieselStore;
use serde_json::Value;

const DATABASE: &[u8] = include_bytes!("../vectors/django-api-keys.sqlite3");
const KEYS: &str = include_str!("../vectors/django-api-keys.json");

#[tokio::test(flavor = "multi_thread")]
async fn every_key_gets_djangos_verdict_and_the_hash_that_django_would_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.db");
    std::fs::write(&path, DATABASE).unwrap();
    let store = DieselStore::django(&format!("sqlite://{}", path.display())).await.unwrap();
    let hashers = Hashers::new(Django::default());
    let keys = ApiKeys::builder(store.clone()).hashers(hashers).build().unwrap();
    assert!(keys.check().await.unwrap().is_empty());
    let before = hashes(&store).await;

    let vectors: Value = serde_json::from_str(KEYS).unwrap();
    let vectors = vectors["keys"].as_array().unwrap();
    assert_eq!(before.len(), vectors.len());
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let (prefix, state) = (text("prefix"), text("state"));
        let usable = vector["usable"].as_bool().unwrap();
        let verdict = keys.verify(text("key")).await;
        match &verdict {
            Ok(key) => assert_eq!((key.prefix.as_str(), key.name.as_str()), (prefix, text("name"))),
            Err(error) => {
                let reason =
                    if state == "revoked" { DenyReason::Revoked } else { DenyReason::Expired };
                assert_eq!(error.reason(), reason, "{prefix}");
            }
        }
        assert_eq!(verdict.is_ok(), usable, "{prefix} is {state}");
        let wrong = format!("{}x", &text("key")[..40]);
        if wrong != text("key") {
            assert_eq!(keys.verify(wrong).await.unwrap_err().reason(), DenyReason::WrongSecret);
        }
        let now = store.get(prefix, None).await.unwrap().unwrap().record.hashed_key;
        if usable {
            assert_eq!(now, keys_hash(text("key")), "{prefix}: a used key has the preferred hash");
        } else {
            assert_eq!(now.as_str(), before[prefix], "{prefix} is {state}: it stays as it is");
        }
    }
}

fn keys_hash(key: &str) -> apikey_core::HashedKey {
    apikey_core::KeyHasher::hash(&Django::default(), key.as_bytes()).unwrap()
}

async fn hashes(store: &DieselStore<apikey_diesel::DjangoApiKey>) -> HashMap<String, String> {
    let page = store.list(&KeyQuery::new().limit(1000), apikey_core::chrono::Utc::now()).await;
    let keys = page.unwrap().keys.into_iter();
    keys.map(|key| (key.prefix.clone(), key.hashed_key.as_str().to_owned())).collect()
}
