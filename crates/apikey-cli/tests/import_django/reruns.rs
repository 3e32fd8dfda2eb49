//! Imports that are dry, repeated, or killed on the way.

use std::process::Stdio;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::{Value, json};

use super::{DATABASE, IMPORT, folder, import, in_django, open};
use crate::fixture::Folder;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(conn: &mut SqliteConnection, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<Number>(conn).unwrap().number
}

/// Adds so many keys to Django's table, of which each third is revoked.
fn add_keys(folder: &Folder, number: i64) {
    in_django(
        folder,
        &format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {number})
             INSERT INTO rest_framework_api_key_apikey
                (id, prefix, hashed_key, name, created, expiry_date, revoked)
             SELECT printf('%08d', n) || '.' || n, printf('%08d', n),
                'sha512$$' || printf('%0128d', n), 'client ' || n,
                '2026-01-01 00:00:00.' || printf('%06d', n), NULL, n % 3 = 0 FROM n"
        ),
    );
}

/// How many keys that are revoked in Django are not revoked in the table.
fn revived(folder: &Folder) -> i64 {
    let mut conn = open(&folder.path("apikeys.db"));
    conn.batch_execute(&format!("ATTACH '{}' AS django", folder.path("db.sqlite3").display()))
        .unwrap();
    number(
        &mut conn,
        "SELECT count(*) AS number FROM api_keys k JOIN django.rest_framework_api_key_apikey d
            ON d.prefix = k.prefix WHERE d.revoked AND k.revoked_at IS NULL",
    )
}

/// All that is in the table, but for the numbers that the database gives.
fn content(folder: &Folder) -> Value {
    let mut keys = folder.run(&["list", "--all", "--output", "json"]).done().json();
    for key in keys.as_array_mut().unwrap() {
        key["id"] = Value::Null;
    }
    keys
}

#[test]
fn a_second_run_imports_nothing() {
    let folder = folder();
    import(&folder, &[]).done();
    let before = content(&folder);
    let report = import(&folder, &["--output", "json"]).done().json();
    assert_eq!((&report["read"], &report["imported"]), (&json!(30), &json!(0)));
    assert_eq!((&report["already_there"], &report["differences"]), (&json!(30), &json!([])));
    assert_eq!(content(&folder), before);
}

#[test]
fn a_second_run_revokes_what_was_revoked_and_reports_what_else_differs() {
    let folder = folder();
    import(&folder, &[]).done();
    in_django(
        &folder,
        "UPDATE rest_framework_api_key_apikey SET revoked = 1 WHERE prefix = 'U4dbirmL';
         UPDATE rest_framework_api_key_apikey SET name = 'new' WHERE prefix = 'SGfO4Y0w';
         UPDATE rest_framework_api_key_apikey SET revoked = 0 WHERE prefix = '6Z3AT8nT';",
    );
    let report = import(&folder, &["--output", "json"]).done().json();
    assert_eq!((&report["revoked"], &report["already_there"]), (&json!(1), &json!(29)));
    assert_eq!(
        report["differences"],
        json!([
            { "prefix": "6Z3AT8nT", "difference": "is revoked here, and not at the source" },
            { "prefix": "SGfO4Y0w", "difference": "has another name at the source" },
        ])
    );
    for prefix in ["U4dbirmL", "6Z3AT8nT"] {
        let key = folder.run(&["show", prefix, "--output", "json"]).done().json();
        assert_eq!(key["status"], "revoked");
    }
    let before = content(&folder);
    let report = import(&folder, &["--output", "json"]).done().json();
    assert_eq!(report["revoked"], 0);
    assert_eq!(content(&folder), before, "a revocation does not move");
}

#[test]
fn a_dry_run_says_what_would_be_and_writes_nothing() {
    let folder = folder();
    let run = import(&folder, &["--dry-run", "--output", "json"]).done();
    assert!(run.stderr.contains("this was a dry run: nothing was written"), "{run:?}");
    let dry = run.json();
    let beside = ["--dry-run", "--output", "json", "--database-url", "sqlite://db.sqlite3"];
    assert_eq!(import(&folder, &beside).done().json(), dry, "no table is needed");
    assert_eq!(folder.names(), ["db.sqlite3"], "no database is created");
    assert_eq!(std::fs::read(folder.path("db.sqlite3")).unwrap(), DATABASE, "nor one changed");
    folder.run(&["migrate"]).done();
    assert_eq!(import(&folder, &["--dry-run", "--output", "json"]).done().json(), dry);
    assert_eq!(content(&folder), json!([]), "no key is created");
    let mut wet = import(&folder, &["--output", "json"]).done().json();
    wet["dry_run"] = json!(true);
    assert_eq!(dry, wet);
    let before = content(&folder);
    let report = import(&folder, &["--dry-run", "--output", "json"]).done().json();
    assert_eq!((&report["imported"], &report["already_there"]), (&json!(0), &json!(30)));
    assert_eq!(content(&folder), before);
}

/// So many that the import is still at work when it is killed, on any machine.
const MANY: i64 = 20_000;

#[test]
fn an_import_that_is_killed_is_completed_by_the_next() {
    let folder = folder();
    add_keys(&folder, MANY);
    folder.run(&["migrate"]).done();
    let mut child = folder.command(&IMPORT);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut conn = open(&folder.path("apikeys.db"));
    conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    let count = "SELECT count(*) AS number FROM api_keys";
    while number(&mut conn, count) < 200 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "a signal ended it, and not its work");
    let imported = number(&mut conn, count);
    assert!((200..MANY / 2).contains(&imported), "{imported} keys were imported before the kill");
    assert_eq!(revived(&folder), 0);

    let all = MANY + 30;
    let report = import(&folder, &["--output", "json"]).done().json();
    assert_eq!((&report["read"], &report["already_there"]), (&json!(all), &json!(imported)));
    assert_eq!((&report["imported"], &report["refused"]), (&json!(all - imported), &json!(0)));
    assert_eq!((number(&mut conn, count), revived(&folder)), (all, 0));
    let revoked = "SELECT count(*) AS number FROM api_keys WHERE revoked_at IS NOT NULL";
    assert_eq!(number(&mut conn, revoked), 7 + MANY / 3);
}
