//! Other libraries, as far as they are measured: how they are installed, and how their servers are started.
//!
//! Their programs lie in `crates/xtask/peers`. Each is installed from its registry, in the versions that its lock file
//! names, into a folder of its own below `target/bench-peers`.

pub(crate) mod crates;
mod install;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

use anyhow::{Context, ensure};

use super::http::load::Load;
use super::http::server::{Server, free_port};
use crate::workspace;

/// One row of another library.
pub(crate) struct Peer {
    kind: &'static Kind,
    cache: &'static str,
    folder: PathBuf,
}

/// A library that is served over HTTP.
struct Kind {
    /// Its folder in `crates/xtask/peers`.
    name: &'static str,
    label: &'static str,
    note: &'static str,
    header: &'static str,
    /// Without and with a cache, as far as it has one.
    caches: &'static [&'static str],
    /// How many rounds of how many seconds, where it is too slow for those of the others.
    pace: Option<(u8, u8)>,
    install: fn(&Path, &Path) -> anyhow::Result<()>,
    create_key: fn(&Path) -> Command,
    serve: fn(&Path, u16) -> Command,
}

static KINDS: [Kind; 3] = [
    Kind {
        name: "django",
        label: "djangorestframework-api-key",
        note: "djangorestframework-api-key 3.1.0 on Django 5.2.19 and REST framework 3.18.3, gunicorn 27.0.1 with a \
               worker for each core and 4 threads in each; connections to SQLite stay open.",
        header: "Authorization: Api-Key ",
        caches: &["off"],
        pace: None,
        install: install::python,
        create_key: |folder| python(folder, &["app.py"]),
        serve: |folder, port| {
            let address = format!("127.0.0.1:{port}");
            let workers = cores();
            let mut gunicorn = python(folder, &["-m", "gunicorn", "--log-level", "error"]);
            gunicorn.args(["--workers", &workers, "--threads", "4", "--bind", &address]);
            gunicorn.arg("app:application");
            gunicorn
        },
    },
    Kind {
        name: "keyshield",
        label: "keyshield",
        note: "keyshield 2.0.1 (formerly fastapi-api-key) as its README sets it up: FastAPI, SQLAlchemy, Argon2; uvicorn \
               on uvloop with a worker for each core. It answers after a random delay of 100 to 300 ms, on success as well, and holds SQLite's write lock \
               meanwhile. Its rows: 3 rounds of 8 s.",
        header: "Authorization: Bearer ",
        caches: &["off", "on"],
        pace: Some((3, 8)),
        install: install::python,
        create_key: |folder| python(folder, &["app.py"]),
        serve: |folder, port| {
            let mut uvicorn = python(folder, &["-m", "uvicorn", "--log-level", "error", "app:app"]);
            uvicorn.args(["--no-access-log", "--workers", &cores(), "--port", &port.to_string()]);
            uvicorn
        },
    },
    Kind {
        name: "better-auth",
        label: "@better-auth/api-key",
        note: "@better-auth/api-key on better-auth, in the versions of its package.json, with better-sqlite3 on node:http, \
               a process for each core; its limit of ten requests a day is off.",
        header: "x-api-key: ",
        caches: &["off"],
        pace: None,
        install: install::node,
        create_key: |folder| node(folder, &["server.mjs", "create"]),
        serve: |folder, port| {
            let mut node = node(folder, &["server.mjs"]);
            node.env("PORT", port.to_string());
            node
        },
    },
];

/// Installs what is not installed yet. Returns the libraries that are there, and why others are not: the rest is
/// measured without them.
pub(crate) fn install() -> anyhow::Result<(Vec<Peer>, Vec<String>)> {
    let (mut peers, mut missing) = (Vec::new(), Vec::new());
    let target = workspace::target()?.join("bench-peers");
    for kind in &KINDS {
        eprintln!("==> installing {}", kind.label);
        let folder = target.join(kind.name);
        match (kind.install)(&source(kind.name), &folder) {
            Ok(()) => peers.extend(kind.caches.iter().map(|cache| Peer {
                kind,
                cache,
                folder: folder.clone(),
            })),
            Err(error) => missing.push(absent(kind.label, &error)),
        }
    }
    Ok((peers, missing))
}

/// Says why a library is not in the table, at once and below it.
pub(crate) fn absent(label: &str, error: &anyhow::Error) -> String {
    let reason = format!("{error:#}");
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = format!("Not measured: {label}: {reason}");
    eprintln!("    {text}");
    text
}

fn source(name: &str) -> PathBuf {
    workspace::root().join("crates/xtask/peers").join(name)
}

fn cores() -> String {
    thread::available_parallelism().map_or(1, usize::from).to_string()
}

impl Peer {
    pub(crate) fn label(&self) -> &'static str {
        self.kind.label
    }

    pub(crate) fn labels(&self) -> [String; 3] {
        [self.kind.label, "SQLite", self.cache].map(str::to_owned)
    }

    /// How it is measured where the others are measured by this load.
    pub(crate) fn load(&self, load: &Load) -> Load {
        self.kind.pace.map_or(*load, |(rounds, seconds)| load.slower(rounds, seconds))
    }

    /// Says in which version and how it is set up; once, for the first of its rows.
    pub(crate) fn note(&self) -> Option<String> {
        (self.kind.caches.first() == Some(&self.cache)).then(|| self.kind.note.to_owned())
    }

    /// Makes a new database with one key, and starts the server.
    pub(crate) fn start(&self) -> anyhow::Result<Server> {
        let database = self.folder.join(format!("bench-{}.db", self.cache));
        for suffix in ["", "-wal", "-shm"] {
            let mut file = database.clone().into_os_string();
            file.push(suffix);
            // A missing file is as good as a removed one.
            let _ = fs::remove_file(file);
        }
        let with_settings = |mut command: Command| {
            command.env("BENCH_DATABASE", &database).env("BENCH_CACHE", self.cache);
            command
        };
        let mut create_key = with_settings((self.kind.create_key)(&self.folder));
        let output = create_key.stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("cannot start {create_key:?}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "no key was made:\n{text}");
        let key = text.trim().lines().last().context("no key was printed")?;
        let port = free_port()?;
        let serve = with_settings((self.kind.serve)(&self.folder, port));
        Server::start_on(port, format!("{}{key}", self.kind.header), &serve)
    }
}

fn python(folder: &Path, arguments: &[&str]) -> Command {
    let mut python = Command::new(folder.join("venv/bin/python"));
    python.current_dir(folder).args(arguments);
    python
}

fn node(folder: &Path, arguments: &[&str]) -> Command {
    let mut node = Command::new("node");
    node.current_dir(folder).args(arguments);
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_has_its_program() {
        for kind in &KINDS {
            assert!(source(kind.name).is_dir(), "{}", kind.name);
        }
    }

    #[test]
    fn notes_stand_once_however_many_rows_there_are() {
        let peer = |cache| Peer { kind: &KINDS[1], cache, folder: PathBuf::new() };
        assert!(peer("off").note().is_some());
        assert_eq!(peer("on").note(), None);
    }
}
