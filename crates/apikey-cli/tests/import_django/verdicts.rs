//! What an import brings: the keys, and the verdicts on them.

use serde_json::{Value, json};

use super::{DATABASE, KEYS, assert_verdicts, folder, import};

#[test]
fn every_key_of_django_is_let_in_or_not_as_django_does() {
    let folder = folder();
    let run = import(&folder, &["--output", "json"]).done();
    let report = run.json();
    let expected = json!({
        "dry_run": false, "read": 30, "imported": 30, "already_there": 0, "revoked": 0, "refused": 0, "without_prefix": 0,
        "states": { "active": 18, "disabled": 0, "expired": 5, "revoked": 7 },
        "hashes": {
            "argon2": 3, "bcrypt": 3, "bcrypt_sha256": 3, "pbkdf2_sha1": 3, "pbkdf2_sha256": 3,
            "scrypt": 3, "sha512": 12
        },
        "prefix_lengths": { "8": 30 }, "refusals": [], "differences": []
    });
    assert_eq!(report, expected);
    assert!(run.stderr.contains("30 keys have hashes that Django wrote"), "{run:?}");
    assert!(run.stderr.contains("`Hashers::new(Sha256).accept(Django::default())`"), "{run:?}");
    let url = format!("sqlite://{}", folder.path("apikeys.db").display());
    assert_verdicts(&url);
    assert_eq!(
        std::fs::read(folder.path("db.sqlite3")).unwrap(),
        DATABASE,
        "Django's is untouched"
    );
    folder.run(&["check"]).done();
}

#[test]
fn names_and_times_are_copied() {
    let folder = folder();
    import(&folder, &[]).done();
    let key = folder.run(&["show", "pCqcthWz", "--output", "json"]).done().json();
    assert_eq!((&key["name"], &key["status"]), (&json!("Ünïcode – client"), &json!("expired")));
    assert_eq!(key["created_at"], "2026-11-22T04:50:22.901046Z");
    assert_eq!(key["expires_at"], "2026-10-28T04:50:22.900545Z");
    assert_eq!((&key["revoked_at"], &key["scopes"]), (&Value::Null, &json!([])));
    let key = folder.run(&["show", "riVFrg29", "--output", "json"]).done().json();
    assert_eq!(key["name"], "a".repeat(50));
}

#[test]
fn the_command_verifies_and_counts_what_it_imported() {
    let folder = folder();
    import(&folder, &[]).done();
    let known: Value = serde_json::from_str(KEYS).unwrap();
    let usable = known["keys"].as_array().unwrap().iter().find(|key| key["usable"] == true);
    folder.feed(&["verify"], usable.unwrap()["key"].as_str().unwrap().as_bytes()).done();
    let hashes = folder.run(&["hashers"]).done().stdout;
    assert!(hashes.starts_with("sha512\taccepted\t12\t"), "{hashes}");
    assert!(hashes.contains("\nbcrypt_sha256 2b 12\taccepted\t3\t"), "{hashes}");
    assert!(hashes.contains("\nscrypt 16384\taccepted\t3\t"), "{hashes}");
}

#[test]
fn plain_and_table_have_a_line_for_each_number() {
    let run = import(&folder(), &[]).done();
    assert!(run.stdout.starts_with("read\t30\nimported\t30\nactive\t18\ndisabled\t0\n"), "{run:?}");
    assert!(run.stdout.contains("\nargon2\t3\n"), "{run:?}");
    let run = import(&folder(), &["--output", "table"]).done();
    let words: Vec<_> = run.stdout.split_whitespace().collect();
    assert!(words.starts_with(&["KEYS", "read", "30", "imported", "30"]), "{run:?}");
}
