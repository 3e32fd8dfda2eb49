//! The command on PostgreSQL and on MariaDB or MySQL, each test in a database of its own.
//!
//! The servers are named by `APIKEY_TEST_POSTGRES_URL` and `APIKEY_TEST_MYSQL_URL`; without them the
//! tests report that they are skipped.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use apikey_conformance::report_skip;
use apikey_diesel::diesel_async::{
    AsyncConnection, AsyncMysqlConnection, AsyncPgConnection, SimpleAsyncConnection,
};
use tokio::runtime::Builder;

use crate::fixture::{Folder, Run, prefix};

const VARIABLES: [&str; 2] = ["APIKEY_TEST_POSTGRES_URL", "APIKEY_TEST_MYSQL_URL"];

/// A database that is dropped with this value, and the command run on it.
pub(crate) struct Server {
    /// Of a database in which others may be made.
    admin: String,
    name: String,
    pub(crate) folder: Folder,
}

impl Server {
    fn new(admin: String) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("apikey_cli_{}_{number}", process::id());
        let server = Self { admin, name, folder: Folder::empty() };
        server.execute(&format!("CREATE DATABASE {}", server.name));
        server
    }

    /// The URL of the database, with this user and password if they are not the server's own.
    pub(crate) fn url(&self, user: Option<&str>) -> String {
        let (base, _) = self.admin.rsplit_once('/').unwrap();
        let (scheme, place) = base.split_once("://").unwrap();
        let (own, host) = place.rsplit_once('@').unwrap_or(("", place));
        format!("{scheme}://{}@{host}/{}", user.unwrap_or(own), self.name)
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.admin.starts_with("postgres")
    }

    /// What the one says, or the other.
    pub(crate) fn for_either<'a>(&self, postgres: &'a str, mysql: &'a str) -> &'a str {
        if self.is_postgres() { postgres } else { mysql }
    }

    /// Runs SQL where databases are made.
    fn execute(&self, sql: &str) {
        execute_at(&self.admin, sql);
    }

    /// Runs SQL in the database, as another program would.
    pub(crate) fn apply(&self, sql: &str) {
        execute_at(&self.url(None), sql);
    }

    fn run_at(&self, url: &str, arguments: &[&str]) -> Run {
        let mut command = self.folder.command(arguments);
        command.env("APIKEY_DATABASE_URL", url);
        Run::of(command)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_at(&self.url(None), arguments)
    }

    fn create(&self, arguments: &[&str]) -> String {
        self.run(&[&["create"], arguments].concat()).done().stdout.trim_end().to_owned()
    }

    fn verify(&self, key: &str) -> Run {
        let url = self.url(None);
        self.folder.feed(&["verify", "--database-url", &url], key.as_bytes())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The command may have been killed, and PostgreSQL may not have noticed yet.
        let force = if self.is_postgres() { " WITH (FORCE)" } else { "" };
        self.execute(&format!("DROP DATABASE {}{force}", self.name));
    }
}

fn execute_at(url: &str, sql: &str) {
    block_on(async {
        if url.starts_with("postgres") {
            AsyncPgConnection::establish(url).await.unwrap().batch_execute(sql).await.unwrap();
        } else {
            AsyncMysqlConnection::establish(url).await.unwrap().batch_execute(sql).await.unwrap();
        }
    });
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Runs the body of a test on each server that there is.
pub(crate) fn on_each_server(test: &str, body: impl Fn(&Server)) {
    for variable in VARIABLES {
        match std::env::var(variable) {
            Ok(url) => body(&Server::new(url)),
            Err(_) => {
                let case = format!("apikey-cli::servers::{test}");
                report_skip(&case, &format!("{variable} is not set"));
            }
        }
    }
}

#[test]
fn a_key_lives_from_its_creation_to_its_purge() {
    on_each_server("a_key_lives_from_its_creation_to_its_purge", |server| {
        let key = server.create(&["ci", "--scope", "reports:read", "--expires-in", "90d"]);
        server.verify(&key).done();
        let shown = server.run(&["show", prefix(&key), "--output", "json"]).done().json();
        assert_eq!((&shown["name"], &shown["status"]), (&"ci".into(), &"active".into()));
        assert_eq!(shown["scopes"], serde_json::json!(["reports:read"]));

        server.run(&["update", prefix(&key), "--name", "build"]).done();
        let successor = server.run(&["rotate", prefix(&key), "--grace", "0s"]).done().stdout;
        server.verify(&key).fails(1, "has expired");
        server.verify(&successor).done();
        let successor = prefix(&successor);
        server.run(&["disable", successor]).done();
        assert_eq!(server.run(&["count", "--status", "disabled"]).done().stdout, "1\n");
        server.run(&["enable", successor]).done();
        server.run(&["revoke", successor]).done();
        let listed = server.run(&["list", "--search", "build"]).done().stdout;
        assert!(listed.contains(successor) && listed.contains(prefix(&key)), "{listed}");

        server.run(&["purge", "--retention", "0s"]).done();
        server.run(&["show", prefix(&key)]).fails(1, "no key has the prefix");
        server.run(&["check"]).done();
    });
}

#[test]
fn old_keys_are_rotated_at_once() {
    on_each_server("old_keys_are_rotated_at_once", |server| {
        for name in ["a", "b", "c"] {
            server.create(&[name]);
        }
        server.run(&["rotate", "--older-than", "0s", "--grace", "7d"]).done();
        assert_eq!(server.run(&["count"]).done().stdout, "6\n");
    });
}

#[test]
fn only_create_and_migrate_migrate() {
    on_each_server("only_create_and_migrate_migrate", |server| {
        for command in [&["list"][..], &["count"], &["purge"], &["revoke", "k3Xp9QaB"], &["check"]]
        {
            let run = server.run(command);
            run.fails(3, "`apikey migrate` on the same URL");
            assert!(run.stderr.contains(&server.name), "{run:?}");
        }
        let applied = server.run(&["migrate"]).done().stdout;
        assert!(applied.starts_with("applied "), "{applied}");
        assert!(!server.run(&["migrate"]).done().stdout.contains("applied "));
        assert_eq!(server.run(&["count"]).done().stdout, "0\n");
    });
}

#[test]
fn who_is_refused_is_told_what_to_check_and_no_password() {
    on_each_server("who_is_refused_is_told_what_to_check", |server| {
        let wrong = server.url(Some("nobody:hunter2"));
        let missing = server.url(None).replace(&server.name, "apikey_cli_nowhere");
        for url in [wrong, missing] {
            for command in [&["create", "ci"][..], &["migrate"], &["list"]] {
                let run = server.run_at(&url, command);
                run.fails(3, "check user, password and the name of the database");
                assert!(!run.stderr.contains("hunter2"), "{run:?}");
            }
        }
    });
}

#[test]
fn a_server_that_does_not_answer_is_named_without_a_password() {
    for scheme in ["postgres", "postgresql", "mysql", "mariadb"] {
        for command in [&["create", "ci"][..], &["migrate"], &["list"]] {
            let url = format!("{scheme}://me:hunter2@127.0.0.1:1/app");
            let run = Folder::empty().run(&[command, &["--database-url", &url]].concat());
            run.fails(
                3,
                "cannot reach the database server of 127.0.0.1:1/app; check host and port",
            );
            assert!(!run.stderr.contains("hunter2"), "{run:?}");
        }
    }
}

/// The fixture would take the name of the column of hashes for one.
#[test]
fn columns_that_cannot_do_are_reported_with_the_statements_that_help() {
    on_each_server("columns_that_cannot_do", |server| {
        server.run(&["migrate"]).done();
        server.apply(if server.is_postgres() {
            "ALTER TABLE api_keys ALTER COLUMN hashed_key TYPE varchar(64), DROP COLUMN rotated_from; \
             CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
             ALTER TABLE api_keys ALTER COLUMN prefix TYPE text COLLATE folded"
        } else {
            "ALTER TABLE api_keys MODIFY hashed_key VARCHAR(64) NOT NULL, DROP COLUMN rotated_from, \
             MODIFY prefix VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL"
        });
        let mut command = server.folder.command(&["check"]);
        let output = command.env("APIKEY_DATABASE_URL", server.url(None)).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stdout}");
        for (problem, fix) in [
            ("api_keys has no column rotated_from", "`apikey migration --backend"),
            ("api_keys.hashed_key cannot hold every hash", "ALTER TABLE api_keys"),
            ("api_keys.prefix does not tell upper from lower case", "ALTER TABLE api_keys"),
        ] {
            let told = stdout.split("problem: ").find(|told| told.contains(problem));
            let (_, helps) = told.and_then(|told| told.split_once("fix: ")).unwrap();
            assert!(helps.contains(fix), "{stdout}");
        }
    });
}

/// As a restore with ids leaves it: the sequence begins again, and the first keys meet those that are there.
#[test]
fn what_rejects_a_key_is_named() {
    on_each_server("what_rejects_a_key_is_named", |server| {
        server.run(&["migrate"]).done();
        let (sql, named) = if server.is_postgres() {
            (
                "INSERT INTO api_keys (id, prefix, hashed_key, name, created_at)
                 VALUES (1, 'abcdefgh', 'secret hash', 'old', now())",
                "api_keys_pkey",
            )
        } else {
            ("ALTER TABLE api_keys ADD CONSTRAINT known_names CHECK (name <> 'ci')", "known_names")
        };
        server.apply(sql);
        let run = server.run(&["create", "ci"]);
        run.fails(1, "the database rejected the key: ");
        assert!(run.stderr.contains(named), "{run:?}");
        assert!(run.stderr.contains("`apikey check`"), "{run:?}");
    });
}

#[test]
fn a_database_with_tables_of_ones_own_alone_names_them() {
    on_each_server("a_database_with_tables_of_ones_own_alone", |server| {
        let backend = server.for_either("postgres", "mysql");
        for table in ["team_keys", "organization_api_keys"] {
            for statement in crate::migration::sql(backend, table).0.split_inclusive(";\n") {
                server.apply(statement);
            }
        }
        let run = server.run(&["list"]);
        run.fails(3, "tables of keys of their own: organization_api_keys, team_keys");
        assert!(run.stderr.contains("`apikey migrate` on the same URL"), "{run:?}");
    });
}
