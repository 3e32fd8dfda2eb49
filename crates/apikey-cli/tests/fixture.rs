//! A folder with a database, and the command run on it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

/// Every member of a key in JSON, but for `key`.
pub(crate) const MEMBERS: [&str; 11] = [
    "created_at",
    "disabled_at",
    "expires_at",
    "id",
    "last_used_at",
    "name",
    "prefix",
    "revoked_at",
    "rotated_from",
    "scopes",
    "status",
];

/// A folder in which the command runs.
pub(crate) struct Folder(TempDir);

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    /// Without a database.
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With the default database, which has no keys.
    pub(crate) fn new() -> Self {
        let folder = Self::empty();
        folder.run(&["migrate"]).done();
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The command with nothing from the environment of the test, and none of its terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apikey"));
        command.args(arguments).current_dir(self.0.path());
        clean(&mut command);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments))
    }

    /// Runs the command with this text on standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // The command stops reading once there is too much.
        let _ = child.stdin.take().unwrap().write_all(input);
        Run::new(&child.wait_with_output().unwrap())
    }

    /// Creates a key, and returns it.
    pub(crate) fn create(&self, arguments: &[&str]) -> String {
        let created = self.run(&[&["create"], arguments].concat()).done();
        created.stdout.trim_end().to_owned()
    }

    /// Changes the database behind the command's back.
    pub(crate) fn execute(&self, sql: &str) {
        self.connection().batch_execute(sql).unwrap();
    }

    pub(crate) fn connection(&self) -> SqliteConnection {
        SqliteConnection::establish(self.path("apikeys.db").to_str().unwrap()).unwrap()
    }
}

/// Leaves a command nothing but what a program needs to start: no language, time zone, width, colour or
/// setting of whoever runs the tests.
pub(crate) fn clean(command: &mut Command) {
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Windows finds its libraries by the latter; the last is where coverage is written.
    for variable in ["PATH", "SystemRoot", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(variable) {
            command.env(variable, value);
        }
    }
}

impl Run {
    pub(crate) fn of(mut command: Command) -> Self {
        Self::new(&command.output().unwrap())
    }

    /// Reads what was printed, whatever it is.
    pub(crate) fn unchecked(output: &std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Whatever is printed, it is no hash, no escape sequence and no panic.
    fn new(output: &std::process::Output) -> Self {
        let run = Self::unchecked(output);
        // Only the migration of Django may be called after the column of hashes.
        let said = |text: &str| text.replace("0004_prefix_hashed_key", "0004");
        for text in [said(&run.stdout), said(&run.stderr)] {
            for part in ["hashed_key", "$$", "panicked", "RUST_BACKTRACE", "\u{1b}"] {
                assert!(!text.contains(part), "{part} in {run:?}");
            }
        }
        run
    }

    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// The command ended with this code and said why, in few words and on standard error alone.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, reason: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stderr.contains(reason), "no {reason:?} in {self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert!(self.stderr.lines().count() <= 8 && self.stderr.len() < 600, "{self:?}");
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// The members of a JSON object, sorted.
#[track_caller]
pub(crate) fn members(value: &Value) -> Vec<&str> {
    let mut members: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    members
}

pub(crate) fn prefix(key: &str) -> &str {
    key.split_once('.').unwrap().0
}
