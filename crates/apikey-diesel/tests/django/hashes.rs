//! Which hashes get into Django's table, and how those that are there are selected.

use apikey_core::chrono::DateTime;
use apikey_core::{
    HashedKey, KeyPatch, KeyQuery, KeyStore, NewRecord, Rotation, StoreError, Timestamp,
};
use apikey_diesel::DieselStore;

use crate::database::{Place, on_each};

/// What the package itself cannot read, each with how many characters there are.
const FOREIGN: [&str; 7] = [
    "",
    "sha256$$5f4dcc3b5aa765d61d8327deb882cf99",
    "sha512$abc$00",
    "SHA512$$00",
    "hmac-sha256$v=1$00",
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA",
    "pbkdf2_sha256$1$salt$aGFzaA==",
];

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn new_key(prefix: &str, hash: &str) -> NewRecord<()> {
    NewRecord::new(prefix, HashedKey::new(hash), "name", at(0), ())
}

/// What the refusal says, if it is one by the table's rules.
#[track_caller]
fn refusal<T: std::fmt::Debug>(refused: Result<T, StoreError>) -> String {
    let Err(StoreError::Rejected(source)) = refused else { panic!("{refused:?}") };
    source.to_string()
}

#[test]
fn no_operation_writes_a_hash_that_django_does_not_read() {
    on_each("no_operation_writes_a_hash_that_django_does_not_read", async |kind, place| {
        let store = place.store(kind.schema()).await;
        let kept = format!("sha512$${}", "0".repeat(128));
        let key = store.insert(&new_key("abcdefgh", &kept), None).await.unwrap();
        for hash in FOREIGN {
            let patch = || KeyPatch::default().rehash(key.hashed_key.clone(), HashedKey::new(hash));
            let successor = Rotation::new(None, at(60), new_key("success0", hash));
            for text in [
                refusal(store.insert(&new_key("newcomer", hash), None).await),
                refusal(store.update(&key.id, None, &patch()).await),
                refusal(store.update(&key.id, None, &patch().revoked_at(at(1))).await),
                refusal(store.rotate(&key.id, None, &successor).await),
            ] {
                assert!(text.contains("sha512$$"), "it names what is read: {text}");
                assert!(hash.is_empty() || !text.contains(hash), "and shows no hash: {text}");
            }
        }
        let left = store.list(&KeyQuery::new(), at(0)).await.unwrap().keys;
        assert_eq!(left, [key], "nothing has changed");
    });
}

/// Each text of a row has a bound, and each way to write it keeps to it.
#[test]
fn no_operation_writes_a_text_that_is_longer_than_django_takes() {
    let test = "no_operation_writes_a_text_that_is_longer_than_django_takes";
    on_each(test, async |kind, place| {
        let store = place.store(kind.schema()).await;
        let hash = |length: usize| format!("sha512$${}", "0".repeat(length - 8));
        // The id, made of prefix and hash, has 150 characters at most, as the hash itself.
        let longest = new_key("abcdefgh", &hash(141));
        let key = store.insert(&longest, None).await.unwrap();
        let rehash =
            |to: String| KeyPatch::default().rehash(HashedKey::new(hash(141)), HashedKey::new(to));
        let name = "n".repeat(51);
        let mut named = new_key("newcomer", &hash(136));
        named.name.clone_from(&name);
        let long_prefix = new_key("abcdefghi", &hash(136));
        let long_id = new_key("newcomer", &hash(142));
        let long_hash = new_key("newcomer", &hash(151));
        for (column, new) in
            [("prefix", long_prefix), ("id", long_id), ("hashed_key", long_hash), ("name", named)]
        {
            let column = format!(".{column} takes");
            let text = refusal(store.insert(&new, None).await);
            assert!(text.contains(&column), "{text}");
            let rotation = Rotation::new(None, at(60), new);
            let text = refusal(store.rotate(&key.id, None, &rotation).await);
            assert!(text.contains(&column), "{text}");
        }
        let text = refusal(store.update(&key.id, None, &rehash(hash(151))).await);
        assert!(text.contains(".hashed_key takes 150 characters, not 151"), "{text}");
        let text = refusal(store.update(&key.id, None, &KeyPatch::default().name(name)).await);
        assert!(text.contains(".name takes 50 characters, not 51"), "{text}");
        assert_eq!(store.list(&KeyQuery::new(), at(0)).await.unwrap().keys, [key]);
    });
}

/// Writes rows as Django does, whatever their hashes.
async fn add_rows(place: &Place, url: &str, hashes: &[&str]) {
    for (number, hash) in hashes.iter().enumerate() {
        place
            .run(
                url,
                &format!(
                    "INSERT INTO rest_framework_api_key_apikey \
                     (id, prefix, hashed_key, name, created, revoked) \
                     VALUES ('key{number:05}.{hash}', 'key{number:05}', '{hash}', 'name', \
                     '2026-01-01 00:00:0{number}', false)"
                ),
            )
            .await;
    }
}

#[test]
fn selects_hashes_by_their_beginning() {
    on_each("selects_hashes_by_their_beginning", async |kind, place| {
        let url = place.create().await;
        place.run(&url, kind.schema()).await;
        let hashes =
            ["sha512$$00", "sha512$00", "pbkdf2_sha256$1$a$b", "pbkdf2xsha256$1$a$b", "SHA512$$00"];
        add_rows(place, &url, &hashes).await;
        let store = DieselStore::django(&url).await.unwrap();
        for (with, without, expected) in [
            (&["sha512$$"][..], &[][..], &[0][..]),
            (&["pbkdf2_sha256$"], &[], &[2]),
            (&["sha512$", "pbkdf2"], &["sha512$$"], &[1, 2, 3]),
            (&[], &["sha512$$", "pbkdf2_"], &[1, 3, 4]),
            (&["%"], &[], &[]),
        ] {
            let mut query = KeyQuery::new();
            query.encodings = with.iter().map(|text| (*text).to_owned()).collect();
            query.not_encodings = without.iter().map(|text| (*text).to_owned()).collect();
            let mut found: Vec<_> = store.list(&query, at(0)).await.unwrap().keys;
            found.sort_by_key(|key| key.prefix.clone());
            let found: Vec<_> = found.iter().map(|key| key.hashed_key.as_str()).collect();
            let expected: Vec<_> = expected.iter().map(|number: &usize| hashes[*number]).collect();
            assert_eq!(found, expected, "with {with:?}, without {without:?}");
            let count = store.count(&query, at(0)).await.unwrap();
            assert_eq!(count, expected.len() as u64, "with {with:?}, without {without:?}");
        }
    });
}
