//! A row that cannot be read: every command goes on past it, and says so.

use serde_json::json;

use crate::fixture::{Folder, prefix};

/// Three keys, of which the second is damaged; returns its prefix.
fn folder() -> (Folder, String, Vec<String>) {
    let folder = Folder::new();
    let keys: Vec<_> = ["one", "bad", "two"].iter().map(|name| folder.create(&[name])).collect();
    let bad = prefix(&keys[1]).to_owned();
    folder.execute(&format!("UPDATE api_keys SET scopes = 'a\"b' WHERE prefix = '{bad}'"));
    (folder, bad, keys)
}

#[test]
fn list_shows_the_others_and_names_it() {
    let (folder, bad, _) = folder();
    let run = folder.run(&["list"]).done();
    let names: Vec<_> = run.stdout.lines().map(|line| line.split('\t').nth(2).unwrap()).collect();
    assert_eq!(names, ["two", "one"]);
    let warning = format!("warning: a row cannot be read: key \"{bad}\": the column scopes: ");
    assert!(run.stderr.contains(&warning), "{run:?}");
    let fix = format!("fix: UPDATE api_keys SET scopes = '' WHERE prefix = '{bad}'\n");
    assert!(run.stderr.contains(&fix), "{run:?}");

    let list = folder.run(&["list", "--output", "json"]).done().json();
    assert_eq!(list.as_array().unwrap().len(), 3);
    assert_eq!((&list[2]["prefix"], &list[2]["status"]), (&json!(bad), &json!("unreadable")));
    let one = folder.run(&["list", "--limit", "1", "--search", &bad]).done();
    assert_eq!(one.stdout, "");
    assert!(!one.stderr.contains("no such keys"), "{one:?}");
}

#[test]
fn show_says_what_is_wrong_with_it() {
    let (folder, bad, _) = folder();
    folder.run(&["show", &bad]).fails(1, "the column scopes");
    let run = folder.run(&["show", &bad, "--output", "json"]);
    assert_eq!((run.code, &run.json()["status"]), (1, &json!("unreadable")));
}

#[test]
fn it_is_ended_beside_others_and_purged() {
    let (folder, bad, keys) = folder();
    let run = folder.run(&["revoke", &bad, prefix(&keys[0])]).done();
    assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
    assert!(run.stderr.contains(&format!("done all the same: {bad}")), "{run:?}");
    folder.run(&["disable", &bad]).done();
    let run = folder.run(&["enable", &bad, prefix(&keys[2])]);
    assert_eq!((run.code, run.stdout.lines().count()), (1, 1), "{run:?}");
    let refused = folder.feed(&["verify"], keys[1].as_bytes());
    refused.fails(1, "its row cannot be read");

    let dry = folder.run(&["purge", "--retention", "0s", "--dry-run"]).done();
    assert_eq!(dry.stdout, "1\n");
    assert!(dry.stderr.contains("not counted, since they cannot be read: 1"), "{dry:?}");
    folder.run(&["purge", &bad]).done();
    assert_eq!(folder.run(&["count"]).done().stdout, "2\n");
}

#[test]
fn what_goes_through_all_keys_goes_on_past_it() {
    let (folder, bad, _) = folder();
    folder.execute("UPDATE api_keys SET created_at = '2020-01-01T00:00:00.000000Z'");
    let run = folder.run(&["hashers"]).done();
    assert!(run.stdout.contains("sha256"), "{run:?}");
    assert_eq!(folder.run(&["count"]).done().stdout, "3\n");
    let run = folder.run(&["check"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains(&format!("key \"{bad}\"")), "{run:?}");
    for more in [&["--dry-run"][..], &[]] {
        let run = folder.run(&[&["rotate", "--older-than", "90d"], more].concat()).done();
        assert_eq!(run.stdout.lines().count(), 2, "{run:?}");
        assert!(run.stderr.contains(&bad), "{run:?}");
        assert!(run.stderr.contains("cannot be read: 1"), "{run:?}");
    }
}

#[test]
fn the_repair_that_is_printed_repairs_it() {
    let (folder, bad, keys) = folder();
    let run = folder.run(&["check", "--output", "json"]);
    folder.execute(run.json()[0]["fix"].as_str().unwrap());
    assert_eq!(folder.run(&["check"]).done().stdout, "no problems found\n");
    folder.feed(&["verify"], keys[1].as_bytes()).done();
    folder.run(&["show", &bad]).done();
}
