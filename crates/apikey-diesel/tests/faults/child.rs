//! Another process that writes: this test program again, which runs the one test here.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use apikey_core::{ApiKeys, ManageError};
use apikey_diesel::DieselStore;
use tokio::task::JoinSet;

use crate::database::{Database, GRACE};

/// Names the database to write to.
const URL: &str = "APIKEY_FAULTS_URL";
/// Says how many keys each writer creates and rotates.
const ROUNDS: &str = "APIKEY_FAULTS_ROUNDS";

const TEST: &str = "child::writes_if_another_test_asks_for_it";
const WRITERS: usize = 8;

/// A change that the writing process has seen done. It says so on standard output, before its next change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    Created(String),
    Rotated { predecessor: String, successor: String },
}

/// A process with eight writers.
pub(crate) struct Writers {
    pub(crate) process: Child,
    stdout: BufReader<ChildStdout>,
}

impl Writers {
    /// Starts writers that make so many rounds each.
    pub(crate) fn start(database: &Database, rounds: u32) -> Self {
        Self::spawn(Command::new(env::current_exe().unwrap()), database, rounds)
    }

    /// Starts writers by a command that takes the program and its arguments.
    pub(crate) fn start_by(mut command: Command, database: &Database, rounds: u32) -> Self {
        command.arg(env::current_exe().unwrap());
        Self::spawn(command, database, rounds)
    }

    fn spawn(mut command: Command, database: &Database, rounds: u32) -> Self {
        command.args(["--exact", TEST, "--nocapture"]);
        command.env(URL, database.url()).env(ROUNDS, rounds.to_string());
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        Self { process, stdout }
    }

    /// Waits for the next acknowledged change; `None` when the process has ended.
    pub(crate) fn next(&mut self) -> Option<Acknowledged> {
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // A line that `kill -9` has cut was not said.
            if let Some(acknowledged) = line.strip_suffix('\n').and_then(parse) {
                return Some(acknowledged);
            }
        }
    }

    /// Reads everything that is acknowledged until the process ends.
    pub(crate) fn rest(&mut self) -> Vec<Acknowledged> {
        std::iter::from_fn(|| self.next()).collect()
    }
}

/// The test program says things of its own on these lines.
fn parse(line: &str) -> Option<Acknowledged> {
    let (_, change) = line.split_once("acknowledged: ")?;
    Some(match change.split_once(' ') {
        None => Acknowledged::Created(change.to_owned()),
        Some((predecessor, successor)) => Acknowledged::Rotated {
            predecessor: predecessor.to_owned(),
            successor: successor.to_owned(),
        },
    })
}

/// Does nothing by itself: it is what the other process runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_if_another_test_asks_for_it() {
    let (Ok(url), Ok(rounds)) = (env::var(URL), env::var(ROUNDS)) else {
        return;
    };
    let rounds: u32 = rounds.parse().unwrap();
    let keys = ApiKeys::new(DieselStore::sqlite(&url).await.unwrap());
    let mut tasks = JoinSet::new();
    for _ in 0..WRITERS {
        tasks.spawn(write(keys.clone(), rounds));
    }
    for result in tasks.join_all().await {
        result.unwrap();
    }
}

async fn write(keys: ApiKeys, rounds: u32) -> Result<(), ManageError> {
    for _ in 0..rounds {
        let old = keys.create("written").await?.key.prefix;
        println!("acknowledged: {old}");
        let new = keys.rotate(&old, GRACE).await?.key.prefix;
        println!("acknowledged: {old} {new}");
    }
    Ok(())
}

#[test]
fn reads_what_is_acknowledged_and_nothing_else() {
    assert_eq!(parse("acknowledged: abc"), Some(Acknowledged::Created("abc".to_owned())));
    let rotated =
        Acknowledged::Rotated { predecessor: "abc".to_owned(), successor: "def".to_owned() };
    assert_eq!(parse("test child::x ... acknowledged: abc def"), Some(rotated));
    assert_eq!(parse("running 1 test"), None);
}
