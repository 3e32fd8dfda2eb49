//! What holds in Django's table beside the conformance suite.

use apikey_core::chrono::{DateTime, TimeDelta};
use apikey_core::{
    ApiKeys, BuildError, Django, HashedKey, Hashers, KeyFormat, KeyPatch, KeyQuery, KeyStatus,
    KeyStore, ManageError, NewKey, NewRecord, Rotation, Scopes, Sha256, Sha512, StoreError,
    Timestamp,
};
use apikey_diesel::{ConnectError, DieselStore, DjangoApiKey};

use crate::database::{Kind, on_each};
use crate::server::Server;

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 678_901_000).unwrap()
}

fn new_key(prefix: &str) -> NewRecord<()> {
    let hash = HashedKey::new(format!("sha512$${prefix:0<128}"));
    NewRecord::new(prefix, hash, "name", at(0), ())
}

fn keys(store: DieselStore<DjangoApiKey>) -> ApiKeys<DjangoApiKey> {
    ApiKeys::builder(store).hashers(Hashers::new(Django::default())).build().unwrap()
}

#[test]
fn a_name_may_have_fifty_characters_and_no_more() {
    on_each("a_name_may_have_fifty_characters_and_no_more", async |kind, place| {
        let store = place.store(kind.schema()).await;
        let mut new = new_key("longname");
        new.name = "🔑é".repeat(25);
        assert_eq!(store.insert(&new, None).await.unwrap().name, new.name);
        let long = "x".repeat(51);
        new.prefix = "toolong0".to_owned();
        new.name.clone_from(&long);
        let renamed = KeyPatch::default().name(long);
        for refused in [
            store.insert(&new, None).await.map(Some),
            store.update(&"longname".to_owned(), None, &renamed).await,
        ] {
            let Err(StoreError::Rejected(source)) = refused else { panic!("{refused:?}") };
            let text = source.to_string();
            assert!(text.ends_with("name takes 50 characters, not 51"), "{text}");
        }
        assert_eq!(store.count(&KeyQuery::new(), at(0)).await.unwrap(), 1);
    });
}

#[test]
fn what_needs_a_column_that_django_lacks_is_unsupported() {
    on_each("what_needs_a_column_that_django_lacks_is_unsupported", async |kind, place| {
        let store = place.store(kind.schema()).await;
        let id = store.insert(&new_key("abcdefgh"), None).await.unwrap().id.clone();
        let scopes = Scopes::parse("reports:read").unwrap();
        let scoped = new_key("scoped00").with_scopes(scopes.clone());
        let refusals = [
            store.insert(&scoped, None).await.map(drop),
            store.update(&id, None, &KeyPatch::default().scopes(scopes)).await.map(drop),
            store.update(&id, None, &KeyPatch::default().disabled_at(Some(at(1)))).await.map(drop),
            store.touch(&[id], at(1)).await,
        ];
        for refused in refusals {
            assert!(matches!(refused, Err(StoreError::Unsupported { .. })), "{refused:?}");
        }
        assert_eq!(store.count(&KeyQuery::new(), at(0)).await.unwrap(), 1);
    });
}

#[test]
fn a_key_that_comes_revoked_is_revoked_from_its_first_moment() {
    let test = "a_key_that_comes_revoked_is_revoked_from_its_first_moment";
    on_each(test, async |kind, place| {
        let store = place.store(kind.schema()).await;
        let revoked = new_key("revoked0").with_revoked_at(Some(at(9)));
        let key = store.insert(&revoked, None).await.unwrap();
        // Django does not know when.
        assert_eq!(key.revoked_at, Some(key.created_at));
        assert_eq!(store.find_by_prefix("revoked0").await.unwrap().unwrap().key, key);
        // A table without the column must not take the key.
        let disabled = new_key("disabled").with_disabled_at(Some(at(9)));
        for new in [disabled.clone(), disabled.with_revoked_at(Some(at(9)))] {
            let refused = store.insert(&new, None).await;
            assert!(matches!(refused, Err(StoreError::Unsupported { .. })), "{refused:?}");
        }
        assert!(store.get("disabled", None).await.unwrap().is_none());
    });
}

#[test]
fn no_successor_inherits_a_name_that_has_changed() {
    on_each("no_successor_inherits_a_name_that_has_changed", async |kind, place| {
        let store = place.store(kind.schema()).await;
        let old = store.insert(&new_key("rotated0"), None).await.unwrap();
        let rename = KeyPatch::default().name("Name");
        let renamed = store.update(&old.id, None, &rename).await.unwrap().unwrap();
        let stale = Rotation::new(None, at(60), new_key("success0"));
        let refused = store.rotate(&old.id, None, &stale).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
        assert_eq!(store.get("rotated0", None).await.unwrap(), Some(renamed));
        assert!(store.get("success0", None).await.unwrap().is_none());
    });
}

#[test]
fn no_change_brings_a_revoked_key_back() {
    on_each("no_change_brings_a_revoked_key_back", async |kind, place| {
        let store = place.store(kind.schema()).await;
        let loaded = store.insert(&new_key("revoked0"), None).await.unwrap();
        store.update(&loaded.id, None, &KeyPatch::default().revoked_at(at(9))).await.unwrap();
        let new_hash = new_key("another0").hashed_key;
        for patch in [
            KeyPatch::default().rehash(loaded.hashed_key.clone(), new_hash.clone()),
            KeyPatch::default().name("new").expires_at(Some(at(5))),
            KeyPatch::default().expires_at(None),
            KeyPatch::default().revoked_at(at(1)),
        ] {
            let key = store.update(&loaded.id, None, &patch).await.unwrap().unwrap();
            // Django does not know when.
            assert_eq!(key.revoked_at, Some(key.created_at), "{patch:?}");
        }
        let rotation = Rotation::new(None, at(60), new_key("success0"));
        let refused = store.rotate(&loaded.id, None, &rotation).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
        let key = store.get("revoked0", None).await.unwrap().unwrap();
        assert_eq!((key.name.as_str(), &key.hashed_key), ("new", &new_hash));
    });
}

#[test]
fn lists_counts_and_limits_by_state() {
    on_each("lists_counts_and_limits_by_state", async |kind, place| {
        let store = place.store(kind.schema()).await;
        for number in 0..12 {
            let expires_at = [None, Some(at(10)), Some(at(10) + TimeDelta::microseconds(1))];
            let new = new_key(&format!("key{number:05}")).with_expires_at(expires_at[number % 3]);
            let key = store.insert(&new, None).await.unwrap();
            if number % 4 == 0 {
                let revoke = KeyPatch::default().revoked_at(at(2));
                store.update(&key.id, None, &revoke).await.unwrap();
            }
        }
        let all = store.list(&KeyQuery::new(), at(0)).await.unwrap().keys;
        for now in [at(9), at(10), at(11)] {
            for status in
                [KeyStatus::Active, KeyStatus::Disabled, KeyStatus::Expired, KeyStatus::Revoked]
            {
                let expected = all.iter().filter(|key| key.status(now) == status).count();
                let query = KeyQuery::new().status(status);
                let listed = store.list(&query, now).await.unwrap().keys;
                assert!(listed.iter().all(|key| key.status(now) == status), "{status} at {now}");
                assert_eq!(listed.len(), expected, "{status} at {now}");
                assert_eq!(store.count(&query, now).await.unwrap(), expected as u64);
            }
        }
        let mut next = new_key("next0000");
        next.created_at = at(10);
        let refused = store.insert(&next, Some(6)).await;
        assert!(matches!(refused, Err(StoreError::LimitReached { limit: 6 })), "{refused:?}");
        store.insert(&next, Some(7)).await.unwrap();
    });
}

#[test]
fn purges_expired_keys_and_keeps_revoked_ones() {
    on_each("purges_expired_keys_and_keeps_revoked_ones", async |kind, place| {
        let store = place.store(kind.schema()).await;
        store.insert(&new_key("expired0").with_expires_at(Some(at(9))), None).await.unwrap();
        store.insert(&new_key("expires0").with_expires_at(Some(at(10))), None).await.unwrap();
        let revoked = store.insert(&new_key("revoked0"), None).await.unwrap();
        store.update(&revoked.id, None, &KeyPatch::default().revoked_at(at(1))).await.unwrap();
        assert_eq!(store.delete_expired(at(10), 100).await.unwrap(), 1);
        let mut left: Vec<_> = store.list(&KeyQuery::new(), at(0)).await.unwrap().keys;
        left.sort_by_key(|key| key.prefix.clone());
        let left: Vec<_> = left.iter().map(|key| key.prefix.as_str()).collect();
        assert_eq!(left, ["expires0", "revoked0"]);
    });
}

#[test]
fn one_of_many_parallel_rotations_leaves_one_successor() {
    on_each("one_of_many_parallel_rotations_leaves_one_successor", async |kind, place| {
        let store = place.store(kind.schema()).await;
        let old = store.insert(&new_key("rotated0"), None).await.unwrap();
        let rotations = (0..16).map(|number| {
            let (store, id) = (store.clone(), old.id.clone());
            let rotation = Rotation::new(None, at(60), new_key(&format!("next{number:04}")));
            tokio::spawn(async move { store.rotate(&id, None, &rotation).await })
        });
        let mut won = 0;
        for rotation in rotations.collect::<Vec<_>>() {
            match rotation.await.unwrap() {
                Ok(_) => won += 1,
                Err(error) => assert!(matches!(error, StoreError::Conflict), "{error:?}"),
            }
        }
        assert_eq!(won, 1);
        assert_eq!(store.count(&KeyQuery::new(), at(0)).await.unwrap(), 2);
        let old = store.get("rotated0", None).await.unwrap().unwrap();
        assert_eq!(old.expires_at, Some(at(60)));
    });
}

#[test]
fn a_fixed_key_is_created_once() {
    on_each("a_fixed_key_is_created_once", async |kind, place| {
        let store = place.store(kind.schema()).await;
        let keys = keys(store.clone());
        let text = "devdevde.0123456789abcdefghijABCDEFGHIJ01";
        for _ in 0..2 {
            let new = NewKey::new("development").with_plaintext(text);
            keys.create(new).await.unwrap();
        }
        assert_eq!(store.count(&KeyQuery::new(), at(0)).await.unwrap(), 1);
        keys.verify(text).await.unwrap();
    });
}

/// Django's index on MySQL ignores case: another prefix is drawn then.
#[test]
fn a_prefix_that_differs_in_case_alone_is_taken_on_mysql() {
    on_each("a_prefix_that_differs_in_case_alone_is_taken_on_mysql", async |kind, place| {
        let store = place.store(kind.schema()).await;
        store.insert(&new_key("abcdEFGH"), None).await.unwrap();
        let twin = store.insert(&new_key("ABCDefgh"), None).await;
        if kind == Kind::Server(Server::Mysql) {
            assert!(matches!(twin, Err(StoreError::Duplicate)), "{twin:?}");
            assert!(store.find_by_prefix("ABCDefgh").await.unwrap().is_none());
        } else {
            twin.unwrap();
        }
    });
}

#[test]
fn build_refuses_what_django_would_not_know() {
    on_each("build_refuses_what_django_would_not_know", async |kind, place| {
        let store = place.store(kind.schema()).await;
        let builder = || ApiKeys::builder(store.clone());
        let hashers = || Hashers::new(Django::default());
        let refused = builder().build().err();
        assert!(matches!(refused, Some(BuildError::NotWritable { .. })), "{refused:?}");
        let sha256 = Hashers::new(Sha256).accept(Sha512);
        let refused = builder().hashers(sha256).build().err();
        assert!(matches!(refused, Some(BuildError::NotWritable { .. })), "{refused:?}");
        for format in
            [KeyFormat::branded("acme").unwrap(), KeyFormat::default().lengths(9, 32).unwrap()]
        {
            for builder in
                [builder().format(format.clone()), builder().accept_format(format.clone())]
            {
                let refused = builder.hashers(hashers()).build().err();
                assert!(
                    matches!(refused, Some(BuildError::FormatNotWritable { .. })),
                    "{refused:?}"
                );
            }
        }
        builder().hashers(Hashers::new(Sha512).accept(Django::default())).build().unwrap();
        // What is read alone is no matter of what may be written.
        let short = KeyFormat::default().legacy_lengths(4, 32).unwrap();
        builder().hashers(hashers()).accept_format(short).build().unwrap();
        // Without `build`, nothing is written either.
        let refused = ApiKeys::new(store.clone()).create("name").await.err();
        assert!(matches!(refused, Some(ManageError::NotWritable)), "{refused:?}");
    });
}

#[tokio::test]
async fn creates_no_file_and_leaves_the_journal_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.db");
    let url = format!("sqlite://{}", path.display());
    let refused = DieselStore::django(&url).await.err().unwrap();
    assert!(matches!(refused, ConnectError::MissingFile { .. }), "{refused}");
    assert!(!path.exists());

    let place = Kind::Sqlite.place();
    let url = place.create().await;
    place.run(&url, Kind::Sqlite.schema()).await;
    let store = DieselStore::django(&url).await.unwrap();
    store.insert(&new_key("abcdefgh"), None).await.unwrap();
    // Bytes 18 and 19 of a SQLite file are 2 in WAL mode, else 1.
    let file = std::fs::read(url.strip_prefix("sqlite://").unwrap()).unwrap();
    assert_eq!(file[18..20], [1, 1]);
}
