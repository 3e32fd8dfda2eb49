//! `apikey check`

use serde_json::json;

use crate::fixture::{Folder, members};

#[test]
fn finds_no_problems_in_a_new_database() {
    let folder = Folder::new();
    folder.create(&["ci"]);
    for format in ["table", "plain"] {
        assert_eq!(folder.run(&["check", "--output", format]).done().stdout, "no problems found\n");
    }
    assert_eq!(folder.run(&["check", "--output", "json"]).done().json(), json!([]));
}

#[test]
fn reports_each_problem_with_its_fix() {
    let folder = Folder::new();
    folder.create(&["ci"]);
    folder.execute("UPDATE api_keys SET hashed_key = 'hmac-sha256$v=1$00'");
    for format in ["table", "plain"] {
        let run = folder.run(&["check", "--output", format]);
        assert_eq!(run.code, 1);
        assert!(run.stdout.starts_with("problem: 1 stored keys"), "{run:?}");
        assert!(run.stdout.contains("\n    fix: "), "{run:?}");
    }
    let run = folder.run(&["check", "--output", "json"]);
    assert_eq!((run.code, members(&run.json()[0])), (1, vec!["fix", "problem"]));
}
