//! The Django site: a process that does what it is told, see `site/commands.py`.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use apikey_conformance::{report_skip, run};
use serde_json::{Value, json};

use crate::database::{KINDS, Kind, Place};

/// A running site. It ends with this value.
pub(crate) struct Site {
    process: Child,
    /// Apart from the process, since waiting for a process closes its standard input first.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

const VARIABLE: &str = "APIKEY_TEST_PYTHON";

/// Says why there can be no site on this machine.
fn available() -> Result<(), String> {
    env::var_os(VARIABLE).map(drop).ok_or_else(|| format!("{VARIABLE} is not set"))
}

impl Site {
    /// Starts a site on a database, and migrates it, all the way or to this migration of the package.
    fn start(url: &str, migration: Option<&str>) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/django/site/commands.py");
        let mut process = Command::new(env::var_os(VARIABLE).unwrap())
            .arg(script)
            .arg(url)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (commands, answers) = (process.stdin.take(), process.stdout.take().unwrap());
        let mut site = Self { process, commands, answers: BufReader::new(answers) };
        site.tell(json!({ "do": "migrate", "to": migration }));
        site
    }

    /// Gives a command, and returns the answer.
    #[expect(clippy::needless_pass_by_value, reason = "a command in the call reads better")]
    pub(crate) fn tell(&mut self, command: Value) -> Value {
        let commands = self.commands.as_mut().unwrap();
        writeln!(commands, "{command}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "the site ended at {command}; its standard error says why");
        serde_json::from_str(&answer).unwrap()
    }

    /// Whether a view that wants a key of this model answers.
    pub(crate) fn opens(&mut self, model: &str, key: &str) -> bool {
        let answer = self.tell(json!({ "do": "opens", "model": model, "key": key }));
        assert!(answer == 200 || answer == 403, "the view answered {answer}");
        answer == 200
    }

    /// What a row says to Django.
    pub(crate) fn row(&mut self, model: &str, prefix: &str) -> Value {
        self.tell(json!({ "do": "row", "model": model, "prefix": prefix }))
    }

    /// Fails unless Django's model accepts each of this many rows.
    pub(crate) fn accepts_rows(&mut self, model: &str, count: usize) {
        let validated = self.tell(json!({ "do": "full_clean", "model": model }));
        assert_eq!(validated, json!({ "rows": count, "wrong": [] }));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.process.wait();
    }
}

/// Runs the body of a test on a site on each kind of database that there is.
pub(crate) fn on_each_site(test: &str, body: impl AsyncFn(Kind, &str, &mut Site)) {
    on_each_site_at(test, None, body);
}

/// The same on sites that have not got past a migration of the package.
#[expect(clippy::needless_pass_by_value, reason = "a closure in the call reads better")]
pub(crate) fn on_each_site_at(
    test: &str,
    migration: Option<&str>,
    body: impl AsyncFn(Kind, &str, &mut Site),
) {
    for kind in KINDS {
        let case = format!("django::{test} on {kind:?}");
        if let Err(reason) = available().and_then(|()| kind.available()) {
            report_skip(&case, &reason);
            continue;
        }
        let place: Place = kind.place();
        run(&case, &[], Ok(()), async {
            let url = place.create().await;
            body(kind, &url, &mut Site::start(&url, migration)).await;
        });
    }
}
