//! A database server of a test's own, which the test may kill and start again.
//!
//! It is started from installed programs, on a free port, in a folder that is removed with it. Where there
//! are none, the test reports that it is skipped.

mod mariadb;
mod postgres;
mod program;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use apikey_conformance::report_skip;
use apikey_core::ApiKeys;
use apikey_diesel::DieselStore;
use tempfile::TempDir;

/// How long a server may take to start or to end, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often is looked whether it has.
const STEP: Duration = Duration::from_millis(20);

/// A kind of server.
pub(crate) trait Kind {
    const NAME: &'static str;
    /// What asks it to end at once, whoever is connected.
    const STOP: &'static str;
    /// Accounts that it may run under, if the tests run as root.
    const ACCOUNTS: &'static [&'static str];

    /// Returns why it cannot be started here.
    fn missing() -> Option<String>;
    /// Makes the data of a new server.
    fn prepare(home: &Home);
    /// The command that serves them.
    fn command(home: &Home) -> Command;
    /// Whether this process answers.
    fn is_ready(home: &Home, process: u32) -> bool;
    fn url(home: &Home) -> String;
}

/// Where a server lives.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) port: u16,
    account: Option<(u32, u32)>,
}

impl Home {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that the server may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        program::give(&path, self.account);
        path
    }

    /// A program that runs here, under the account of the server.
    pub(crate) fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env("HOME", self.folder.path());
        // A MariaDB that starts removes the temporary tables of all others in the folder for such files.
        command.env("TMPDIR", self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        program::run_as(&mut command, self.account);
        command
    }
}

/// Runs a program to its end.
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A server, which ends with this value.
pub(crate) struct Private<K: Kind> {
    process: Option<Child>,
    pub(crate) home: Home,
    kind: std::marker::PhantomData<K>,
}

impl<K: Kind> Private<K> {
    /// Starts a new server, or reports that there can be none.
    pub(crate) fn start(test: &str) -> Option<Self> {
        if let Some(reason) = K::missing() {
            report_skip(&format!("faults::{test} on {}", K::NAME), &reason);
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let account = program::account(folder.path(), K::ACCOUNTS);
        program::give(folder.path(), account);
        let mut home = Home { folder, port: 0, account };
        K::prepare(&home);
        // Last, as others look for free ports meanwhile: preparing takes seconds.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        home.port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut server = Self { process: None, home, kind: std::marker::PhantomData };
        server.start_again();
        Some(server)
    }

    /// Serves the data that are there. What a killed server left may have to end first, so a start that fails
    /// is repeated.
    pub(crate) fn start_again(&mut self) {
        let start = Instant::now();
        let mut process = self.spawn();
        while !K::is_ready(&self.home, process.id()) {
            assert!(start.elapsed() < PATIENCE, "not ready: {}", self.log());
            thread::sleep(STEP);
            if process.try_wait().unwrap().is_some() {
                process = self.spawn();
            }
        }
        self.process = Some(process);
    }

    fn spawn(&self) -> Child {
        let log = fs::File::create(self.home.path("server.log")).unwrap();
        K::command(&self.home).stderr(log).spawn().unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path("server.log")).unwrap_or_default()
    }

    /// `kill -9` of the server and of the processes that it has for its clients.
    pub(crate) fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let children = program::children(process.id());
        process.kill().unwrap();
        for child in children {
            program::signal("KILL", &child);
        }
        process.wait().unwrap();
    }

    /// Stops the server's time, so that it answers nothing, and nobody is told.
    pub(crate) fn hang(&self) {
        self.signal_all("STOP");
        let process = self.process.as_ref().unwrap().id();
        let mut all = program::children(process);
        all.push(process.to_string());
        let start = Instant::now();
        // A thread that runs on another processor may answer before it notices.
        while !all.iter().all(|process| program::is_stopped(process)) {
            assert!(start.elapsed() < PATIENCE, "does not stop: {}", self.log());
            thread::sleep(STEP);
        }
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal_all("CONT");
    }

    /// Also to the processes that the server has for its clients.
    fn signal_all(&self, name: &str) {
        let process = self.process.as_ref().unwrap().id();
        program::signal(name, &process.to_string());
        for child in program::children(process) {
            program::signal(name, &child);
        }
    }

    /// Ends the server as an administrator does.
    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        assert!(ends(&mut process, K::STOP), "does not end: {}", self.log());
    }

    /// The URL of its database, for a user who may do everything.
    pub(crate) fn url(&self) -> String {
        K::url(&self.home)
    }

    /// A handle on the built-in table.
    pub(crate) async fn keys(&self) -> ApiKeys {
        let store = DieselStore::connect(&self.url()).await.unwrap();
        store.migrate().await.unwrap();
        ApiKeys::new(store)
    }
}

/// Asks a process to end, and returns whether it does.
fn ends(process: &mut Child, signal: &str) -> bool {
    program::signal(signal, &process.id().to_string());
    let start = Instant::now();
    while !matches!(process.try_wait(), Ok(Some(_))) {
        if start.elapsed() > PATIENCE {
            return false;
        }
        thread::sleep(STEP);
    }
    true
}

/// A killed PostgreSQL would leave shared memory behind.
impl<K: Kind> Drop for Private<K> {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take()
            && !ends(&mut process, K::STOP)
        {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

pub(crate) use mariadb::Mariadb;
pub(crate) use postgres::Postgres;
