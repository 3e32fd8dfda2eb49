//! `apikey list`

use std::io::Read;
use std::process::Stdio;

use crate::fixture::{Folder, MEMBERS, Run, members, prefix};

#[test]
fn lists_the_newest_first_in_json() {
    let folder = Folder::new();
    for name in ["first", "second"] {
        folder.create(&[name]);
    }
    let list = folder.run(&["list", "--output", "json"]).done().json();
    let names: Vec<_> = list.as_array().unwrap().iter().map(|key| &key["name"]).collect();
    assert_eq!(names, ["second", "first"]);
    assert_eq!(members(&list[0]), MEMBERS);
}

#[test]
fn plain_has_the_documented_columns_between_tabs() {
    let folder = Folder::new();
    let key = folder.create(&["ci", "--scope", "b", "--scope", "a", "--expires-at", "2100-01-31"]);
    let run = folder.run(&["list"]).done();
    let columns: Vec<_> = run.stdout.trim_end().split('\t').collect();
    let created_at = columns[4];
    assert_eq!(columns[..4], [prefix(&key), "active", "ci", "a b"]);
    assert_eq!(columns[5..], ["2100-01-31T00:00:00Z", "-"]);
    assert_eq!((created_at.len(), created_at.as_bytes()[19]), (20, b'Z'));
}

#[test]
fn no_keys_are_an_empty_list() {
    let folder = Folder::new();
    let run = folder.run(&["list", "--output", "json"]).done();
    assert_eq!((run.json(), run.stderr.as_str()), (serde_json::json!([]), "no such keys\n"));
    for format in ["table", "plain"] {
        assert_eq!(folder.run(&["list", "--output", format]).done().stdout, "");
    }
}

#[test]
fn a_table_fits_a_terminal() {
    let folder = Folder::new();
    let scopes = ["--scope", "reports:read", "--scope", "reports:write", "--scope", "x:y"];
    let arguments = [
        &["a name that is much longer than a terminal is wide, 日本語", "--expires-in", "90d"],
        &scopes[..],
    ];
    folder.create(&arguments.concat());
    let plain = folder.run(&["list"]).done().stdout;
    let expiry = plain.split('\t').nth(5).unwrap().replace('T', " ");
    folder.create(&["ci"]);
    for width in ["60", "80", "100", "120", "160"] {
        let mut command = folder.command(&["list", "--output", "table"]);
        command.env("COLUMNS", width);
        let run = Run::of(command).done();
        assert_eq!(run.stdout.lines().count(), 3, "{run:?}");
        let longest = run.stdout.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= width.parse().unwrap(), "{width}: {run:?}");
        assert_eq!(run.stdout.contains("CREATED"), longest > 100, "{run:?}");
        assert!(run.stdout.contains(&expiry), "the expiry is never cut: {run:?}");
    }
}

#[test]
fn selects_by_status_and_text() {
    let folder = Folder::new();
    let revoked = folder.create(&["report-old"]);
    folder.run(&["revoke", prefix(&revoked)]).done();
    folder.create(&["report-expired"]);
    folder.execute("UPDATE api_keys SET expires_at = '2020-01-01T00:00:00.000000Z' WHERE name = 'report-expired'");
    folder.create(&["report-disabled"]);
    folder.execute("UPDATE api_keys SET disabled_at = created_at WHERE name = 'report-disabled'");
    let active = folder.create(&["report-new"]);
    folder.create(&["other"]);
    for (arguments, names) in [
        (&["--status", "active"][..], &["other", "report-new"][..]),
        (&["--status", "expired"], &["report-expired"]),
        (&["--status", "disabled"], &["report-disabled"]),
        (&["--status", "revoked"], &["report-old"]),
        (&["--search", "report-", "--status", "active"], &["report-new"]),
        (&["--search", prefix(&active)], &["report-new"]),
        (&["--search", "new"], &[]),
    ] {
        let run = folder.run(&[&["list"], arguments].concat()).done();
        let listed: Vec<_> =
            run.stdout.lines().map(|line| line.split('\t').nth(2).unwrap()).collect();
        assert_eq!(listed, names, "{arguments:?}");
    }
    folder.run(&["list", "--status", "lost"]).fails(2, "[possible values: active, expired");
}

#[test]
fn says_that_there_are_more() {
    let folder = Folder::new();
    for _ in 0..3 {
        folder.create(&["ci"]);
    }
    let run = folder.run(&["list", "--limit", "2"]).done();
    assert_eq!((run.stdout.lines().count(), run.stderr.contains("more")), (2, true), "{run:?}");
    for whole in [&["list", "--limit", "3"][..], &["list", "--all"], &["list"]] {
        let run = folder.run(whole).done();
        assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (3, ""), "{whole:?}");
    }
    folder.run(&["list", "--limit", "0"]).fails(2, "--limit");
    folder.run(&["list", "--limit", "1", "--all"]).fails(2, "cannot be used with");
}

#[test]
fn goes_through_all_pages() {
    let folder = many(2500);
    assert_eq!(folder.run(&["list"]).done().stdout.lines().count(), 100);
    assert_eq!(folder.run(&["list", "--limit", "1700"]).done().stdout.lines().count(), 1700);
    let all = folder.run(&["list", "--all", "--output", "json"]).done().json();
    let mut ids: Vec<_> =
        all.as_array().unwrap().iter().map(|key| key["id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, Vec::from_iter(1..=2500));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = many(2500);
    let mut command = folder.command(&["list", "--all"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn names_that_others_wrote_cannot_steer_the_terminal() {
    let folder = Folder::new();
    folder.create(&["ci"]);
    folder.execute(
        "UPDATE api_keys SET name = 'a' || char(27) || '[31m' || char(10) || char(9) || 'b'",
    );
    for format in ["table", "plain"] {
        let run = folder.run(&["list", "--output", format]).done();
        assert!(run.stdout.contains("a\\u{1b}[31m\\n\\tb"), "{run:?}");
    }
}

/// A database with so many keys, without hashing each.
fn many(number: u32) -> Folder {
    let folder = Folder::new();
    folder.execute(&format!(
        "INSERT INTO api_keys (prefix, hashed_key, name, created_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number})
         SELECT printf('%08d', i), 'sha256$$' || hex(randomblob(32)), 'name ' || i,
                '2026-01-01T00:00:00.000000Z' FROM n"
    ));
    folder
}
