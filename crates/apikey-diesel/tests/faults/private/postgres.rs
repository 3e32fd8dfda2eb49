//! A PostgreSQL server.

use std::fs;
use std::process::Command;

use crate::private::{Home, Kind, program, run};

const USER: &str = "apikey";

/// A commit is written to the operating system before it is acknowledged, so it survives `kill -9`; it need not
/// survive a power failure.
const SETTINGS: [&str; 3] = ["fsync=off", "max_connections=50", "listen_addresses=127.0.0.1"];

pub(crate) struct Postgres;

impl Kind for Postgres {
    const NAME: &'static str = "PostgreSQL";
    const STOP: &'static str = "INT";
    const ACCOUNTS: &'static [&'static str] = &["postgres", "nobody"];

    fn missing() -> Option<String> {
        program::find("initdb").is_none().then(|| "`initdb` is not installed".to_owned())
    }

    fn prepare(home: &Home) {
        let password = home.write("password", USER);
        let mut command = home.command(program::find("initdb").unwrap());
        command.args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]);
        command.arg(format!("--username={USER}")).arg("--pwfile").arg(password);
        run(command.arg("--pgdata").arg(home.path("data")));
    }

    fn command(home: &Home) -> Command {
        let initdb = program::find("initdb").unwrap();
        // What `PATH` has may be a link into the folder with all programs.
        let initdb = fs::canonicalize(initdb).unwrap();
        let mut command = home.command(initdb.with_file_name("postgres"));
        command.arg("-D").arg(home.path("data")).arg("-k").arg(home.path(""));
        command.args(["-p", &home.port.to_string()]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command
    }

    /// A socket that accepts may still say that the server is starting up, and a killed server leaves its
    /// file behind.
    fn is_ready(home: &Home, process: u32) -> bool {
        let state = fs::read_to_string(home.path("data/postmaster.pid")).unwrap_or_default();
        let mut lines = state.lines().map(str::trim);
        lines.next() == Some(&process.to_string()) && lines.any(|line| line == "ready")
    }

    fn url(home: &Home) -> String {
        format!("postgres://{USER}:{USER}@127.0.0.1:{}/postgres", home.port)
    }
}
