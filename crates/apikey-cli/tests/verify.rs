//! `apikey verify`

use crate::fixture::{Folder, MEMBERS, Run, members, prefix};

#[test]
fn a_good_key_is_shown_without_its_secret() {
    let folder = Folder::new();
    let key = folder.create(&["ci", "--scope", "a"]);
    let (prefix, secret) = key.split_once('.').unwrap();
    for format in ["table", "json", "plain"] {
        let run = folder.feed(&["verify", "-", "--output", format], key.as_bytes()).done();
        for part in [prefix, "ci", "active"] {
            assert!(run.stdout.contains(part), "{run:?}");
        }
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{run:?}");
    }
    let run = folder.feed(&["verify", "--output", "json"], key.as_bytes()).done();
    assert_eq!(members(&run.json()), MEMBERS);
}

#[test]
fn white_space_around_the_key_is_dropped() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    for text in [format!("{key}\n"), format!("{key}\r\n"), format!(" {key}\t\n\n")] {
        folder.feed(&["verify", "-"], text.as_bytes()).done();
    }
}

#[test]
fn says_what_is_wrong_with_a_key() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    let branded = folder.create(&["ci", "--brand", "acme"]);
    let (prefix, secret) = key.split_once('.').unwrap();
    let verify = |text: &str| folder.feed(&["verify", "-"], text.as_bytes());
    verify("").fails(1, "there is no key");
    verify("\r\n").fails(1, "there is no key");
    verify("hello").fails(1, "does not have the format of a key");
    verify(&key[..40]).fails(1, "does not have the format of a key");
    verify(&format!("{key}\n{key}")).fails(1, "does not have the format of a key");
    verify(&branded).fails(1, "--brand");
    verify(&"x".repeat(257)).fails(1, "longer than any key");
    verify(&"x".repeat(1_000_000)).fails(1, "longer than any key");
    verify(&format!("{key}{}", "\n".repeat(1_000_000))).fails(1, "longer than any key");
    verify(&format!("{key}{}{key}", " ".repeat(300))).fails(1, "longer than any key");
    verify(&format!("AAAAAAAA.{secret}")).fails(1, "no key has its prefix");
    verify(&format!("{prefix}.{}", "A".repeat(32))).fails(1, "another secret");
    let other = if &branded[20..21] == "A" { "B" } else { "A" };
    let swapped = format!("{}{other}{}", &branded[..20], &branded[21..]);
    folder.feed(&["verify", "--brand", "acme"], swapped.as_bytes()).fails(1, "checksum");
    folder.feed(&["verify", "-"], b"\xff\xfe\x00").fails(1, "does not have the format of a key");
}

#[test]
fn says_in_what_state_a_key_is() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    for (change, reason) in [
        ("disabled_at = created_at", "is disabled"),
        ("disabled_at = NULL, expires_at = '2020-01-01T00:00:00.000000Z'", "has expired"),
        ("revoked_at = created_at", "is revoked"),
        ("hashed_key = 'hmac-sha256$v=1$00'", "only the service has"),
        ("hashed_key = 'nonsense'", "is damaged"),
    ] {
        folder.execute(&format!("UPDATE api_keys SET {change}"));
        folder.feed(&["verify"], key.as_bytes()).fails(1, reason);
    }
}

#[test]
fn reads_branded_and_plain_keys_with_a_brand() {
    let folder = Folder::new();
    for key in [folder.create(&["ci"]), folder.create(&["ci", "--brand", "acme"])] {
        folder.feed(&["verify", "--brand", "acme"], key.as_bytes()).done();
    }
}

#[test]
fn leaves_the_hash_as_the_service_wrote_it() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    let sha512 = apikey_core::KeyHasher::hash(&apikey_core::Sha512, key.as_bytes()).unwrap();
    let is_sha512 = format!("UPDATE api_keys SET hashed_key = '{}'", sha512.as_str());
    folder.execute(&is_sha512);
    folder.feed(&["verify"], key.as_bytes()).done();
    folder.execute(
        "CREATE TABLE sees (n CHECK (n = 1));
         INSERT INTO sees SELECT count(*) FROM api_keys WHERE hashed_key LIKE 'sha512%'",
    );
}

#[test]
fn a_key_as_an_argument_is_refused_and_not_repeated() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    for arguments in [&["verify", &key][..], &["verify", "-", &key], &["verify", &key, &key]] {
        let run = folder.run(arguments);
        run.fails(2, "never given as an argument");
        assert!(!run.stderr.contains(prefix(&key)), "{run:?}");
    }
}

#[test]
fn an_empty_standard_input_is_refused() {
    let run = Run::of(Folder::new().command(&["verify"]));
    run.fails(1, "there is no key");
}
