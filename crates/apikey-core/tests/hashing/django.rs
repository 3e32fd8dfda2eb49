//! What Django wrote.

use apikey_core::{Bcrypt, Django, Scrypt};
use serde_json::Value;

use super::*;

/// Every key of a database that djangorestframework-api-key wrote.
fn rows() -> Vec<(String, String)> {
    let rows: Value = serde_json::from_str(include_str!("../vectors/django.json")).unwrap();
    let text = |row: &Value, field| row[field].as_str().unwrap().to_owned();
    let rows = rows["keys"].as_array().unwrap();
    rows.iter().map(|row| (text(row, "key"), text(row, "hashed_key"))).collect()
}

/// One row of each algorithm.
fn samples() -> Vec<(String, String)> {
    let mut samples: Vec<(String, String)> = Vec::new();
    for row in rows() {
        let algorithm = |stored: &str| stored.split('$').next().map(str::to_owned);
        if !samples.iter().any(|sample| algorithm(&sample.1) == algorithm(&row.1)) {
            samples.push(row);
        }
    }
    assert_eq!(samples.len(), 7);
    samples
}

#[test]
fn verifies_everything_that_django_wrote() {
    let django = Django::default();
    for (key, stored) in rows() {
        assert!(django.recognizes(&stored));
        assert!(django.verify(key.as_bytes(), &stored).unwrap(), "{stored}");
        assert_eq!(django.needs_rehash(&stored), !stored.starts_with("sha512$$"));
    }
}

#[test]
fn refuses_another_key_for_every_algorithm() {
    for (key, stored) in samples() {
        let wrong = Django::default().verify(key.to_lowercase().as_bytes(), &stored);
        assert!(!wrong.unwrap(), "{stored}");
    }
}

#[test]
fn writes_what_djangorestframework_api_key_writes() {
    let (key, stored) = &samples()[0];
    assert_eq!(Django::default().hash(key.as_bytes()).unwrap().as_str(), stored);
}

#[test]
fn a_row_cut_short_anywhere_is_never_a_good_key_and_never_a_panic() {
    for (key, stored) in samples() {
        for end in (0..stored.len()).rev().take(4).chain([0, 1, 8, 20]) {
            let verdict = Django::default().verify(key.as_bytes(), &stored[..end]);
            assert!(!matches!(verdict, Ok(true)), "{}", &stored[..end]);
        }
    }
}

#[test]
fn refuses_rows_that_ask_for_too_much() {
    for (stored, too_costly) in [
        ("pbkdf2_sha256$1000000000$salt$XI8DzCTpvODlfAzhHusqF1keic3lL5bEKBy7yEMFsMA=", true),
        ("pbkdf2_sha256$0$salt$XI8DzCTpvODlfAzhHusqF1keic3lL5bEKBy7yEMFsMA=", false),
        ("pbkdf2_sha256$-1$salt$XI8DzCTpvODlfAzhHusqF1keic3lL5bEKBy7yEMFsMA=", false),
        ("pbkdf2_sha256$1$salt$!!!!", false),
        ("scrypt$4194304$salt$8$5$AAAA", true),
        ("scrypt$16384$salt$8$4294967295$AAAA", true),
        ("scrypt$1$salt$2097152$16$AAAA", true),
        ("scrypt$2$salt$1048576$16$AAAA", true),
        ("scrypt$2147483648$salt$67108864$1$AAAA", true),
        ("scrypt$262144$salt$8$16$AAAA", true),
        ("scrypt$16383$salt$8$1$AAAA", false),
        ("scrypt$0$salt$8$1$AAAA", false),
        ("bcrypt$$2b$31$stn8AjgGEC3heUe/BPhIgOzl4NRrWDvjOgsrxLGf./iXr44gMsq3O", true),
        ("bcrypt$$2b$12$short", false),
        (
            "argon2$argon2id$v=19$m=4194304,t=2,p=8$WFFJQzFoazFZVzVPdndBbUVaZTlPOQ$zr0dl2Y6IbtmvwJaPy/9+w",
            true,
        ),
        ("md5$salt$00", false),
        ("", false),
    ] {
        let verdict = Django::default().verify(b"key", stored);
        let expected = if too_costly {
            matches!(verdict, Err(HashError::TooCostly))
        } else {
            matches!(verdict, Err(HashError::Malformed))
        };
        assert!(expected, "{stored}: {verdict:?}");
    }
}

#[test]
fn bcrypt_and_scrypt_read_their_own_strings() {
    for hasher in [&Bcrypt as &dyn KeyHasher, &Scrypt::default()] {
        let own = hasher.hash(b"key").unwrap();
        assert!(hasher.recognizes(own.as_str()));
        assert!(hasher.verify(b"key", own.as_str()).unwrap());
        assert!(!hasher.verify(b"kez", own.as_str()).unwrap());
        assert!(!hasher.needs_rehash(own.as_str()));
    }
    assert!(Bcrypt.needs_rehash("$2b$10$stn8AjgGEC3heUe/BPhIgOzl4NRrWDvjOgsrxLGf./iXr44gMsq3O"));
    assert!(matches!(Bcrypt.verify(b"key", "$2b$31$x"), Err(HashError::TooCostly)));
}

#[test]
fn bcrypt_is_refused_where_keys_are_longer_than_it_reads() {
    let long = apikey_core::KeyFormat::default().lengths(8, 64).unwrap();
    let builder = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).hashers(Hashers::new(Bcrypt));
    assert!(builder.format(long).build().is_err());
}

/// Else every text would do that begins like a key which is longer than bcrypt reads.
#[test]
fn plain_bcrypt_verifies_no_key_that_it_would_cut() {
    let (key, longer) = ([b'k'; 72], [b'k'; 73]);
    let stored = "bcrypt$$2b$04$AhVmRb9XOYBlV64OkxsJbOBEqu47E9X2geYCNl4hu2g.lgpQgaNMa";
    assert!(Django::default().verify(&key, stored).unwrap());
    let verdict = Django::default().verify(&longer, stored);
    assert!(matches!(verdict, Err(HashError::Malformed)), "{verdict:?}");
}

#[test]
fn fast_rows_are_verified_at_once_and_slow_ones_replaced() {
    for (key, stored) in samples() {
        let (store, prefix) = (MemoryStore::new(), &key[..8]);
        let new = NewRecord::new(prefix, HashedKey::new(&*stored), "k", Timestamp::default(), ());
        block_on(store.insert(&new, None)).unwrap();
        let store = Arc::new(store);
        let keys = keys(&store, Hashers::new(Django::default()));
        assert_eq!(verify(&keys, &key), None);
        let now = block_on(store.get(prefix, None)).unwrap().unwrap().hashed_key;
        assert!(now.as_str().starts_with("sha512$$"));
    }
}
