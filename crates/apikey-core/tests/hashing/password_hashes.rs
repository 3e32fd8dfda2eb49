//! Argon2id and PBKDF2 in PHC strings.

use apikey_core::{Argon2id, Pbkdf2};

use super::*;

/// Made by argon2-cffi 25.1 and by Python's hashlib, of `TEXT`.
const ARGON2ID: &str = "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$QPnCPbsLxOWPzy2dewLX0hkoZJifcRKTLrXk8WfuGPk";
const PBKDF2: &str =
    "$pbkdf2-sha256$i=1000,l=32$c29tZXNhbHRzb21lc2FsdA$M8i3SifK/eTB16XNl0PsamskqyaIx60nAhH7AigxTx4";

fn both() -> Hashers {
    Hashers::new(Sha256).accept(Argon2id::default()).accept(Pbkdf2::default())
}

#[test]
fn verifies_what_other_implementations_wrote_and_replaces_it() {
    for foreign in [ARGON2ID, PBKDF2] {
        let store = store(foreign);
        let keys = keys(&store, both());
        assert_eq!(verify(&keys, &wrong()), Some(DenyReason::WrongSecret));
        assert_eq!(verify(&keys, TEXT), None);
        assert_eq!(stored(&store), Sha256.hash(TEXT.as_bytes()).unwrap().as_str());
    }
}

#[test]
fn replaces_hashes_of_other_parameters_and_keeps_its_own() {
    for hasher in [&Argon2id::default() as &dyn KeyHasher, &Pbkdf2::default()] {
        let own = hasher.hash(b"key").unwrap();
        assert!(hasher.verify(b"key", own.as_str()).unwrap());
        assert!(!hasher.verify(b"kez", own.as_str()).unwrap());
        assert!(!hasher.needs_rehash(own.as_str()));
        assert_ne!(hasher.hash(b"key").unwrap(), own, "the salt is new each time");
    }
    assert!(Argon2id::default().needs_rehash(ARGON2ID));
    assert!(Pbkdf2::default().needs_rehash(PBKDF2));
}

#[test]
fn refuses_rows_that_ask_for_too_much_or_are_damaged() {
    for (bad, too_costly) in [
        (ARGON2ID.replace("m=64", "m=4194304"), true),
        (ARGON2ID.replace("t=2", "t=4294967295"), true),
        (ARGON2ID.replace("p=1", "p=17"), true),
        (ARGON2ID.replace("p=1", "p=1,x=1"), true),
        (PBKDF2.replace("i=1000", "i=1000000000"), true),
        (ARGON2ID.replace("m=64", "m=99999999999999999999"), false),
        (ARGON2ID[..40].to_owned(), false),
        ("$argon2id$".to_owned(), false),
        (ARGON2ID.replace("c29t", "!!!!"), false),
    ] {
        let hasher = both();
        let keys = keys(&store(bad.as_str()), hasher);
        let refusal = block_on(keys.verify(TEXT)).unwrap_err();
        assert_eq!(refusal.reason(), DenyReason::BadStoredHash, "{bad}");
        let verdict = Argon2id::default().verify(TEXT.as_bytes(), &bad);
        if bad.starts_with("$argon2id") {
            assert_eq!(matches!(verdict, Err(HashError::TooCostly)), too_costly, "{bad}");
        }
    }
}
