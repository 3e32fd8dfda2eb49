//! `apikey revoke`

use std::process::Stdio;

use crate::fixture::{Folder, prefix};

#[test]
fn a_revoked_key_is_refused() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    let run = folder.run(&["revoke", prefix(&key)]).done();
    assert!(run.stdout.starts_with(&format!("{}\trevoked\tci\t", prefix(&key))), "{run:?}");
    folder.feed(&["verify"], key.as_bytes()).fails(1, "the key is revoked");
}

#[test]
fn revoking_again_changes_nothing() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    let first = folder.run(&["revoke", prefix(&key), "--output", "json"]).done().json();
    assert!(first[0]["revoked_at"].is_string());
    assert_eq!(folder.run(&["revoke", prefix(&key), "--output", "json"]).done().json(), first);
}

#[test]
fn revokes_the_others_if_one_does_not_exist() {
    let folder = Folder::new();
    let keys = [folder.create(&["a"]), folder.create(&["b"])];
    let run = folder.run(&["revoke", prefix(&keys[0]), "unknown1", prefix(&keys[1])]);
    assert_eq!(run.code, 1);
    assert_eq!(run.stderr, "error: no key has the prefix \"unknown1\"\n");
    let revoked: Vec<_> = run.stdout.lines().map(|line| &line[..8]).collect();
    assert_eq!(revoked, [prefix(&keys[0]), prefix(&keys[1])]);
    assert_eq!(folder.run(&["count", "--status", "active"]).done().stdout, "0\n");
}

#[test]
fn revokes_even_if_nobody_reads_the_result() {
    let folder = Folder::new();
    let keys = [folder.create(&["a"]), folder.create(&["b"])];
    let mut command = folder.command(&["revoke", prefix(&keys[0]), prefix(&keys[1])]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(folder.run(&["count", "--status", "revoked"]).done().stdout, "2\n");
}

#[test]
fn wants_at_least_one_prefix() {
    Folder::new().run(&["revoke"]).fails(2, "<PREFIX>...");
}
