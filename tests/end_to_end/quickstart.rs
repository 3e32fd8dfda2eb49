//! A quickstart that runs, on a fresh database.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

use apikey_conformance::adapter::client::RawResponse;
use tempfile::TempDir;

use crate::program::program;

pub(crate) const FRAMEWORKS: [&str; 3] = ["axum", "actix", "rocket"];

/// How long it may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The process; it is killed when this is dropped.
pub(crate) struct Quickstart {
    pub(crate) framework: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    pub(crate) key: String,
    child: Child,
    printed: Receiver<String>,
    folder: TempDir,
}

impl Quickstart {
    /// Starts it, and reads the first key where a newcomer does.
    pub(crate) fn start(framework: &'static str) -> Self {
        let program = program(&format!("quickstart-{framework}"));
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("keys.db").display());
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(program);
        // Port 0 is any that is free.
        command.env("PORT", "0").env("APIKEY_DATABASE_URL", &url);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn();
        let mut child = child.unwrap();
        let printed = lines(child.stdout.take().unwrap());
        let (address, key) = (SocketAddr::from(([0; 4], 0)), String::new());
        let mut server = Self { framework, address, url, key, child, printed, folder };
        server.read_greeting();
        server
    }

    fn read_greeting(&mut self) {
        let first = self.line_with("Listening on http://");
        let address = first.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        self.address = address.unwrap().parse().unwrap();
        self.line_with("Your first key");
        self.key = self.line_with("").trim().to_owned();
        let (curl, command) = (self.line_with("/protected"), self.line_with("/protected"));
        assert!(curl.ends_with(&format!("curl -i http://{}/protected", self.address)), "{curl}");
        assert!(command.contains(&format!("'Authorization: Api-Key {}'", self.key)), "{command}");
        let revoke = self.line_with(" revoke ");
        let expected = format!("--database-url '{}' revoke {}", self.url, self.prefix());
        assert!(revoke.ends_with(&expected), "{revoke}");
    }

    /// Returns the next line that contains a text.
    fn line_with(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.printed.recv_timeout(left) {
                Ok(line) if line.contains(text) => return line,
                Ok(_) => {}
                Err(error) => panic!("{} prints no line with {text:?}: {error}", self.framework),
            }
        }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.key[..8]
    }

    /// Ends it as containers do, and waits for that.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        // Its end is the end of what it prints.
        let end = loop {
            match self.printed.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        let promise = format!("{} ends when it is told to", self.framework);
        assert_eq!(end, RecvTimeoutError::Disconnected, "{promise}");
        self.child.wait().unwrap()
    }

    /// Fails if an answer holds the secret.
    pub(crate) fn assert_silent_about_its_key(&self, answer: &RawResponse) {
        let secret = self.key.as_bytes()[9..].to_vec();
        let holds = answer.raw.windows(secret.len()).any(|part| part == secret);
        assert!(!holds, "{} repeats a key", self.framework);
    }

    /// Shows what has to be equal on all frameworks.
    pub(crate) fn show(&self, answer: &RawResponse) -> String {
        let body = answer.text().replace(self.prefix(), "{prefix}");
        let headers = [
            "www-authenticate",
            "content-type",
            "content-length",
            "cache-control",
            "retry-after",
            "allow",
        ];
        let headers = headers.map(|name| match name {
            // Axum's method router adds it to whatever answers where no method matched, a 401, too.
            "allow" if answer.status != 405 => String::new(),
            // A length of nothing may be left out of an answer to HEAD.
            "content-length" => {
                answer.all(name).into_iter().filter(|value| *value != "0").collect()
            }
            _ => answer.all(name).join(" || "),
        });
        format!("{} {headers:?} {body}", answer.status)
    }
}

impl Drop for Quickstart {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(5)..].join("\n");
            println!("the end of the log of quickstart-{}:\n{last}", self.framework);
        }
    }
}

/// Reads lines to the end, so that nobody waits for a reader.
fn lines(output: ChildStdout) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // The test may have seen enough.
            let _ = send.send(line);
        }
    });
    receive
}
