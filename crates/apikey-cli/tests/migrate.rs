//! `apikey migrate`

use serde_json::json;

use crate::fixture::Folder;

#[test]
fn creates_the_database_once() {
    let folder = Folder::empty();
    let run = folder.run(&["migrate"]).done();
    assert!(
        run.stdout.starts_with("applied ") && run.stdout.contains("create_api_keys"),
        "{run:?}"
    );
    assert!(folder.path("apikeys.db").is_file());
    for format in ["table", "plain"] {
        assert_eq!(folder.run(&["migrate", "--output", format]).done().stdout, "up to date\n");
    }
}

#[test]
fn json_lists_what_was_applied() {
    let folder = Folder::empty();
    let first = folder.run(&["migrate", "--output", "json"]).done().json();
    assert_eq!(first["applied"].as_array().unwrap().len(), 1);
    assert_eq!(
        folder.run(&["migrate", "--output", "json"]).done().json(),
        json!({ "applied": [] })
    );
}
