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

#[test]
fn a_table_that_cannot_do_is_reported_with_the_statement_that_helps() {
    let folder = Folder::new();
    let up = crate::migration::sql("sqlite", "api_keys").0;
    for (part, instead, problem, fix) in [
        (
            "COLLATE BINARY",
            "COLLATE NOCASE",
            "prefix does not tell upper from lower case",
            "COLLATE BINARY",
        ),
        ("UNIQUE", "", "prefix is not unique", "CREATE UNIQUE INDEX"),
        (
            ",\n    last_used_at TEXT",
            "",
            "has no column last_used_at",
            "`apikey migration --backend",
        ),
    ] {
        folder.execute(&format!("DROP TABLE api_keys; {}", up.replace(part, instead)));
        let run = folder.run(&["check"]);
        assert_eq!(run.code, 1, "{run:?}");
        let (said, helps) = run.stdout.split_once("\n    fix: ").unwrap();
        assert!(said.starts_with("problem: ") && said.contains(problem), "{run:?}");
        assert!(helps.contains(fix), "{run:?}");
    }
}

/// Without the column of hashes these cannot be looked at; the fixture would take its name for a hash.
#[test]
fn a_missing_column_of_hashes_is_reported_and_no_failure() {
    let folder = Folder::new();
    folder.execute("ALTER TABLE api_keys DROP COLUMN hashed_key");
    let output = folder.command(&["check"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.starts_with("problem: the table api_keys has no column hashed_key"), "{stdout}");
}
