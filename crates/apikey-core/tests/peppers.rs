//! One pepper in all programs: the same file gives the same bytes, and a wrong one is noticed.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;

use apikey_core::{
    ApiKeys, DenyReason, Hashers, HmacSha256, KeyRecord, MemoryStore, Pepper, PepperError,
};
use futures::executor::block_on;
use tracing::Level;

use crate::log::Log;

#[path = "support/log.rs"]
mod log;

/// As `openssl rand -base64 32` prints it, but for the end of the line.
const TEXT: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

fn keys(store: &Arc<MemoryStore<KeyRecord>>, pepper: Pepper) -> ApiKeys {
    let hashers = Hashers::new(HmacSha256::new(pepper));
    ApiKeys::builder(Arc::clone(store)).hashers(hashers).build().unwrap()
}

#[test]
fn a_file_is_one_pepper_however_it_was_written() {
    let store = Arc::default();
    let service = keys(&store, Pepper::from_base64(1, TEXT).unwrap());
    let created = block_on(service.create("ci")).unwrap();
    let expected = Pepper::from_base64(1, TEXT).unwrap().fingerprint();
    for text in [
        format!("{TEXT}\n"),
        format!("{TEXT}\r\n"),
        format!(" {TEXT} \t"),
        format!("\u{feff}{TEXT}\r"),
        format!("{}\n{}\n", &TEXT[..20], &TEXT[20..]),
    ] {
        let pepper = Pepper::from_base64(1, &text).unwrap();
        assert_eq!(pepper.fingerprint(), expected, "{text:?}");
        let command = keys(&store, pepper);
        block_on(command.verify(created.plaintext.expose())).unwrap();
    }
}

#[test]
fn what_is_no_pepper_is_refused() {
    for text in [
        "",
        "\n",
        "not base64, but long enough to be a pepper",
        "q83v!SNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=",
    ] {
        let refused = Pepper::from_base64(1, text).unwrap_err();
        assert!(matches!(refused, PepperError::NotBase64 | PepperError::TooShort), "{text}");
        assert!(text.trim().is_empty() || !refused.to_string().contains(text), "{refused}");
    }
    let refused = Pepper::from_base64(1, "q83vASNFZ4mrze8BI0VniQ==").unwrap_err();
    assert_eq!(refused, PepperError::TooShort);
}

#[test]
fn a_fingerprint_depends_on_all_of_a_pepper() {
    let of = |version, bytes: &[u8]| Pepper::new(version, bytes).unwrap().fingerprint();
    let (decoded, text) = (Pepper::from_base64(1, TEXT).unwrap().fingerprint(), TEXT.as_bytes());
    let all = [decoded, of(1, text), of(2, text), of(1, &[text, b"\n"].concat())];
    for (number, one) in all.iter().enumerate() {
        assert_eq!(one.len(), 8);
        assert!(!all[number + 1..].contains(one), "{all:?}");
    }
    let debug = format!("{:?}", Pepper::from_base64(1, TEXT).unwrap());
    assert_eq!(debug, "Pepper(version 1, redacted)");
}

#[test]
fn a_line_that_is_taken_with_its_end_is_told() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        Pepper::new(7, format!("{TEXT}\n")).unwrap();
        Pepper::new(7, TEXT).unwrap();
        let random = [0xab, 0x00, 0xff, 0x7f].repeat(8);
        Pepper::new(7, [&random, &b"\n"[..]].concat()).unwrap();
        Pepper::from_base64(7, format!("{TEXT}\n")).unwrap();
    });
    let events = log.take();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].0, Level::WARN);
    assert!(events[0].1.contains("version=7") && !events[0].1.contains(TEXT), "{events:?}");
}

/// Returns the warnings that a handle gives while these keys are used.
fn warnings(keys: &ApiKeys, texts: &[&str]) -> Vec<String> {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        for text in texts {
            drop(block_on(keys.verify(text)));
        }
    });
    log.take()
        .into_iter()
        .filter(|(level, _)| *level == Level::WARN)
        .map(|(_, text)| text)
        .collect()
}

#[test]
fn a_pepper_that_no_key_fits_is_told_once() {
    let store = Arc::default();
    let command = keys(&store, Pepper::new(1, format!("{TEXT}\n")).unwrap());
    let created = [1, 2, 3, 4].map(|n| block_on(command.create(format!("key {n}"))).unwrap());
    let texts = created.each_ref().map(|created| created.plaintext.expose());

    let service = keys(&store, Pepper::new(1, TEXT).unwrap());
    let refused = block_on(service.verify(texts[0])).unwrap_err();
    assert_eq!(refused.reason(), DenyReason::WrongSecret);
    // One key again and again proves nothing, whoever sends it.
    assert_eq!(warnings(&service, &[texts[0], texts[0], texts[0], texts[1]]), [""; 0]);
    let told = warnings(&service, &[texts[2], texts[3], texts[0]]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("version=1") && told[0].contains("fingerprint"), "{told:?}");
    assert!(texts.iter().all(|text| !told[0].contains(&text[9..])), "{told:?}");
}

#[test]
fn wrong_secrets_beside_a_good_key_are_no_sign() {
    let store = Arc::default();
    let keys = keys(&store, Pepper::from_base64(1, TEXT).unwrap());
    let created = [1, 2, 3, 4].map(|n| block_on(keys.create(format!("key {n}"))).unwrap());
    let good = created[0].plaintext.expose();
    let wrong = created.each_ref().map(|created| format!("{}{}", &created.key.prefix, &good[8..]));
    assert_eq!(warnings(&keys, &[good, &wrong[1], &wrong[2], &wrong[3]]), [""; 0]);
}
