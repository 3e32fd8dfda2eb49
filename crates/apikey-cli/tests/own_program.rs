//! The command for a model of one's own from outside, as a program: what it prints.
//!
//! The program is this one, started again: the test [`is_the_program`] alone, which a variable tells what to
//! do. So no other binary has to be built, or is installed beside `apikey`.

use std::io::{self, Write};
use std::process::{Command, ExitCode};

use apikey_cli::{KeyCommand, run_with_create};
use apikey_core::{ApiKeys, MemoryStore, NewKey};
use serde_json::{Value, json};

use crate::fixture::{MEMBERS, Run, clean, members};
use crate::own_model::{Own, TeamKey};

/// Holds the arguments, as JSON; the first is the name of the program.
const ARGUMENTS: &str = "OWN_PROGRAM_ARGUMENTS";

/// Holds which of the ways to start the command is meant.
const WAY: &str = "OWN_PROGRAM_WAY";

/// Stands around what the program prints.
const MARK: &str = "\n===OWN PROGRAM===\n";

/// Runs the command in this process, where a variable says so.
#[tokio::test]
async fn is_the_program() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let arguments: Vec<String> = serde_json::from_str(&arguments).unwrap();
    let way = std::env::var(WAY).unwrap();
    let keys = keys().await;
    mark("");
    let code = start(&way, keys, arguments).await;
    let code: u8 = (0..4).find(|number| ExitCode::from(*number) == code).unwrap();
    mark("");
    mark(&code.to_string());
}

async fn start(way: &str, keys: ApiKeys<TeamKey>, arguments: Vec<String>) -> ExitCode {
    let extra = |own: Own| own.team;
    let command = KeyCommand::new(keys.clone());
    match way {
        "before" => run_with_create(keys, extra, arguments).await,
        "owner" => {
            let command = command.owner().column("is_even", |key: &TeamKey| key.team % 2 == 0);
            command.run_with_create(extra, arguments).await
        }
        "hidden" => {
            let command =
                command.column("note", |_| "a\u{202e}b\tc").column("none", |_| None::<u8>);
            command.run(arguments).await
        }
        "named" => command.name("app keys").run(arguments).await,
        "taken" => command.column("status", |_| 1).run(arguments).await,
        "twice" => command.column("team", |_| 1).column("team", |_| 2).run(arguments).await,
        other => panic!("no way {other}"),
    }
}

/// Marks both streams, behind a text: the harness of the tests prints before and after.
fn mark(text: &str) {
    let text = format!("{text}{MARK}");
    io::stdout().write_all(text.as_bytes()).unwrap();
    io::stderr().write_all(text.as_bytes()).unwrap();
}

/// A key of each of three teams, of which team 8 is locked out.
async fn keys() -> ApiKeys<TeamKey> {
    let store = MemoryStore::<TeamKey>::new().usable_if(|key| key.team != 8);
    let keys = ApiKeys::new(store);
    for team in [7, 8, 9] {
        let name = format!("of {team}");
        let created = keys.create(NewKey::new(name).with(team)).await.unwrap();
        if team == 9 {
            keys.revoke(&created.key.record.prefix).await.unwrap();
        }
    }
    keys
}

/// Runs the program in one of the ways.
#[track_caller]
fn run(way: &str, arguments: &[&str]) -> Run {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["own_program::is_the_program", "--exact", "--nocapture"]);
    clean(&mut command);
    let arguments = [&["/usr/bin/team-keys"], arguments].concat();
    command.env(ARGUMENTS, json!(arguments).to_string()).env(WAY, way);
    let output = command.output().unwrap();
    let part = |text: &[u8], number: usize| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        text.split(MARK).nth(number).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    Run {
        code: part(&output.stdout, 2).trim().parse().unwrap(),
        stdout: part(&output.stdout, 1),
        stderr: part(&output.stderr, 1),
    }
}

const COMMANDS: [&str; 14] = [
    "create",
    "migration",
    "list",
    "show",
    "update",
    "rotate",
    "disable",
    "enable",
    "revoke",
    "purge",
    "verify",
    "count",
    "check",
    "hashers",
];

#[test]
fn speaks_of_itself() {
    let helps = [run("before", &["--help"]), run("before", &["help"])];
    let inner = COMMANDS.map(|name| run("before", &[name, "--help"]));
    for help in helps.into_iter().chain(inner) {
        let help = help.done().stdout;
        for foreign in ["apikey", "--brand", "--database-url", "own program"] {
            assert!(!help.contains(foreign), "{foreign} in {help}");
        }
        assert!(help.contains("Usage: team-keys "), "{help}");
    }
    let help = run("named", &["rotate", "--help"]).done().stdout;
    assert!(help.contains("Usage: app keys rotate [OPTIONS] <PREFIX>..."), "{help}");
    assert!(help.contains("Examples:\n  app keys rotate k3Xp9QaB\n"), "{help}");
    let run = run("before", &["show", "unknown1"]);
    run.fails(1, "fix: `team-keys list` shows the prefixes");
}

#[test]
fn says_of_which_keys_the_owner_is_locked_out() {
    let statuses = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split('\t').nth(1).unwrap().to_owned());
        lines.collect()
    };
    let listed = run("before", &["list"]).done().stdout;
    assert_eq!(statuses(&listed), ["revoked", "not usable", "active"]);
    let table = run("before", &["list", "--output", "table"]).done().stdout;
    assert!(table.contains("  not usable  "), "{table}");
    let list = run("before", &["list", "--output", "json"]).done().json();
    assert_eq!(list[1]["status"], "not usable");
    assert_eq!(members(&list[1]), MEMBERS);
}

#[test]
fn shows_the_columns_of_the_model_in_every_format() {
    let list = run("owner", &["list", "--output", "json"]).done().json();
    let of = |number: usize| (&list[number]["owner"], &list[number]["is_even"]);
    assert_eq!(of(0), (&json!("9"), &Value::Bool(false)));
    assert_eq!(of(1), (&json!("8"), &Value::Bool(true)));
    let plain = run("owner", &["list"]).done().stdout;
    assert!(plain.lines().next().unwrap().ends_with("\t9\tfalse"), "{plain}");
    let table = run("owner", &["list", "--output", "table"]).done().stdout;
    let header: Vec<_> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header[4..7], ["EXPIRES", "OWNER", "IS_EVEN"]);
    let created = run("owner", &["create", "ci", "--team", "12", "--output", "json"]).done().json();
    assert_eq!((&created["owner"], &created["is_even"]), (&json!("12"), &json!(true)));
    let created = run("owner", &["create", "ci", "--team", "12", "--output", "table"]).done();
    assert!(created.stdout.contains("\nowner      12\n"), "{created:?}");
}

#[test]
fn what_is_hidden_in_a_column_is_shown() {
    let plain = run("hidden", &["list"]).done().stdout;
    assert!(plain.lines().all(|line| line.ends_with("\ta\\u{202e}b\\tc\t-")), "{plain}");
    let json = run("hidden", &["list", "--output", "json"]).done();
    assert!(json.stdout.contains("\"note\":\"a\\u202eb\\tc\",\"none\":null"), "{json:?}");
}

#[test]
fn selects_by_owner() {
    for (owner, number) in [("7", "1\n"), ("8", "1\n"), ("70", "0\n")] {
        assert_eq!(run("owner", &["count", "--owner", owner]).done().stdout, number);
        let listed = run("owner", &["list", "--owner", owner]).done().stdout;
        assert_eq!(listed.lines().count(), usize::from(number == "1\n"), "{listed}");
        assert!(listed.lines().all(|line| line.contains(&format!("of {owner}"))), "{listed}");
    }
    let wrong = run("owner", &["list", "--owner", "hunter2"]);
    wrong.fails(2, "the value of --owner is not that of an owner");
    assert!(!wrong.stderr.contains("hunter2"), "{wrong:?}");
    let help = run("owner", &["list", "--help"]).done().stdout;
    assert!(help.contains("--owner <OWNER>"), "{help}");
    assert!(help.contains("the model's own columns: owner, is_even."), "{help}");
    assert!(help.contains("`not usable`"), "{help}");
    run("before", &["list", "--owner", "7"]).fails(2, "unexpected argument");
}

#[test]
fn a_column_has_a_name_of_its_own() {
    run("taken", &["list"]).fails(2, "the column status is there already");
    run("twice", &["list"]).fails(2, "the column team is there already");
}

#[test]
fn prints_the_table_of_a_model() {
    let sql = run("before", &["migration", "--backend", "sqlite", "--table", "team_keys"]).done();
    assert!(sql.stdout.contains("CREATE TABLE team_keys"), "{sql:?}");
}
