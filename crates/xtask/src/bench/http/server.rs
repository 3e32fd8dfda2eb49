//! A quickstart while it is measured: a process of its own, on a free port, over a new database.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};
use cargo_metadata::MetadataCommand;
use tempfile::TempDir;

/// Ends when it is dropped, and its database with it.
pub(crate) struct Server {
    process: Child,
    port: u16,
    key: String,
    output: BufReader<ChildStdout>,
    _database: TempDir,
}

impl Server {
    /// Starts the release build of a package, and waits until it prints its first key.
    pub(crate) fn start(package: &str) -> anyhow::Result<Self> {
        let metadata =
            MetadataCommand::new().no_deps().exec().context("cannot run cargo metadata")?;
        let program = metadata.target_directory.join("release").join(package);
        let directory = tempfile::tempdir().context("cannot make a directory for the database")?;
        let port = free_port()?;
        let mut process = Command::new(&program)
            .env("PORT", port.to_string())
            .env("APIKEY_DATABASE_URL", database_url(directory.path()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let output = process.stdout.take().context("a piped output is there")?;
        let mut server = Self {
            process,
            port,
            key: String::new(),
            output: BufReader::new(output),
            _database: directory,
        };
        server.key = read_key(&mut server.output)
            .with_context(|| format!("{package} ended before it printed a key"))?;
        Ok(server)
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; there is nothing else to do about it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a port that nobody listens on. Another program may take it before the server does; then the
/// server says so and ends.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok(listener.local_addr().context("there is no free port")?.port())
}

fn database_url(directory: &Path) -> String {
    format!("sqlite://{}", directory.join("bench.db").display())
}

/// Reads the greeting up to the example with the key; the server listens when it greets.
fn read_key(greeting: &mut impl BufRead) -> anyhow::Result<String> {
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        if greeting.read_line(&mut line)? == 0 {
            bail!("its output was:\n{seen}");
        }
        if let Some((_, rest)) = line.split_once("Authorization: Api-Key ") {
            let key = rest.split(['\'', '"', ' ', '\n']).next().unwrap_or_default();
            return Ok(key.to_owned());
        }
        seen += &line;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_key_in_the_greeting() {
        let mut greeting =
            "Listening\n\n    curl -i -H 'Authorization: Api-Key abc.def' http://x\n".as_bytes();
        assert_eq!(read_key(&mut greeting).unwrap(), "abc.def");
    }

    #[test]
    fn says_what_a_server_printed_that_has_no_key() {
        let error = read_key(&mut "cannot listen\n".as_bytes()).unwrap_err();
        assert!(error.to_string().contains("cannot listen"));
    }
}
