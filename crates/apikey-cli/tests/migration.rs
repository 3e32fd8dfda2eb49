//! `apikey migration`: the SQL is applied to the database that it is for.

use std::io::Write;
use std::process::{Command, Stdio};

use apikey_conformance::report_skip;
use apikey_core::{ApiKeys, KeyQuery, NewKey};
use apikey_diesel::{ConnectionOptions, DieselStore};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::Value;

use crate::fixture::{Folder, clean};

/// Returns `up.sql` and `down.sql`. The fixture is not asked, since it would find `hashed_key` printed, here
/// the name of a column.
pub(crate) fn sql(backend: &str, table: &str) -> (String, String) {
    let arguments = ["migration", "--backend", backend, "--table", table, "--output", "json"];
    let output = Folder::empty().command(&arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |member: &Value| member.as_str().unwrap().to_owned();
    (text(&json["up"]), text(&json["down"]))
}

/// The definitions of the columns in printed SQL, and what its indexes are on, with their conditions.
fn definitions(up: &str) -> (Vec<(String, String)>, Vec<String>) {
    let (table, rest) =
        up.split_once("CREATE TABLE keys (\n").unwrap().1.split_once("\n)").unwrap();
    let lines = || table.lines().map(str::trim).filter(|line| !line.starts_with("--"));
    let is_key = |line: &&str| line.starts_with("KEY ") || line.starts_with("UNIQUE KEY ");
    let columns = lines().filter(|line| !is_key(line)).map(|line| {
        let (name, definition) = line.trim_end_matches(',').split_once(' ').unwrap();
        (name.to_owned(), definition.to_owned())
    });
    let keys = lines().filter(|line| line.starts_with("KEY "));
    let keys = keys.map(|line| &line[line.find('(').unwrap()..=line.find(')').unwrap()]);
    let indexes = rest.lines().filter(|line| line.starts_with("CREATE INDEX"));
    let indexes = indexes.map(|line| line[line.find('(').unwrap()..].trim_end_matches(';'));
    (columns.collect(), keys.chain(indexes).map(str::to_owned).collect())
}

/// What people copy by hand is what the command prints.
#[test]
fn the_page_about_own_tables_has_the_table_that_is_printed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/custom-models.md");
    let page = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()
        })
        .collect();
    for (place, backend) in ["postgres", "sqlite", "mysql"].into_iter().enumerate() {
        let (columns, indexes) = definitions(&sql(backend, "keys").0);
        assert!(columns.len() > 10 && indexes.len() >= 5, "{backend}: {columns:?} {indexes:?}");
        for (name, definition) in columns {
            let row = rows.iter().find(|row| row[0] == name);
            let shown = row.and_then(|row| row.get(place + 1)).copied();
            assert_eq!(shown, Some(definition.as_str()), "{backend}: {name}");
        }
        for index in indexes {
            let (columns, condition) = index.split_once(" WHERE ").unwrap_or((&index, ""));
            let is_shown = |row: &&Vec<&str>| {
                row.len() == 3
                    && (row[0] == columns || row[1].contains(columns))
                    && row[1].contains(condition)
            };
            assert!(rows.iter().any(|row| is_shown(&row)), "{backend}: {index}");
        }
    }
}

/// Lets the line for a column of one's own be one.
fn with_own_column(up: &str) -> String {
    let own = up.lines().find(|line| line.contains("-- organization_id")).unwrap();
    up.replace(own, "    organization_id INTEGER NOT NULL,")
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

fn columns(conn: &mut SqliteConnection, table: &str) -> Vec<String> {
    let query =
        format!("SELECT name || type || \"notnull\" AS text FROM pragma_table_info('{table}')");
    diesel::sql_query(query).load::<Text>(conn).unwrap().into_iter().map(|row| row.text).collect()
}

#[tokio::test]
async fn the_store_works_on_the_table_for_sqlite() {
    let folder = Folder::empty();
    let (up, down) = sql("sqlite", "api_keys");
    folder.execute(&up);
    let url = format!("sqlite://{}", folder.path("apikeys.db").display());
    let keys =
        ApiKeys::new(DieselStore::connect_sqlite(&url, ConnectionOptions::new()).await.unwrap());
    assert!(keys.check().await.unwrap().is_empty());
    let created = keys.create(NewKey::new("ci").scopes(["a"])).await.unwrap();
    let day = std::time::Duration::from_secs(86_400);
    let successor = keys.rotate(&created.key.prefix, day).await.unwrap();
    keys.verify(created.plaintext.expose()).await.unwrap();
    keys.verify(successor.plaintext.expose()).await.unwrap();
    assert_eq!(keys.count(&KeyQuery::new()).await.unwrap(), 2);
    folder.execute(&down);
    assert!(columns(&mut folder.connection(), "api_keys").is_empty());
}

#[test]
fn the_table_for_sqlite_is_the_built_in_one_with_room_for_own_columns() {
    let folder = Folder::new();
    let (up, down) = sql("sqlite", "organization_api_keys");
    folder.execute(&with_own_column(&up));
    let conn = &mut folder.connection();
    let mut own = columns(conn, "organization_api_keys");
    assert_eq!(own.remove(1), "organization_idINTEGER1");
    assert_eq!(own, columns(conn, "api_keys"));
    conn.batch_execute(&down).unwrap();
}

/// Runs SQL in a client of the database. A server's own password stays out of the arguments.
fn run(mut client: Command, sql: &str) -> Option<String> {
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = client.spawn().ok()?;
    child.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Creates the table, puts two keys into it that differ in case, and drops it.
fn script(backend: &str) -> String {
    let table = format!("own_keys_{}", std::process::id());
    let (up, down) = sql(backend, &table);
    let up = with_own_column(&up);
    let insert = format!(
        "INSERT INTO {table} (organization_id, prefix, hashed_key, name, created_at) VALUES
            (7, 'abcdefgh', 'h', 'n', '2030-01-31 12:00:00.123456'),
            (7, 'AbCdEfGh', 'h', 'n', '2030-01-31 12:00:00.123456');
         SELECT prefix, scopes = '' AND expires_at IS NULL FROM {table} WHERE prefix = 'AbCdEfGh'
            AND created_at = '2030-01-31 12:00:00.123456';"
    );
    format!("{up}\n{insert}\n{down}")
}

#[test]
fn postgres_accepts_the_table_for_it() {
    let case = "apikey-cli::migration::postgres_accepts_the_table_for_it";
    let Ok(url) = std::env::var("APIKEY_TEST_POSTGRES_URL") else {
        return report_skip(case, "APIKEY_TEST_POSTGRES_URL is not set");
    };
    let mut client = Command::new("psql");
    clean(&mut client);
    client.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
    client.args(["--set", "ON_ERROR_STOP=1", "--dbname"]).arg(url);
    match run(client, &script("postgres")) {
        Some(rows) => assert_eq!(rows.trim(), "AbCdEfGh|t"),
        None => report_skip(case, "`psql` is not installed"),
    }
}

#[test]
fn mysql_accepts_the_table_for_it() {
    let case = "apikey-cli::migration::mysql_accepts_the_table_for_it";
    let Ok(url) = std::env::var("APIKEY_TEST_MYSQL_URL") else {
        return report_skip(case, "APIKEY_TEST_MYSQL_URL is not set");
    };
    let (user, server) = url.strip_prefix("mysql://").unwrap().split_once('@').unwrap();
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let (server, database) = server.split_once('/').unwrap();
    let (host, port) = server.split_once(':').unwrap_or((server, "3306"));
    let client = |name: &str| {
        let mut client = Command::new(name);
        clean(&mut client);
        client.args(["--no-defaults", "--batch", "--skip-column-names", "--protocol=tcp"]);
        client.args(["--host", host, "--port", port, "--user", user, database]);
        client.env("MYSQL_PWD", password);
        client
    };
    let script = script("mysql");
    match run(client("mariadb"), &script).or_else(|| run(client("mysql"), &script)) {
        Some(rows) => assert_eq!(rows.trim(), "AbCdEfGh\t1"),
        None => report_skip(case, "neither `mariadb` nor `mysql` is installed"),
    }
}

#[test]
fn writes_both_files_and_overwrites_none() {
    let folder = Folder::empty();
    let arguments = ["migration", "--backend", "mysql", "--table", "own", "--output-dir", "m/own"];
    let run = folder.run(&arguments).done();
    assert_eq!(run.stdout, "m/own/up.sql\nm/own/down.sql\n");
    let (up, down) = sql("mysql", "own");
    let read = |name| std::fs::read_to_string(folder.path(name)).unwrap();
    assert_eq!((read("m/own/up.sql"), read("m/own/down.sql")), (up, down));
    std::fs::remove_file(folder.path("m/own/up.sql")).unwrap();
    folder.run(&arguments).fails(1, "cannot write down.sql");
    assert!(!folder.path("m/own/up.sql").exists());
}

#[test]
fn names_that_need_quotes_or_are_too_long_are_wrong_usage() {
    for table in ["", "Keys", "my keys", "1st", "keys;--", &"k".repeat(49)] {
        let arguments = ["migration", "--backend", "sqlite", "--table", table];
        Folder::empty().run(&arguments).fails(2, "lower-case letters");
    }
    Folder::empty()
        .run(&["migration", "--backend", "oracle", "--table", "k"])
        .fails(2, "[possible values: sqlite, postgres, mysql]");
}
