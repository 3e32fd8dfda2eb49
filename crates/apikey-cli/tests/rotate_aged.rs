//! `apikey rotate --older-than`

use std::process::Stdio;

use crate::fixture::{Folder, Run, prefix};

/// Four keys that are a hundred days old, and a new one.
fn folder() -> (Folder, Vec<String>) {
    let folder = Folder::new();
    let keys = ["app-1", "app-2", "app-3", "web-1"].map(|name| folder.create(&[name]));
    make_old(&folder);
    folder.create(&["new"]);
    (folder, keys.iter().map(|key| prefix(key).to_owned()).collect())
}

fn make_old(folder: &Folder) {
    folder.execute(
        "UPDATE api_keys SET created_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-100 days')",
    );
}

fn rotate(folder: &Folder, more: &[&str]) -> Run {
    folder.run(&[&["rotate", "--older-than", "90d", "--grace", "7d"], more].concat())
}

fn count(folder: &Folder) -> String {
    folder.run(&["count"]).done().stdout
}

/// The predecessors in plain output.
fn predecessors(run: &Run) -> Vec<&str> {
    let mut prefixes: Vec<_> =
        run.stdout.lines().map(|line| line.split_once('\t').unwrap().0).collect();
    prefixes.sort_unstable();
    prefixes
}

#[test]
fn rotates_every_old_key_once_and_the_next_run_none() {
    let (folder, mut keys) = folder();
    let run = rotate(&folder, &[]).done();
    keys.sort_unstable();
    assert_eq!(predecessors(&run), keys);
    assert!(run.stderr.contains("rotated: 4; failed: 0; skipped: 0"), "{run:?}");
    for line in run.stdout.lines() {
        folder.feed(&["verify"], line.split_once('\t').unwrap().1.as_bytes()).done();
    }
    let again = rotate(&folder, &[]).done();
    assert_eq!(again.stdout, "");
    assert!(again.stderr.contains("skipped: 4 (4 with a successor"), "{again:?}");
    assert_eq!(count(&folder), "9\n");
}

#[test]
fn json_is_one_object_on_a_line() {
    let (folder, keys) = folder();
    let run = rotate(&folder, &["--output", "json"]).done();
    let objects: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 4);
    for (object, old) in objects.iter().zip(&keys) {
        assert_eq!(object["rotated_from"], *old, "oldest first");
        folder.feed(&["verify"], object["key"].as_str().unwrap().as_bytes()).done();
    }
}

#[test]
fn a_key_whose_successor_is_renamed_revoked_or_older_is_not_rotated_again() {
    let (folder, keys) = folder();
    folder.run(&["rotate", &keys[0], "--grace", "30d"]).done();
    folder.execute(&format!(
        "UPDATE api_keys SET name = 'other', revoked_at = created_at,
            created_at = '2001-01-01T00:00:00.000000Z' WHERE rotated_from = '{}'",
        keys[0]
    ));
    let run = rotate(&folder, &["--search", "app"]).done();
    assert!(!run.stdout.contains(&keys[0]), "{run:?}");
    assert!(run.stderr.contains("rotated: 2; failed: 0; skipped: 1 (1 with a"), "{run:?}");
}

/// Its client would be locked out when it ends.
#[test]
fn a_key_that_ends_within_the_grace_is_rotated() {
    let (folder, keys) = folder();
    folder.run(&["update", &keys[0], "--expires-in", "6d"]).done();
    let run = rotate(&folder, &[]).done();
    assert!(run.stdout.contains(&keys[0]), "{run:?}");
    assert!(run.stderr.contains("rotated: 4; failed: 0; skipped: 0"), "{run:?}");
}

/// Somebody who writes rows gives no orders to a terminal, nor lines to a script.
#[test]
fn a_prefix_that_others_wrote_is_no_line_of_the_output() {
    let (folder, keys) = folder();
    folder.execute(&format!(
        "UPDATE api_keys SET rotated_from = 'x' || char(10) || 'y' || char(9) || char(27) WHERE prefix = '{}'",
        keys[0]
    ));
    folder.execute(&format!(
        "UPDATE api_keys SET prefix = 'x' || char(10) || 'y' WHERE prefix = '{}'",
        keys[1]
    ));
    let run = rotate(&folder, &[]);
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{run:?}");
    assert!(run.stdout.lines().all(|line| line.split('\t').count() == 2), "{run:?}");
    assert!(
        run.stdout.lines().all(|line| keys.iter().any(|key| line.starts_with(&**key))),
        "{run:?}"
    );
}

#[test]
fn searches_and_passes_over_keys_that_are_not_active() {
    let (folder, keys) = folder();
    folder.run(&["revoke", &keys[0]]).done();
    folder.run(&["disable", &keys[1]]).done();
    let run = rotate(&folder, &["--search", "app"]).done();
    assert_eq!(predecessors(&run), [keys[2].as_str()]);
}

#[test]
fn a_dry_run_lists_the_keys_and_rotates_nothing() {
    let (folder, keys) = folder();
    let run = rotate(&folder, &["--dry-run"]).done();
    assert!(run.stderr.contains("would be rotated: 4"), "{run:?}");
    let listed: Vec<_> = run.stdout.lines().map(|line| &line[..8]).collect();
    assert_eq!(listed, keys);
    assert_eq!(count(&folder), "5\n");
}

#[test]
fn one_key_that_fails_does_not_stop_the_rest() {
    let (folder, keys) = folder();
    // A constraint of the application's own: the second key's successor has its name.
    folder.execute("CREATE UNIQUE INDEX refuses ON api_keys (name) WHERE name = 'app-2'");
    let run = rotate(&folder, &[]);
    assert_eq!((run.code, run.stdout.lines().count()), (1, 3), "{run:?}");
    assert!(run.stderr.contains(&format!("error: {}: ", keys[1])), "{run:?}");
    assert!(run.stderr.contains("the database rejected the key"), "{run:?}");
    assert!(run.stderr.contains("rotated: 3; failed: 1; skipped: 0"), "{run:?}");
    folder.execute("DROP INDEX refuses");
    assert_eq!(predecessors(&rotate(&folder, &[]).done()), [keys[1].as_str()]);
}

#[test]
fn an_interrupted_run_is_completed_by_the_next() {
    let (folder, mut keys) = folder();
    // The reader goes away after the first line, and the command with it.
    let mut command = folder.command(&["rotate", "--older-than", "90d"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let code = child.wait().unwrap().code();
    let first: u32 = count(&folder).trim_end().parse().unwrap();
    assert_eq!((code, first), (Some(1), 6), "one key was made that could not be printed");
    let run = rotate(&folder, &[]).done();
    keys.remove(0);
    keys.sort_unstable();
    assert_eq!(predecessors(&run), keys);
    assert_eq!(count(&folder), "9\n");
}

#[test]
fn two_runs_at_once_rotate_each_key_once() {
    let folder = Folder::new();
    let key = folder.create(&["app"]);
    folder.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
         INSERT INTO api_keys (prefix, hashed_key, name, created_at)
         SELECT printf('p%07d', i), hashed_key, name, created_at FROM n, api_keys",
    );
    make_old(&folder);
    let start = || {
        let mut command = folder.command(&["rotate", "--older-than", "90d", "--grace", "7d"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs = [start(), start(), start()].map(|child| child.wait_with_output().unwrap());
    let mut rotated: Vec<String> = Vec::new();
    for run in &runs {
        assert!(run.status.success(), "{run:?}");
        let text = String::from_utf8(run.stdout.clone()).unwrap();
        rotated.extend(text.lines().map(|line| line.split_once('\t').unwrap().0.to_owned()));
    }
    rotated.sort_unstable();
    let all = rotated.len();
    rotated.dedup();
    assert_eq!((all, rotated.len()), (61, 61), "{}", prefix(&key));
    assert_eq!(count(&folder), "122\n");
}
