//! `apikey update`

use serde_json::{Value, json};

use crate::fixture::{Folder, prefix};

fn updated(folder: &Folder, prefix: &str, changes: &[&str]) -> Value {
    folder.run(&[&["update", prefix, "--output", "json"], changes].concat()).done().json()
}

#[test]
fn changes_what_is_named_and_nothing_else() {
    let folder = Folder::new();
    let key = folder.create(&["old", "--scope", "a", "--expires-at", "2100-01-31"]);
    let prefix = prefix(&key);
    let before = folder.run(&["show", prefix, "--output", "json"]).done().json();
    for (changes, column, value) in [
        (&["--name", "new"][..], "name", json!("new")),
        (&["--scope", "c", "--scope", "b"], "scopes", json!(["b", "c"])),
        (&["--no-scopes"], "scopes", json!([])),
        (
            &["--expires-at", "2101-01-31T01:00:00+01:00"],
            "expires_at",
            json!("2101-01-31T00:00:00Z"),
        ),
        (&["--never-expires"], "expires_at", Value::Null),
    ] {
        let mut expected = folder.run(&["show", prefix, "--output", "json"]).done().json();
        expected[column] = value;
        assert_eq!(updated(&folder, prefix, changes), expected, "{changes:?}");
        assert_eq!(folder.run(&["show", prefix, "--output", "json"]).done().json(), expected);
    }
    let after = folder.run(&["show", prefix, "--output", "json"]).done().json();
    assert_eq!((&after["id"], &after["created_at"]), (&before["id"], &before["created_at"]));
    folder.feed(&["verify"], key.as_bytes()).done();
}

#[test]
fn changes_several_things_at_once() {
    let folder = Folder::new();
    let key = folder.create(&["old", "--scope", "a"]);
    let changes = ["--name", "new", "--no-scopes", "--expires-in", "7d"];
    let updated = updated(&folder, prefix(&key), &changes);
    assert_eq!((&updated["name"], &updated["scopes"]), (&json!("new"), &json!([])));
    assert!(updated["expires_at"].is_string());
}

#[test]
fn wrong_changes_change_nothing() {
    let folder = Folder::new();
    let key = folder.create(&["ci", "--scope", "a"]);
    let prefix = prefix(&key);
    let before = folder.run(&["show", prefix]).done().stdout;
    for (changes, reason) in [
        (&[][..], "--name <NAME>"),
        (&["--name", ""], "a name is"),
        (&["--name", &key], "without the text of a key"),
        (&["--scope", &key], "the text of a key is no scope"),
        (&["--name", "new", "--scope", "a b"], "one scope to each --scope"),
        (&["--name", "new", "--scope", "a\"b"], "is not a scope"),
        (&["--name", "new", "--expires-at", "2020-01-01"], "in the future"),
        (&["--scope", "a", "--no-scopes"], "cannot be used with"),
        (&["--expires-in", "1d", "--never-expires"], "cannot be used with"),
        (&["--expires-at", "2100-01-01", "--never-expires"], "cannot be used with"),
        (&["--expires-at", "2100-01-01", "--expires-in", "1d"], "cannot be used with"),
    ] {
        folder.run(&[&["update", prefix], changes].concat()).fails(2, reason);
        assert_eq!(folder.run(&["show", prefix]).done().stdout, before, "{changes:?}");
    }
}

#[test]
fn an_unknown_prefix_is_not_found() {
    Folder::new().run(&["update", "k3Xp9QaB", "--name", "ci"]).fails(1, "no key has the prefix");
}
