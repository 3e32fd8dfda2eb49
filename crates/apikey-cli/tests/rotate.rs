//! `apikey rotate`, of named keys

use std::fs::OpenOptions;

use apikey_core::chrono::{DateTime, Utc};

use crate::fixture::{Folder, MEMBERS, Run, members, prefix};

/// The seconds from now to the expiry of a key.
fn seconds_left(folder: &Folder, key: &str) -> i64 {
    let shown = folder.run(&["show", prefix(key), "--output", "json"]).done().json();
    let end: DateTime<Utc> = shown["expires_at"].as_str().unwrap().parse().unwrap();
    (end - Utc::now()).num_seconds()
}

#[test]
fn prints_the_new_key_alone_and_lets_the_old_one_work_for_a_day() {
    let folder = Folder::new();
    let old = folder.create(&["ci", "--scope", "a"]);
    let run = folder.run(&["rotate", prefix(&old)]).done();
    let new = run.stdout.strip_suffix('\n').unwrap();
    assert_eq!(new.len(), 41);
    assert!(run.stderr.contains("the only time") && !run.stderr.contains(new), "{run:?}");
    folder.feed(&["verify"], old.as_bytes()).done();
    folder.feed(&["verify"], new.as_bytes()).done();
    assert!((86_300..=86_400).contains(&seconds_left(&folder, &old)));
}

#[test]
fn json_has_the_old_prefix_the_new_one_and_the_key_on_one_line_each() {
    let folder = Folder::new();
    let keys = [folder.create(&["a", "--scope", "x"]), folder.create(&["b"])];
    let arguments = ["rotate", prefix(&keys[0]), prefix(&keys[1]), "--output", "json"];
    let run = folder.run(&arguments).done();
    assert_eq!(run.stderr, "");
    let mut expected = Vec::from(MEMBERS);
    expected.insert(4, "key");
    for (line, old) in run.stdout.lines().zip(&keys) {
        let new: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(members(&new), expected);
        assert_eq!(new["rotated_from"], prefix(old));
        assert!(new["key"].as_str().unwrap().starts_with(new["prefix"].as_str().unwrap()));
    }
    assert_eq!(run.stdout.lines().count(), 2);
}

#[test]
fn without_a_grace_the_old_key_ends_at_once() {
    let folder = Folder::new();
    let old = folder.create(&["ci"]);
    folder.run(&["rotate", prefix(&old), "--grace", "0s"]).done();
    folder.feed(&["verify"], old.as_bytes()).fails(1, "the key has expired");
}

#[test]
fn a_key_named_twice_is_rotated_once() {
    let folder = Folder::new();
    let old = folder.create(&["ci"]);
    let run = folder.run(&["rotate", prefix(&old), prefix(&old)]).done();
    assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
    assert_eq!(folder.run(&["count"]).done().stdout, "2\n");
}

#[test]
fn rotates_the_others_if_one_cannot_be() {
    let folder = Folder::new();
    let keys = [folder.create(&["a"]), folder.create(&["b"]), folder.create(&["c"])];
    folder.run(&["revoke", prefix(&keys[1])]).done();
    let prefixes: Vec<_> = keys.iter().map(|key| prefix(key)).collect();
    let run = folder.run(&["rotate", "unknown1", prefixes[0], prefixes[1], prefixes[2]]);
    assert_eq!((run.code, run.stdout.lines().count()), (1, 2), "{run:?}");
    let revoked = format!("error: {}: the key is revoked: only an active key", prefixes[1]);
    assert!(run.stderr.contains(&revoked), "{run:?}");
    assert!(run.stderr.contains("error: unknown1: no key has the prefix"), "{run:?}");
}

#[test]
fn a_brand_gives_the_new_key_its_format() {
    let folder = Folder::new();
    let old = folder.create(&["ci", "--brand", "acme"]);
    let prefix = old.split('_').nth(1).unwrap();
    let run = folder.run(&["rotate", prefix, "--brand", "acme"]).done();
    assert!(run.stdout.starts_with("acme_"), "{run:?}");
}

#[test]
fn bad_values_are_wrong_usage_and_rotate_nothing() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    let prefix = prefix(&key);
    for (arguments, reason) in [
        (&["rotate"][..], "<PREFIX>"),
        (&["rotate", prefix, "--grace", "1"], "a number and a unit"),
        (&["rotate", prefix, "--grace", "9000y"], "the end of the calendar"),
        (&["rotate", prefix, "--older-than", "90d"], "cannot be used with"),
        (&["rotate", prefix, "--dry-run"], "cannot be used with"),
        (&["rotate", prefix, "--search", "c"], "cannot be used with"),
        (&["rotate", "--dry-run"], "<PREFIX>"),
        (&["rotate", &key], "never give a whole key"),
    ] {
        folder.run(arguments).fails(2, reason);
    }
    assert_eq!(folder.run(&["count"]).done().stdout, "1\n");
}

#[test]
fn says_which_key_to_replace_if_it_cannot_be_printed_and_stops() {
    let folder = Folder::new();
    let keys = [folder.create(&["a"]), folder.create(&["b"])];
    let mut command = folder.command(&["rotate", prefix(&keys[0]), prefix(&keys[1])]);
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        return; // Not on this system.
    };
    command.stdout(full);
    let run = Run::of(command);
    let new = folder.run(&["list"]).done().stdout[..8].to_owned();
    run.fails(1, &format!("`apikey rotate {new} --grace 0s`"));
    assert_eq!(folder.run(&["count"]).done().stdout, "3\n");
}
