//! Known answers, computed apart from this project: key texts, checksums and stored hashes.

#![expect(clippy::unwrap_used, reason = "a broken vector fails the test")]

use apikey_core::{HmacSha256, KeyFormat, KeyHasher, ParseKeyError, Pepper, Sha256, Sha512};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/keys.json")).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// The layout that a vector was made with.
fn format_of(key: &Value) -> KeyFormat {
    let (prefix, secret) = (key["prefix"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let format = match key["brand"].as_str() {
        Some(brand) => KeyFormat::branded(brand).unwrap(),
        None => KeyFormat::default(),
    };
    format.lengths(prefix.len(), secret.len()).unwrap()
}

#[test]
fn parses_every_known_key() {
    for key in vectors()["keys"].as_array().unwrap() {
        let text = key["text"].as_str().unwrap();
        assert_eq!(format_of(key).prefix_of(text.as_bytes()), Ok(key["prefix"].as_str().unwrap()));
    }
}

#[test]
fn refuses_every_known_key_with_one_character_changed() {
    for key in vectors()["keys"].as_array().unwrap() {
        let (format, text) = (format_of(key), key["text"].as_str().unwrap());
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            let verdict = format.prefix_of(&changed);
            // Without a checksum, another prefix or secret is another key: only the separator counts.
            assert_eq!(verdict.is_err(), format.brand().is_some() || text.as_bytes()[at] == b'.');
        }
    }
}

#[test]
fn pads_checksums_with_zeros() {
    let format = KeyFormat::branded("ak").unwrap();
    for padded in vectors()["padded_checksums"].as_array().unwrap() {
        let text = padded["text"].as_str().unwrap();
        assert!(format.prefix_of(text.as_bytes()).is_ok(), "{text}");
        assert_eq!(
            format.prefix_of(text.replace("x0", "x1").as_bytes()),
            Err(ParseKeyError::Checksum)
        );
    }
}

#[test]
fn stores_and_verifies_every_known_hash() {
    let vectors = vectors();
    let pepper = |version: u32| {
        let bytes = unhex(vectors["peppers"][version.to_string()].as_str().unwrap());
        Pepper::new(version, bytes).unwrap()
    };
    let hashers: [(&str, Box<dyn KeyHasher>); 4] = [
        ("sha256", Box::new(Sha256)),
        ("sha512", Box::new(Sha512)),
        ("hmac_sha256_v1", Box::new(HmacSha256::new(pepper(1)))),
        ("hmac_sha256_v2", Box::new(HmacSha256::new(pepper(2)))),
    ];
    for key in vectors["keys"].as_array().unwrap() {
        let text = key["text"].as_str().unwrap().as_bytes();
        for (name, hasher) in &hashers {
            let stored = key[name].as_str().unwrap();
            assert_eq!(hasher.hash(text).unwrap().as_str(), stored);
            assert!(hasher.verify(text, stored).unwrap());
            assert!(!hasher.verify(&text[1..], stored).unwrap());
        }
    }
}
