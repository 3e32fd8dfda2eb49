//! `apikey purge`

use crate::fixture::{Folder, prefix};

const LONG_AGO: &str = "2020-01-31T00:00:00.000000Z";

/// Keys of every state, of which three have ended long ago.
fn folder() -> Folder {
    let folder = Folder::new();
    for name in ["active", "expired", "revoked", "disabled", "disabled-expired", "just-revoked"] {
        folder.create(&[name]);
    }
    for change in [
        format!("expires_at = '{LONG_AGO}' WHERE name IN ('expired', 'disabled-expired')"),
        format!("revoked_at = '{LONG_AGO}' WHERE name = 'revoked'"),
        format!("disabled_at = '{LONG_AGO}' WHERE name IN ('disabled', 'disabled-expired')"),
    ] {
        folder.execute(&format!("UPDATE api_keys SET {change}"));
    }
    let revoked = folder.run(&["list", "--search", "just-revoked"]).done().stdout;
    folder.run(&["revoke", &revoked[..8]]).done();
    folder
}

fn names(folder: &Folder) -> Vec<String> {
    let list = folder.run(&["list"]).done().stdout;
    let mut names: Vec<_> =
        list.lines().map(|line| line.split('\t').nth(2).unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn deletes_what_ended_long_ago_and_nothing_else() {
    let folder = folder();
    let run = folder.run(&["purge"]).done();
    assert_eq!(run.stdout, "3\n");
    assert!(run.stderr.contains("and were deleted: 3"), "{run:?}");
    assert_eq!(names(&folder), ["active", "disabled", "just-revoked"]);
    assert_eq!(folder.run(&["purge"]).done().stdout, "0\n");
}

#[test]
fn a_dry_run_counts_the_same_and_deletes_nothing() {
    let folder = folder();
    let run = folder.run(&["purge", "--dry-run"]).done();
    assert_eq!(run.stdout, "3\n");
    assert!(run.stderr.contains("would be deleted"), "{run:?}");
    assert_eq!(names(&folder).len(), 6);
}

#[test]
fn without_a_retention_a_key_may_go_as_soon_as_it_has_ended() {
    let folder = folder();
    assert_eq!(folder.run(&["purge", "--retention", "0s", "--dry-run"]).done().stdout, "4\n");
    assert_eq!(folder.run(&["purge", "--retention", "0s"]).done().stdout, "4\n");
    assert_eq!(names(&folder), ["active", "disabled"]);
}

#[test]
fn deletes_more_than_one_batch() {
    let folder = Folder::new();
    let key = folder.create(&["old"]);
    folder.execute(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
         INSERT INTO api_keys (prefix, hashed_key, name, created_at, revoked_at)
         SELECT printf('p%07d', i), hashed_key, name, created_at, '{LONG_AGO}' FROM n, api_keys"
    ));
    assert_eq!(folder.run(&["purge", "--dry-run"]).done().stdout, "1200\n");
    assert_eq!(folder.run(&["purge"]).done().stdout, "1200\n");
    assert!(folder.run(&["list"]).done().stdout.starts_with(prefix(&key)));
}

#[test]
fn bad_retentions_are_wrong_usage() {
    let folder = folder();
    folder.run(&["purge", "--retention", "30"]).fails(2, "a number and a unit");
    for far in ["9000y", "2100y"] {
        folder.run(&["purge", "--retention", far]).fails(2, "the end of the calendar");
    }
    assert_eq!(names(&folder).len(), 6);
}

#[test]
fn one_key_is_deleted_once_it_has_ended() {
    let folder = folder();
    let prefix_of =
        |name: &str| folder.run(&["list", "--search", name]).done().stdout[..8].to_owned();
    let (active, revoked) = (prefix_of("active"), prefix_of("just-revoked"));
    folder.run(&["purge", &active]).fails(1, "has not ended: revoke it first");
    let run = folder.run(&["purge", &revoked]).done();
    assert_eq!(run.stderr, format!("deleted: {revoked}\n"));
    folder.run(&["purge", &revoked]).fails(1, "no key has the prefix");
    folder.run(&["purge", &active, "--dry-run"]).fails(2, "cannot be used with");
    assert_eq!(names(&folder).len(), 5, "the others stay");
}
