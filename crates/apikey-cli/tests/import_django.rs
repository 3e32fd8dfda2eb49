//! `apikey import django`

use std::path::Path;
use std::process::Stdio;

use apikey_core::{ApiKeys, Django, Hashers, Sha256};
use apikey_diesel::DieselStore;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::fixture::{Folder, Run};
use crate::servers::on_each_server;

/// Written by djangorestframework-api-key 3.1 on Django 5.2.
const DATABASE: &[u8] = include_bytes!("../../apikey-diesel/tests/vectors/django-api-keys.sqlite3");

/// Its keys, and whether Django lets them in.
const KEYS: &str = include_str!("../../apikey-diesel/tests/vectors/django-api-keys.json");

const IMPORT: [&str; 4] = ["import", "django", "--from", "sqlite://db.sqlite3"];

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// A folder with the database of a Django project.
fn folder() -> Folder {
    let folder = Folder::empty();
    std::fs::write(folder.path("db.sqlite3"), DATABASE).unwrap();
    folder
}

fn import(folder: &Folder, more: &[&str]) -> Run {
    folder.run(&[&IMPORT, more].concat())
}

fn open(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

fn in_django(folder: &Folder, sql: &str) {
    open(&folder.path("db.sqlite3")).batch_execute(sql).unwrap();
}

fn number(conn: &mut SqliteConnection, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<Number>(conn).unwrap().number
}

/// Adds so many keys to Django's table, of which each third is revoked.
fn add_keys(folder: &Folder, number: usize) {
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

/// Asks a service for its verdict on each key of Django.
fn assert_verdicts(url: &str) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let hashers = Hashers::new(Sha256).accept(Django::default());
        let store = DieselStore::connect(url).await.unwrap();
        let keys = ApiKeys::builder(store).hashers(hashers).build().unwrap();
        let known: Value = serde_json::from_str(KEYS).unwrap();
        let known = known["keys"].as_array().unwrap();
        assert_eq!(known.len(), 30);
        for key in known {
            let verdict = keys.verify(key["key"].as_str().unwrap()).await;
            assert_eq!(verdict.is_ok(), key["usable"].as_bool().unwrap(), "{key} {verdict:?}");
            if let Ok(verified) = verdict {
                assert_eq!(verified.name, key["name"].as_str().unwrap());
            }
        }
    });
}

#[test]
fn every_key_of_django_is_let_in_or_not_as_django_does() {
    let folder = folder();
    let run = import(&folder, &["--output", "json"]).done();
    let report = run.json();
    let expected = json!({
        "dry_run": false, "read": 30, "imported": 30, "already_there": 0, "revoked": 0, "refused": 0,
        "states": { "active": 18, "disabled": 0, "expired": 5, "revoked": 7 },
        "hashes": {
            "argon2": 3, "bcrypt": 3, "bcrypt_sha256": 3, "pbkdf2_sha1": 3, "pbkdf2_sha256": 3,
            "scrypt": 3, "sha512": 12
        },
        "refusals": [], "differences": []
    });
    assert_eq!(report, expected);
    assert!(run.stderr.contains("30 keys have hashes that Django wrote"), "{run:?}");
    assert!(run.stderr.contains("`Hashers::new(Sha256).accept(Django::default())`"), "{run:?}");
    let url = format!("sqlite://{}", folder.path("apikeys.db").display());
    assert_verdicts(&url);
    assert_eq!(
        std::fs::read(folder.path("db.sqlite3")).unwrap(),
        DATABASE,
        "Django's is untouched"
    );
    folder.run(&["check"]).done();
}

#[test]
fn names_and_times_are_copied() {
    let folder = folder();
    import(&folder, &[]).done();
    let key = folder.run(&["show", "pCqcthWz", "--output", "json"]).done().json();
    assert_eq!((&key["name"], &key["status"]), (&json!("Ünïcode – client"), &json!("expired")));
    assert_eq!(key["created_at"], "2026-11-22T04:50:22.901046Z");
    assert_eq!(key["expires_at"], "2026-10-28T04:50:22.900545Z");
    assert_eq!((&key["revoked_at"], &key["scopes"]), (&Value::Null, &json!([])));
    let key = folder.run(&["show", "riVFrg29", "--output", "json"]).done().json();
    assert_eq!(key["name"], "a".repeat(50));
}

#[test]
fn the_command_verifies_and_counts_what_it_imported() {
    let folder = folder();
    import(&folder, &[]).done();
    let known: Value = serde_json::from_str(KEYS).unwrap();
    let usable = known["keys"].as_array().unwrap().iter().find(|key| key["usable"] == true);
    folder.feed(&["verify"], usable.unwrap()["key"].as_str().unwrap().as_bytes()).done();
    let hashes = folder.run(&["hashers"]).done().stdout;
    assert!(hashes.starts_with("sha512\taccepted\t12\t"), "{hashes}");
    assert!(hashes.contains("\nbcrypt_sha256 2b 12\taccepted\t3\t"), "{hashes}");
    assert!(hashes.contains("\nscrypt 16384\taccepted\t3\t"), "{hashes}");
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

#[test]
fn an_import_that_is_killed_is_completed_by_the_next() {
    let folder = folder();
    add_keys(&folder, 5000);
    folder.run(&["migrate"]).done();
    let mut child = folder.command(&IMPORT);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut conn = open(&folder.path("apikeys.db"));
    conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    let mut imported = 0;
    while imported < 20 && child.try_wait().unwrap().is_none() {
        imported = number(&mut conn, "SELECT count(*) AS number FROM api_keys");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let imported = number(&mut conn, "SELECT count(*) AS number FROM api_keys");
    assert!((20..5030).contains(&imported), "{imported}");
    assert_eq!(revived(&folder), 0);

    let report = import(&folder, &["--output", "json"]).done().json();
    assert_eq!((&report["read"], &report["already_there"]), (&json!(5030), &json!(imported)));
    assert_eq!(report["imported"], 5030 - imported);
    assert_eq!(
        (number(&mut conn, "SELECT count(*) AS number FROM api_keys"), revived(&folder)),
        (5030, 0)
    );
    let revoked = "SELECT count(*) AS number FROM api_keys WHERE revoked_at IS NOT NULL";
    assert_eq!(number(&mut conn, revoked), 7 + 5000 / 3);
}

#[test]
fn a_key_that_cannot_be_imported_is_named_and_the_others_are_imported() {
    let folder = folder();
    folder.create(&["ci"]);
    folder.execute("UPDATE api_keys SET prefix = '6Z3AT8nT'");
    in_django(
        &folder,
        "UPDATE rest_framework_api_key_apikey SET hashed_key = '!x' WHERE prefix = 'U4dbirmL';
         UPDATE rest_framework_api_key_apikey SET created = 'soon' WHERE prefix = 'SGfO4Y0w';
         UPDATE rest_framework_api_key_apikey SET expiry_date = 'late' WHERE prefix = 'ioRbph8S';",
    );
    let run = import(&folder, &["--output", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let report = run.json();
    assert_eq!((&report["imported"], &report["refused"]), (&json!(26), &json!(4)));
    for (prefix, reason) in [
        ("6Z3AT8nT", "its prefix is taken by another key"),
        ("U4dbirmL", "no hasher reads its stored hash"),
        ("SGfO4Y0w", "the time of its creation is not a time"),
        ("ioRbph8S", "its expiry is not a time"),
    ] {
        assert!(run.stderr.contains(&format!("refused: {prefix}: {reason}\n")), "{run:?}");
        let refusal = json!({ "prefix": prefix, "reason": reason });
        assert!(report["refusals"].as_array().unwrap().contains(&refusal), "{run:?}");
    }
    let key = folder.run(&["show", "6Z3AT8nT", "--output", "json"]).done().json();
    assert_eq!((&key["name"], &key["status"]), (&json!("ci"), &json!("active")), "is as it was");
}

#[test]
fn plain_and_table_have_a_line_for_each_number() {
    let run = import(&folder(), &[]).done();
    assert!(run.stdout.starts_with("read\t30\nimported\t30\nactive\t18\ndisabled\t0\n"), "{run:?}");
    assert!(run.stdout.contains("\nargon2\t3\n"), "{run:?}");
    let run = import(&folder(), &["--output", "table"]).done();
    let words: Vec<_> = run.stdout.split_whitespace().collect();
    assert!(words.starts_with(&["KEYS", "read", "30", "imported", "30"]), "{run:?}");
}

#[test]
fn reads_the_table_of_a_model_of_ones_own() {
    let folder = folder();
    in_django(
        &folder,
        "ALTER TABLE rest_framework_api_key_apikey RENAME TO app_teamapikey;
         ALTER TABLE app_teamapikey ADD COLUMN team_id integer NULL",
    );
    import(&folder, &[]).fails(3, "has no table rest_framework_api_key_apikey");
    import(&folder, &["--table", "app_teamapikey"]).done();
    import(&folder, &["--table", "main.app_teamapikey"]).done();
    assert_eq!(folder.run(&["count"]).done().stdout, "30\n");
    for name in ["", "a b", "a\"b", "a.b.c", "a;b", "a."] {
        import(&folder, &["--table", name]).fails(2, "a table is named by letters, digits and `_`");
    }
}

#[test]
fn a_table_before_version_1_4_names_the_migration() {
    let folder = Folder::empty();
    in_django(
        &folder,
        "CREATE TABLE rest_framework_api_key_apikey (id varchar(100) PRIMARY KEY, created datetime,
            name varchar(50), revoked bool, expiry_date datetime NULL)",
    );
    import(&folder, &[]).fails(3, "migration 0004");
    assert_eq!(folder.names(), ["db.sqlite3"], "nothing is created");
}

#[test]
fn what_is_no_database_of_django_is_named() {
    let folder = Folder::empty();
    import(&folder, &[]).fails(3, "there is no database at sqlite://db.sqlite3 to import from");
    assert!(folder.names().is_empty(), "nothing is created");
    std::fs::write(folder.path("db.sqlite3"), "not a database, but a text".repeat(100)).unwrap();
    import(&folder, &[]).fails(3, "db.sqlite3");
    folder.run(&["import", "django", "--from", "oracle://x"]).fails(2, "oracle");
    folder.run(&["import", "django"]).fails(2, "--from");
    let url = "postgres://me:hunter2@127.0.0.1:1/app";
    let run = folder.run(&["import", "django", "--from", url]);
    assert!(!run.stderr.contains("hunter2"), "{run:?}");
    run.fails(3, "cannot reach the database server of 127.0.0.1:1/app");
}

#[test]
fn keys_of_a_file_are_imported_into_a_server() {
    on_each_server("keys_of_a_file_are_imported_into_a_server", |server| {
        std::fs::write(server.folder.path("db.sqlite3"), DATABASE).unwrap();
        for imported in [30, 0] {
            let report = server.run(&[&IMPORT[..], &["--output", "json"]].concat()).done().json();
            assert_eq!((&report["read"], &report["imported"]), (&json!(30), &json!(imported)));
            assert_eq!((&report["refused"], &report["differences"]), (&json!(0), &json!([])));
        }
        assert_verdicts(&server.url(None));
    });
}

#[test]
fn keys_of_a_server_are_imported_into_a_file_and_beside_themselves() {
    on_each_server("keys_of_a_server_are_imported", |server| {
        let (time, quote) = if server.is_postgres() {
            ("timestamp with time zone", "+00")
        } else {
            ("datetime(6)", "")
        };
        let hash = "0".repeat(128);
        server.apply(&format!(
            "CREATE TABLE rest_framework_api_key_apikey (
                id varchar(150) NOT NULL PRIMARY KEY, created {time} NOT NULL,
                name varchar(50) NOT NULL, revoked bool NOT NULL, expiry_date {time} NULL,
                hashed_key varchar(150) NOT NULL, prefix varchar(8) NOT NULL UNIQUE)"
        ));
        for (prefix, revoked, expiry) in [
            ("live0000", "false", "NULL".to_owned()),
            ("revoked0", "true", "NULL".to_owned()),
            ("expired0", "false", format!("'2020-02-29 23:59:59.999999{quote}'")),
            ("expires0", "false", format!("'2099-12-31 00:00:00{quote}'")),
        ] {
            server.apply(&format!(
                "INSERT INTO rest_framework_api_key_apikey VALUES
                    ('{prefix}.{hash}', '2019-05-29 22:43:00.000001{quote}', 'Ünïcode – client',
                    {revoked}, {expiry}, 'sha512$${hash}', '{prefix}')"
            ));
        }
        let from = server.url(None);
        let import = ["import", "django", "--from", &from, "--output", "json"];
        let dry = server.run(&[&import[..], &["--dry-run"]].concat()).done().json();
        assert_eq!((&dry["imported"], &dry["refused"]), (&json!(4), &json!(0)));
        for report in [server.folder.run(&import), server.run(&import), server.run(&import)] {
            let report = report.done().json();
            assert_eq!((&report["read"], &report["refused"]), (&json!(4), &json!(0)));
        }
        for list in [
            server.folder.run(&["list", "--output", "json"]),
            server.run(&["list", "--output", "json"]),
        ] {
            let list = list.done().json();
            assert_eq!(list.as_array().unwrap().len(), 4);
            for key in list.as_array().unwrap() {
                assert_eq!(key["created_at"], "2019-05-29T22:43:00.000001Z");
                assert_eq!(key["name"], "Ünïcode – client");
                let (status, expiry) = match key["prefix"].as_str().unwrap() {
                    "live0000" => ("active", Value::Null),
                    "revoked0" => ("revoked", Value::Null),
                    "expired0" => ("expired", json!("2020-02-29T23:59:59.999999Z")),
                    _ => ("active", json!("2099-12-31T00:00:00Z")),
                };
                assert_eq!((&key["status"], &key["expires_at"]), (&json!(status), &expiry));
            }
        }
        server.apply("ALTER TABLE rest_framework_api_key_apikey DROP COLUMN prefix");
        server.run(&import).fails(3, "migration 0004");
        server.apply("DROP TABLE rest_framework_api_key_apikey");
        server.run(&import).fails(3, "has no table rest_framework_api_key_apikey");
    });
}
