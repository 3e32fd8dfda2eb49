//! One server: its folder, its account, its process.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// How long a server may take to start. A busy machine with two cores needs a tenth of it.
const START: Duration = Duration::from_secs(60);

/// How long it may take to end before it is killed.
const END: Duration = Duration::from_secs(10);

/// How often is looked whether it has started or ended.
const STEP: Duration = Duration::from_millis(20);

/// The folder of one server, and the account that it runs under.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    account: Option<Account>,
}

/// Database servers refuse to run as root.
#[derive(Debug, Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

/// A running process, which ends with this value.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    log: PathBuf,
    /// What asks it to end at once, whoever is connected.
    signal: &'static str,
}

impl Folder {
    /// Creates a folder. For root it belongs to the first of these accounts that exists.
    pub(super) fn create(parent: &Path, name: &str, accounts: &[&str]) -> anyhow::Result<Self> {
        // A second attempt leaves the first one's log where it is.
        let mut paths = (1..).map(|attempt: u32| parent.join(format!("{name}-{attempt}")));
        let path = paths.find(|path| !path.exists()).context("there is always another number")?;
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let account = if is_root() { Some(Account::find(accounts)?) } else { None };
        if let Some(account) = account {
            let_others_pass(parent)?;
            account.owns(&path)?;
        }
        Ok(Self { path, account })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that the account may read.
    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        self.account.iter().try_for_each(|account| account.owns(&path))?;
        Ok(path)
    }

    /// Prepares a program to run in the folder, under the account.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.path).env("HOME", &self.path).stdin(Stdio::null());
        if let Some(account) = self.account {
            account.runs(&mut command);
        }
        command
    }

    /// Runs a program to its end. What it printed is in the error.
    pub(super) fn run(command: &mut Command) -> anyhow::Result<()> {
        let program = command.get_program().display().to_string();
        let output = command.output().with_context(|| format!("cannot start {program}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed, {}: {}", output.status, end(&said));
    }

    /// Starts a server and waits until it is ready.
    pub(super) fn serve(
        &self,
        command: &mut Command,
        signal: &'static str,
        is_ready: impl Fn() -> bool,
    ) -> anyhow::Result<Server> {
        let log = self.path("server.log");
        let file = File::create(&log).context("cannot create a log")?;
        command.stdout(file.try_clone()?).stderr(file);
        let program = command.get_program().display().to_string();
        let process = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let mut server = Server { process, log, signal };
        let start = Instant::now();
        loop {
            // Asked first: whoever answers for a server that has ended is another one, which has its port.
            let is_ready = is_ready();
            if let Some(status) = server.process.try_wait()? {
                bail!("{program} ended, {status}: {}", end(&server.log()));
            }
            if is_ready {
                return Ok(server);
            }
            if start.elapsed() > START {
                bail!("{program} is not ready after {START:?}: {}", end(&server.log()));
            }
            thread::sleep(STEP);
        }
    }
}

impl Server {
    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        // The standard library can only kill, and PostgreSQL then leaves shared memory behind.
        let process = self.process.id().to_string();
        let _ = Command::new("sh").args(["-c", "kill -s $0 $1", self.signal, &process]).status();
        let start = Instant::now();
        while !self.has_ended() && start.elapsed() < END {
            thread::sleep(STEP);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Finds a port that nobody listens on. Somebody may take it before the server does, which then does not start;
/// the keeper tries again.
pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
    Ok(listener.local_addr()?.port())
}

/// The last lines of a log.
fn end(log: &str) -> String {
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

/// Finds a user and its group in the text of `/etc/passwd`.
fn parse_account(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let mut lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let fields = lines.find(|fields| fields.len() > 3 && fields[0] == name)?;
    Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
}

impl Account {
    fn find(names: &[&str]) -> anyhow::Result<Self> {
        let passwd = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let found = names.iter().find_map(|name| parse_account(&passwd, name));
        let (user, group) = found.with_context(|| format!("no account {names:?} to run under"))?;
        Ok(Self { user, group })
    }
}

#[cfg(unix)]
mod unix {
    //! What only Unix has: accounts and modes.

    use std::os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    };

    use super::{Account, Command, Path, fs, io};

    /// A file belongs to the account that creates it.
    pub(crate) fn is_root() -> bool {
        tempfile::tempfile()
            .and_then(|file| file.metadata())
            .is_ok_and(|metadata| metadata.uid() == 0)
    }

    /// Lets others pass through a folder without seeing what is in it.
    pub(super) fn let_others_pass(folder: &Path) -> io::Result<()> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o711))
    }

    impl Account {
        pub(super) fn owns(self, path: &Path) -> io::Result<()> {
            chown(path, Some(self.user), Some(self.group))
        }

        pub(super) fn runs(self, command: &mut Command) {
            command.uid(self.user).gid(self.group);
        }
    }
}

#[cfg(not(unix))]
mod unix {
    //! Elsewhere nobody is root.

    use super::{Account, Command, Path, io};

    pub(crate) fn is_root() -> bool {
        false
    }

    pub(super) fn let_others_pass(_: &Path) -> io::Result<()> {
        Ok(())
    }

    impl Account {
        pub(super) fn owns(self, _: &Path) -> io::Result<()> {
            Ok(())
        }

        pub(super) fn runs(self, _: &mut Command) {}
    }
}

use unix::let_others_pass;

pub(super) use unix::is_root;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_user_and_its_group() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104::/:/bin/sh\nbroken\n";
        assert_eq!(parse_account(passwd, "postgres"), Some((101, 104)));
        assert_eq!(parse_account(passwd, "broken"), None);
        assert_eq!(parse_account(passwd, "mysql"), None);
    }

    #[test]
    fn keeps_the_last_lines_of_a_log() {
        assert_eq!(end("1\n2\n\n3\n4\n5\n6\n"), "2 | 3 | 4 | 5 | 6");
        assert_eq!(end(""), "");
    }

    #[test]
    fn a_server_that_does_not_start_says_what_it_said() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder { path: parent.path().to_owned(), account: None };
        let mut command = folder.command(Path::new("sh"));
        command.args(["-c", "echo no room; exit 3"]);
        let error = folder.serve(&mut command, "TERM", || false).unwrap_err().to_string();
        assert!(error.ends_with("no room"), "{error}");
    }

    #[test]
    fn a_server_ends_with_its_value() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder { path: parent.path().to_owned(), account: None };
        let mut command = folder.command(Path::new("sh"));
        let script =
            "trap 'echo bye > ended; exit 0' TERM; : > started; while :; do sleep 0.01; done";
        command.args(["-c", script]);
        let started = folder.path("started");
        drop(folder.serve(&mut command, "TERM", || started.exists()).unwrap());
        assert_eq!(fs::read_to_string(folder.path("ended")).unwrap(), "bye\n");
    }
}
