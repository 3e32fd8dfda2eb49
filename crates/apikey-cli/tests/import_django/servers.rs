//! Imports from and into servers.

use serde_json::{Value, json};

use super::{DATABASE, IMPORT, assert_verdicts};
use crate::servers::{Server, on_each_server};

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

/// Makes an empty table of Django's on a server.
fn make_table(server: &Server) {
    let time = server.for_either("timestamp with time zone", "datetime(6)");
    server.apply(&format!(
        "CREATE TABLE rest_framework_api_key_apikey (
            id varchar(150) NOT NULL PRIMARY KEY, created {time} NOT NULL,
            name varchar(50) NOT NULL, revoked bool NOT NULL, expiry_date {time} NULL,
            hashed_key varchar(150) NOT NULL, prefix varchar(8) NOT NULL UNIQUE)"
    ));
}

/// The command that imports from a server.
fn from(url: &str) -> [&str; 6] {
    ["import", "django", "--from", url, "--output", "json"]
}

#[test]
fn keys_of_a_server_are_imported_into_a_file_and_beside_themselves() {
    on_each_server("keys_of_a_server_are_imported", |server| {
        make_table(server);
        let (hash, quote) = ("0".repeat(128), server.for_either("+00", ""));
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
        let url = server.url(None);
        let dry = server.run(&[&from(&url)[..], &["--dry-run"]].concat()).done().json();
        assert_eq!((&dry["imported"], &dry["refused"]), (&json!(4), &json!(0)));
        for run in [server.folder.run(&from(&url)), server.run(&from(&url))] {
            let report = run.done().json();
            assert_eq!((&report["imported"], &report["refused"]), (&json!(4), &json!(0)));
        }
        assert_eq!(server.run(&from(&url)).done().json()["already_there"], 4);
        let list = ["list", "--output", "json"];
        assert_keys(&server.folder.run(&list).done().json());
        assert_keys(&server.run(&list).done().json());
    });
}

fn assert_keys(list: &Value) {
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

#[test]
fn an_old_table_of_a_server_names_the_migration() {
    on_each_server("an_old_table_of_a_server_names_the_migration", |server| {
        make_table(server);
        server.apply("ALTER TABLE rest_framework_api_key_apikey DROP COLUMN prefix");
        let url = server.url(None);
        server.run(&from(&url)).fails(3, "run the migration 0004_prefix_hashed_key");
        server.apply("DROP TABLE rest_framework_api_key_apikey");
        server.run(&from(&url)).fails(3, "has no table rest_framework_api_key_apikey");
    });
}

/// An interrupted migration leaves such rows: the column takes null until its end.
#[test]
fn rows_of_a_server_without_a_prefix_are_counted() {
    on_each_server("rows_of_a_server_without_a_prefix_are_counted", |server| {
        make_table(server);
        server.apply(server.for_either(
            "ALTER TABLE rest_framework_api_key_apikey ALTER COLUMN prefix DROP NOT NULL",
            "ALTER TABLE rest_framework_api_key_apikey MODIFY prefix varchar(8) NULL",
        ));
        server.apply(&format!(
            "INSERT INTO rest_framework_api_key_apikey VALUES
                ('a', '2019-05-29 22:43:00', 'x', false, NULL, '', NULL),
                ('b', '2019-05-29 22:43:00', 'x', false, NULL, '', NULL),
                ('c', '2019-05-29 22:43:00', 'x', false, NULL, '', ''),
                ('d', '2019-05-29 22:43:00', 'x', false, NULL, 'sha512$${}', 'good0000')",
            "0".repeat(128)
        ));
        let url = server.url(None);
        for imported in [1, 0] {
            let run = server.run(&from(&url));
            assert_eq!(run.code, 1, "{run:?}");
            let report = run.json();
            assert_eq!((&report["read"], &report["imported"]), (&json!(4), &json!(imported)));
            assert_eq!((&report["refused"], &report["without_prefix"]), (&json!(3), &json!(3)));
        }
    });
}

/// `-infinity` is no time to anybody but PostgreSQL, and the zero of MySQL is none either. Taken for no
/// expiry, it would let a key live for ever.
#[test]
fn a_time_that_is_none_is_not_taken_for_no_expiry() {
    on_each_server("a_time_that_is_none_is_not_taken_for_no_expiry", |server| {
        let bad = server.for_either("'-infinity'", "'0000-00-00 00:00:00'");
        let (hash, mode) = ("0".repeat(128), server.for_either("", "SET sql_mode = '';"));
        make_table(server);
        server.apply(&format!(
            "{mode} INSERT INTO rest_framework_api_key_apikey VALUES
                ('a', '2019-05-29 22:43:00', 'x', false, {bad}, 'sha512$${hash}', 'ended000'),
                ('b', {bad}, 'x', false, NULL, 'sha512$${hash}', 'created0'),
                ('c', '2019-05-29 22:43:00', 'x', false, NULL, 'sha512$${hash}', 'good0000')"
        ));
        let url = server.url(None);
        let run = server.folder.run(&from(&url));
        assert_eq!(run.code, 1, "{run:?}");
        assert_eq!((&run.json()["imported"], &run.json()["refused"]), (&json!(1), &json!(2)));
        assert!(run.stderr.contains("refused: ended000: its expiry is not a time\n"), "{run:?}");
    });
}
