//! Argon2id, PBKDF2, scrypt and bcrypt in the strings that other implementations write.

use apikey_core::{Argon2id, Bcrypt, Pbkdf2, Scrypt};

use super::*;

/// Made by argon2-cffi 25.1, by Python's hashlib and by Python's bcrypt 5, of `TEXT`.
const ARGON2ID: &str = "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$QPnCPbsLxOWPzy2dewLX0hkoZJifcRKTLrXk8WfuGPk";
const PBKDF2: &str =
    "$pbkdf2-sha256$i=1000,l=32$c29tZXNhbHRzb21lc2FsdA$M8i3SifK/eTB16XNl0PsamskqyaIx60nAhH7AigxTx4";

const PBKDF2_SHA512: &str = "$pbkdf2-sha512$i=1000,l=64$c29tZXNhbHRzb21lc2FsdA$CH8CPHFpZePf/vQhc4PCNWjU4H/lAGlAIxPaHVp9PnZdQLFEOZBy3Nq+JE/INs7ArxnhWi7NmMbBrnotHUfk3w";
const SCRYPT: &str =
    "$scrypt$ln=10,r=8,p=2$c29tZXNhbHRzb21lc2FsdA$xF7J/GAOlYhqdi2Go15vnbjgD7ss7ts1vTOrfAu+jC8";
const BCRYPT: [&str; 3] = [
    "$2b$04$sdDzULanKQf0k/D97/Anq.h9aFytvmpiPAKiFoUARFBNq6FDhIXG.",
    "$2a$04$wdFTXLMmapk/wI.KWAjEkuCmeljyZPetVYDDNorOdPHHuftHfVt8e",
    "$2y$04$j71P5d6KamaP64fKKcoX8e8p5Ld/30T4OTBtNv9fmKgK0P2ZnULNm",
];

fn all() -> Hashers {
    Hashers::new(Sha256)
        .accept(Argon2id::default())
        .accept(Pbkdf2::default())
        .accept(Scrypt::default())
        .accept(Bcrypt)
}

#[test]
fn verifies_what_other_implementations_wrote_and_replaces_it() {
    for foreign in [ARGON2ID, PBKDF2, PBKDF2_SHA512, SCRYPT].into_iter().chain(BCRYPT) {
        let store = store(foreign);
        let keys = keys(&store, all());
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
        (SCRYPT.replace("ln=10", "ln=19"), true),
        (SCRYPT.replace("r=8", "r=9"), true),
        (SCRYPT.replace("p=2", "p=9"), true),
        (BCRYPT[0].replace("$04$", "$16$"), true),
        (ARGON2ID.replace("m=64", "m=99999999999999999999"), true),
        (ARGON2ID[..40].to_owned(), false),
        ("$argon2id$".to_owned(), false),
        (ARGON2ID.replace("c29t", "!!!!"), false),
    ] {
        let keys = keys(&store(bad.as_str()), all());
        let refusal = block_on(keys.verify(TEXT)).unwrap_err();
        assert_eq!(refusal.reason(), DenyReason::BadStoredHash, "{bad}");
        let verdict = Argon2id::default().verify(TEXT.as_bytes(), &bad);
        if bad.starts_with("$argon2id") {
            assert_eq!(matches!(verdict, Err(HashError::TooCostly)), too_costly, "{bad}");
        }
    }
}

/// A row with parameters of one's own, as each of them writes it, is left alone from the first use on.
#[test]
fn knows_its_own_parameters_before_it_hashes() {
    let pairs: [(&dyn KeyHasher, &dyn KeyHasher, &str); 3] = [
        (&Argon2id::default(), &Argon2id::default(), ARGON2ID),
        (&Pbkdf2::default(), &Pbkdf2::default(), PBKDF2),
        (&Scrypt::default(), &Scrypt::default(), SCRYPT),
    ];
    for (other, hasher, foreign) in pairs {
        assert!(hasher.needs_rehash(foreign), "{foreign}");
        assert!(!hasher.needs_rehash(other.hash(b"key").unwrap().as_str()), "{hasher:?}");
    }
}
