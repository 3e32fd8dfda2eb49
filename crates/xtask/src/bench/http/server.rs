//! A server while it is measured: a process of its own, which ends when its standard input does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use std::process::Command;

use anyhow::{Context, bail, ensure};

/// The path that anyone may ask for.
pub(crate) const OPEN: &str = "/public";

/// The path that takes a key.
pub(crate) const GUARDED: &str = "/protected";

/// How long a server may take to start, and how long to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often is looked whether it has.
const STEP: Duration = Duration::from_millis(20);

/// Ends when it is dropped, and with this process however that ends.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    leash: Option<ChildStdin>,
    port: u16,
    header: String,
}

impl Server {
    /// Starts a server that prints its port and a key, and ends when its standard input does.
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        let program = command.get_program().display().to_string();
        let mut server = Self::spawn(command.stdout(Stdio::piped()), 0, String::new())?;
        let stdout = server.process.stdout.take().context("a piped output is there")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let words = line.trim_end().split_once(' ');
        let (port, key) = words.with_context(|| format!("{program} did not start"))?;
        server.port = port.parse().context("it printed no port")?;
        server.header = format!("Authorization: Api-Key {key}");
        Ok(server)
    }

    /// Starts a server that knows nothing of leashes on a port, and waits until it answers.
    pub(crate) fn start_on(port: u16, header: String, command: &Command) -> anyhow::Result<Self> {
        let mut server = Self::spawn(&mut on_a_leash(command), port, header)?;
        let start = Instant::now();
        while server.ask(GUARDED, None).is_err() {
            if let Some(status) = server.process.try_wait()? {
                bail!("{} ended, {status}", command.get_program().display());
            }
            ensure!(start.elapsed() < PATIENCE, "it does not answer after {PATIENCE:?}");
            thread::sleep(STEP);
        }
        Ok(server)
    }

    fn spawn(command: &mut Command, port: u16, header: String) -> anyhow::Result<Self> {
        let program = command.get_program().display().to_string();
        let process = command.stdin(Stdio::piped()).spawn();
        let mut process = process.with_context(|| format!("cannot start {program}"))?;
        let leash = process.stdin.take();
        Ok(Self { process, leash, port, header })
    }

    /// Makes sure that what is measured is what it seems: the guard refuses a wrong key and none, and with the good
    /// one both routes answer the same.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.refuses("no key", None)?;
        self.refuses("a wrong key", Some(&wrong(&self.header)))?;
        let (open, guarded) = (self.ask(OPEN, None)?, self.ask(GUARDED, Some(&self.header))?);
        ensure!(guarded.0 == 200, "with a key, {GUARDED} answers {}: {}", guarded.0, guarded.1);
        ensure!(open == guarded, "the routes differ: {open:?}, {guarded:?}");
        // Once more: a cache may know the good key by now.
        self.refuses("a wrong key", Some(&wrong(&self.header)))
    }

    fn refuses(&self, what: &str, header: Option<&str>) -> anyhow::Result<()> {
        let (status, body) = self.ask(GUARDED, header)?;
        ensure!([401, 403].contains(&status), "with {what}, {GUARDED} answers {status}: {body}");
        Ok(())
    }

    /// Waits until it has done what is left of a measurement: where a client hangs up, some servers compute the
    /// answer nevertheless.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        for _ in 0..2 {
            self.ask(GUARDED, Some(&self.header))?;
        }
        Ok(())
    }

    /// Returns the header line with the key.
    pub(crate) fn header(&self) -> &str {
        &self.header
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Sends one request and returns the status and the body.
    fn ask(&self, path: &str, header: Option<&str>) -> anyhow::Result<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let header = header.map(|header| format!("{header}\r\n")).unwrap_or_default();
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}Connection: close\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        parse(&answer).with_context(|| format!("{path} answered:\n{answer}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.leash.take());
        let start = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && start.elapsed() < PATIENCE {
            thread::sleep(STEP);
        }
        // It may have ended already; there is nothing else to do about it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the header line with another secret behind the same prefix: its last character is another one.
fn wrong(header: &str) -> String {
    let (rest, last) = header.split_at(header.len().saturating_sub(1));
    format!("{rest}{}", if last == "A" { 'B' } else { 'A' })
}

/// Runs a command below a shell that ends it when standard input does.
fn on_a_leash(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    let script = r#""$@" < /dev/null & cat; kill -s TERM $!; wait"#;
    shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

/// Returns a port that nobody listens on. Another program may take it before the server does; then the
/// server says so and ends.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok(listener.local_addr().context("there is no free port")?.port())
}

/// Reads status and body of a response.
fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn reads_status_and_body() {
        let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(parse(answer), Some((401, "{}".to_owned())));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_wrong_key_differs_in_its_last_character() {
        assert_eq!(wrong("Authorization: Api-Key abc.deA"), "Authorization: Api-Key abc.deB");
        assert_eq!(wrong("Authorization: Api-Key abc.def"), "Authorization: Api-Key abc.deA");
    }

    #[test]
    fn does_not_measure_a_guard_that_lets_wrong_keys_pass() {
        let serve = |status_of: fn(&str) -> u16| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.unwrap();
                    let mut head = vec![0; 1_000];
                    let length = stream.read(&mut head).unwrap();
                    let head = String::from_utf8_lossy(&head[..length]).into_owned();
                    let status = status_of(&head);
                    write!(stream, "HTTP/1.1 {status} X\r\n\r\n{{}}").unwrap();
                }
            });
            let mut server = Command::new("true");
            Server::spawn(&mut server, port, "K: abc.def".to_owned()).unwrap()
        };
        let careful = |head: &str| match head.contains("/protected") && !head.contains("abc.def") {
            true => 401,
            false => 200,
        };
        serve(careful).check().unwrap();
        let by_prefix = |head: &str| match head.contains("/protected") && !head.contains("abc.") {
            true => 401,
            false => 200,
        };
        let error = serve(by_prefix).check().unwrap_err().to_string();
        assert!(error.contains("with a wrong key, /protected answers 200"), "{error}");
        let error = serve(|_| 200).check().unwrap_err().to_string();
        assert!(error.contains("with no key, /protected answers 200"), "{error}");
    }

    #[test]
    fn reads_the_port_and_the_key() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 3000 abc.def; cat"]);
        let server = Server::start(command).unwrap();
        assert_eq!(server.url(OPEN), "http://127.0.0.1:3000/public");
        assert_eq!(server.header(), "Authorization: Api-Key abc.def");
    }

    #[test]
    fn says_that_a_server_did_not_start() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 1"]);
        let error = Server::start(command).unwrap_err();
        assert!(error.to_string().contains("sh did not start"), "{error}");
    }

    #[test]
    fn a_leash_ends_a_server_that_knows_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.current_dir(&folder);
        command.args([
            "-c",
            "trap 'echo bye > ended; exit 0' TERM; : > started; while :; do sleep 0.01; done",
        ]);
        let server = Server::spawn(&mut on_a_leash(&command), 0, String::new()).unwrap();
        while !folder.path().join("started").exists() {
            thread::sleep(STEP);
        }
        drop(server);
        assert_eq!(fs::read_to_string(folder.path().join("ended")).unwrap(), "bye\n");
    }
}
