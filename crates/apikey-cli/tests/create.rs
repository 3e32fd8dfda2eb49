//! `apikey create`

use std::fs::OpenOptions;

use apikey_core::chrono::{DateTime, Utc};

use crate::fixture::{Folder, MEMBERS, Run, members, prefix};

#[test]
fn creates_the_database_and_prints_the_key_alone() {
    let folder = Folder::empty();
    let run = folder.run(&["create", "reporting-service"]).done();
    let key = run.stdout.strip_suffix('\n').unwrap();
    assert_eq!(key.len(), 41);
    assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'), "{key}");
    assert!(!run.stderr.contains(key));
    assert!(run.stderr.contains("the only time"));
    folder.feed(&["verify", "-"], run.stdout.as_bytes()).done();
}

#[test]
fn prints_the_key_once_in_every_format() {
    let folder = Folder::empty();
    for format in ["table", "json", "plain"] {
        let run = folder.run(&["create", "ci", "--output", format]).done();
        let prefix = folder.run(&["list", "--limit", "1"]).done().stdout[..8].to_owned();
        let start = format!("{prefix}.");
        assert_eq!(run.stdout.matches(&start).count(), 1, "{run:?}");
        assert!(!run.stderr.contains(&start), "{run:?}");
    }
}

#[test]
fn a_table_has_the_key_on_a_line_of_its_own() {
    let run = Folder::empty().run(&["create", "ci", "--scope", "a", "--output", "table"]).done();
    let key = run.stdout.lines().find(|line| line.contains('.')).unwrap();
    assert_eq!(key.len(), 41);
    let prefix = prefix(key);
    assert!(run.stdout.starts_with(&format!("prefix     {prefix}\nname       ci\n")), "{run:?}");
}

#[test]
fn json_has_the_columns_the_status_and_the_key() {
    let folder = Folder::empty();
    let arguments = ["create", "ci", "--scope", "b", "--scope", "a", "--expires-at", "2100-01-31"];
    let created = folder.run(&[&arguments[..], &["--output", "json"]].concat()).done().json();
    let mut expected = Vec::from(MEMBERS);
    expected.insert(4, "key");
    assert_eq!(members(&created), expected);
    assert_eq!(created["name"], "ci");
    assert_eq!(created["scopes"], serde_json::json!(["a", "b"]));
    assert_eq!(created["expires_at"], "2100-01-31T00:00:00Z");
    assert_eq!(created["status"], "active");
    assert!(created["key"].as_str().unwrap().starts_with(created["prefix"].as_str().unwrap()));
}

#[test]
fn an_expiry_after_some_time_counts_from_now() {
    let folder = Folder::new();
    let now = Utc::now();
    let key = folder.create(&["ci", "--expires-in", "90d"]);
    let shown = folder.run(&["show", prefix(&key), "--output", "json"]).done().json();
    let expires_at: DateTime<Utc> = shown["expires_at"].as_str().unwrap().parse().unwrap();
    let late = (expires_at - now).num_seconds() - 90 * 24 * 3600;
    assert!((0..60).contains(&late), "{late}");
}

/// `3m` are three minutes and `3M` three months: whoever meant the other reads it at once.
#[test]
fn says_when_a_new_key_ends() {
    let folder = Folder::new();
    for (duration, seconds) in [("3m", 180), ("3M", 3 * 2_630_016)] {
        for format in ["table", "plain"] {
            let earliest = Utc::now();
            let run = folder.run(&["create", "ci", "--expires-in", duration, "--output", format]);
            let latest = Utc::now();
            let run = run.done();
            let said = run.stdout.clone() + &run.stderr;
            // It is said to the second, and the run may have taken some.
            let mut ends = (earliest.timestamp()..=latest.timestamp()).map(|now| {
                let end = DateTime::from_timestamp(now + seconds, 0).unwrap();
                end.format("%Y-%m-%d %H:%M:%SZ").to_string()
            });
            assert!(ends.any(|end| said.contains(&end)), "{run:?}");
            if format == "plain" {
                assert_eq!(run.stdout.len(), 42, "the key alone: {run:?}");
            }
        }
    }
    let run = folder.run(&["create", "ci"]).done();
    assert!(!run.stderr.contains("ends"), "{run:?}");
    let key = folder.create(&["ci", "--expires-at", "2100-01-31"]);
    let run = folder.run(&["rotate", prefix(&key)]).done();
    assert!(run.stderr.contains("The key ends at 2"), "{run:?}");
}

/// A scope may hold commas, so that nobody can tell later what was meant.
#[test]
fn several_scopes_in_one_are_refused_with_the_right_form() {
    let folder = Folder::new();
    let key = folder.create(&["old", "--scope", "a"]);
    folder.execute("UPDATE api_keys SET scopes = 'a,b c;d'");
    for scopes in ["reports:read,reports:write", "a, b", "a;b", "a b", " a", "a,", ",", ";", " "] {
        for command in [&["create", "ci"][..], &["update", prefix(&key)]] {
            let run = folder.run(&[command, &["--scope", "a", "--scope", scopes]].concat());
            run.fails(2, "--scope reports:read --scope reports:write");
        }
    }
    assert_eq!(folder.run(&["count"]).done().stdout, "1\n");
    let listed = folder.run(&["list"]).done().stdout;
    assert!(listed.contains("\ta,b c;d\t"), "those that are there are left alone: {listed}");
    folder.feed(&["verify"], key.as_bytes()).done();
    folder.run(&["update", prefix(&key), "--name", "new"]).done();
}

#[test]
fn a_brand_gives_the_key_its_format() {
    let folder = Folder::new();
    let key = folder.create(&["ci", "--brand", "acme_live"]);
    assert!(key.starts_with("acme_live_"), "{key}");
    assert_eq!(key.len(), 57);
    let mut command = folder.command(&["create", "ci"]);
    command.env("APIKEY_BRAND", "acme");
    assert!(Run::of(command).done().stdout.starts_with("acme_"));
}

const KEY: &str = "FbY8NwcU.eb4c0wrUGZECjUYrZUPet9Ee9txXOl0g";

#[test]
fn bad_values_are_wrong_usage_and_write_nothing() {
    let folder = Folder::new();
    let long = "x".repeat(10_000);
    for (arguments, reason) in [
        (&["create", ""][..], "a name is 1 to 200 characters"),
        (&["create", " "], "a name is 1 to 200 characters"),
        (&["create", "a\nb"], "without control characters"),
        (&["create", &long], "a name is 1 to 200 characters"),
        (&["create", KEY], "without the text of a key"),
        (&["create", "ci", "--scope", KEY], "the text of a key is no scope"),
        (&["create", "ci", "--expires-at", "2020-01-01"], "in the future"),
        (&["create", "ci", "--expires-in", "0s"], "in the future"),
        (&["create", "ci", "--expires-in", "9000y"], "before the year 10000"),
        (&["create", "ci", "--expires-in", "900000000y"], "the end of the calendar"),
        (&["create", "ci", "--expires-in", "90"], "a number and a unit"),
        (&["create", "ci", "--expires-at", "tomorrow"], "RFC 3339"),
        (&["create", "ci", "--expires-at", "2100-01-01T12:00:00"], "an offset"),
        (
            &["create", "ci", "--expires-in", "1d", "--expires-at", "2100-01-01"],
            "cannot be used with",
        ),
        (&["create", "ci", "--scope", "a b"], "--scope reports:read --scope"),
        (&["create", "ci", "--scope", "a\u{1b}[31m"], "is not a scope"),
        (&["create", "ci", "--scope", ""], "is not a scope"),
        (&["create", "ci", "--brand", "acme__live"], "a brand is"),
        (&["create"], "<NAME>"),
    ] {
        folder.run(arguments).fails(2, reason);
    }
    assert_eq!(folder.run(&["count"]).done().stdout, "0\n");
}

#[test]
fn says_which_key_to_revoke_if_it_cannot_be_printed() {
    let folder = Folder::new();
    let mut command = folder.command(&["create", "ci"]);
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        return; // Not on this system.
    };
    command.stdout(full);
    let run = Run::of(command);
    let prefix = folder.run(&["list"]).done().stdout[..8].to_owned();
    run.fails(1, &format!("`apikey revoke {prefix}`"));
}
