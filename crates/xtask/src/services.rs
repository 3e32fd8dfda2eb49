//! `cargo xtask services`: throw-away database servers for the tests.
//!
//! The servers belong to a second process, the keeper, which is this program again, in a process group of its
//! own. It stops them and removes their folder when its standard input ends, and that ends with the process
//! that started it, in whatever way: at the end of the tests, by Ctrl-C, by a panic, by `kill -9`.

pub(crate) mod install;
pub(crate) mod keeper;
mod mariadb;
mod postgres;
pub(crate) mod program;
mod redis;
mod server;

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, ExitCode, Stdio},
};

use anyhow::{Context, bail};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask services    start the servers, print how tests find them, and wait for Ctrl-C

`cargo xtask test` starts servers of its own, unless these variables are set:
  APIKEY_TEST_POSTGRES_URL  APIKEY_TEST_MYSQL_URL  APIKEY_TEST_REDIS_URL";

/// The argument that makes this program the keeper.
pub(crate) const KEEPER: &str = "keep-services";

/// What the keeper says when every server runs that can.
const READY: &str = "ready";

/// What it says before the name of a server that started at the second attempt.
const RETRIED: &str = "retried: ";

/// Running servers. They end with this value, or with this process.
#[derive(Debug)]
pub(crate) struct Services {
    keeper: Child,
    /// The keeper stops the servers when this is closed. It is apart from `keeper`, since waiting for a child
    /// closes its standard input first.
    leash: Option<ChildStdin>,
    /// How tests find the servers: names of environment variables and URLs.
    pub(crate) variables: Vec<(String, String)>,
    /// What does not run, and why.
    pub(crate) missing: Vec<String>,
    /// What runs since a second attempt, and why the first one failed.
    pub(crate) retried: Vec<String>,
}

/// Runs the servers until Ctrl-C.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let mut services = Services::start()?;
    for missing in &services.missing {
        println!("# missing: {missing}");
    }
    for (name, url) in &services.variables {
        println!("export {name}='{url}'");
    }
    println!("# Ctrl-C stops the servers and removes their data");
    let status = services.keeper.wait().context("cannot wait for the servers")?;
    bail!("the servers ended before Ctrl-C: {status}");
}

impl Services {
    /// Starts every server for which the environment names none.
    pub(crate) fn start() -> anyhow::Result<Self> {
        Self::start_only(&[])
    }

    /// Starts those of them that these environment variables stand for; all if none is named.
    pub(crate) fn start_only(variables: &[&str]) -> anyhow::Result<Self> {
        let program = env::current_exe().context("cannot find this program")?;
        let mut command = Command::new(program);
        command.arg(KEEPER).args(variables).stdin(Stdio::piped()).stdout(Stdio::piped());
        apart_from_the_terminal(&mut command);
        let mut keeper = command.spawn().context("cannot start the keeper of the servers")?;
        let stdout = keeper.stdout.take().context("the keeper has no output")?;
        let leash = keeper.stdin.take();
        let (variables, missing, retried) = (Vec::new(), Vec::new(), Vec::new());
        let mut services = Self { keeper, leash, variables, missing, retried };
        for line in BufReader::new(stdout).lines() {
            let line = line.context("cannot read what the keeper says")?;
            match line.split_once('=') {
                _ if line == READY => return Ok(services),
                Some((name, url)) if name.starts_with("APIKEY_TEST_") => {
                    services.variables.push((name.to_owned(), url.to_owned()));
                }
                _ if line.starts_with(RETRIED) => services.retried.push(line),
                _ => services.missing.push(line),
            }
        }
        bail!("the keeper of the servers ended before they were ready")
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        drop(self.leash.take());
        let _ = self.keeper.wait();
    }
}

/// Ctrl-C goes to every process in the terminal's group. The keeper has to outlive it to clean up.
#[cfg(unix)]
fn apart_from_the_terminal(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn apart_from_the_terminal(_: &mut Command) {}
