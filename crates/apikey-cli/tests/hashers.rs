//! `apikey hashers`

use serde_json::json;

use crate::fixture::{Folder, members, prefix};

/// Three keys of SHA-256, one of them revoked, and one each of Argon2id and of what nobody reads here.
fn folder() -> Folder {
    let folder = Folder::new();
    let keys = ["a", "b", "c", "argon", "hmac", "odd"].map(|name| folder.create(&[name]));
    folder.run(&["revoke", prefix(&keys[2])]).done();
    for (key, hash) in keys[3..].iter().zip([
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA",
        "hmac-sha256$v=1$00",
        "plain text of a key",
    ]) {
        folder.execute(&format!(
            "UPDATE api_keys SET hashed_key = '{hash}', created_at = '2025-11-22T06:19:37.000000Z'
                WHERE prefix = '{}'",
            prefix(key)
        ));
    }
    folder
}

#[test]
fn a_table_has_a_line_for_each_hash_and_says_how_far_the_change_is() {
    let run = folder().run(&["hashers", "--output", "table"]).done();
    let lines: Vec<Vec<_>> = run
        .stdout
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect())
        .collect();
    assert_eq!(lines[0], ["HASH", "STATE", "KEYS", "LIVE", "SHARE", "NEWEST KEY"]);
    assert_eq!(lines[1][..5], ["sha256", "preferred", "3", "2", "40 %"]);
    let old = "2025-11-22 06:19:37Z";
    let argon2 = ["argon2id v=19 m=8,t=1,p=1", "accepted", "1", "1", "20 %", old];
    assert!(lines.contains(&argon2.to_vec()), "{run:?}");
    let hmac = ["hmac-sha256 v=1", "not configured", "1", "1", "20 %", old];
    assert!(lines.contains(&hmac.to_vec()), "{run:?}");
    assert!(lines.contains(&vec!["unknown", "unreadable", "1", "1", "20 %", old]), "{run:?}");
    assert_eq!(run.stderr, "2 of 5 live keys use the preferred hash (40 %)\n");
    assert!(!run.stdout.contains("plain text"), "nothing of a hash is printed: {run:?}");
}

#[test]
fn says_what_the_service_prefers() {
    let folder = folder();
    for (prefer, states, progress) in [
        ("argon2id", ["accepted", "preferred", "not configured"], "1 of 5"),
        ("hmac-sha256", ["accepted", "accepted", "preferred"], "1 of 5"),
        ("hmac-sha256 v=2", ["accepted", "accepted", "not configured"], "0 of 5"),
        ("argon2id v=19 m=9,t=1,p=1", ["accepted", "accepted", "not configured"], "0 of 5"),
        ("sha256", ["preferred", "accepted", "not configured"], "2 of 5"),
    ] {
        let run = folder.run(&["hashers", "--prefer", prefer]).done();
        for (hash, state) in ["sha256\t", "argon2id v=19", "hmac-sha256"].iter().zip(states) {
            let line = run.stdout.lines().find(|line| line.starts_with(hash)).unwrap();
            assert_eq!(line.split('\t').nth(1), Some(state), "{prefer}: {run:?}");
        }
        assert!(run.stderr.starts_with(progress), "{prefer}: {run:?}");
    }
    folder.run(&["hashers", "--prefer", "argon"]).fails(2, "a service can prefer sha256, ");
}

#[test]
fn json_has_the_sums_and_each_hash() {
    let run = folder().run(&["hashers", "--output", "json"]).done();
    let report = run.json();
    assert_eq!(members(&report), ["hashes", "live", "preferred"]);
    assert_eq!((&report["live"], &report["preferred"]), (&json!(5), &json!(2)));
    let hashes = report["hashes"].as_array().unwrap();
    assert_eq!(hashes.len(), 4);
    assert_eq!(members(&hashes[0]), ["hash", "keys", "live", "newest_created_at", "state"]);
    assert_eq!(run.stderr, "");
}

#[test]
fn an_empty_table_is_no_error() {
    let run = Folder::new().run(&["hashers"]).done();
    assert_eq!((&*run.stdout, &*run.stderr), ("", "0 of 0 live keys use the preferred hash (-)\n"));
}
