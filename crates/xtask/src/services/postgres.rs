//! A PostgreSQL server.

use std::{fs, path::Path};

use super::{
    program,
    server::{Folder, Server, free_port},
};

/// What the tests sign in with. The server listens on the loopback interface alone, for as long as they run.
const USER: &str = "apikey";

/// A commit is written to the operating system before it is acknowledged, so it survives `kill -9`; it need not
/// survive a power failure. Tests open many connections.
const SETTINGS: [&str; 4] =
    ["fsync=off", "full_page_writes=off", "max_connections=300", "listen_addresses=127.0.0.1"];

pub(super) fn is_installed() -> bool {
    program::find(&["initdb"]).is_ok()
}

pub(super) fn start(parent: &Path) -> anyhow::Result<(Server, String)> {
    let initdb = program::find(&["initdb"])?;
    let postgres = initdb.with_file_name("postgres");
    let folder = Folder::create(parent, "postgres", &["postgres", "nobody"])?;
    let data = folder.path("data");
    let password = folder.write("password", USER)?;
    let mut command = folder.command(&initdb);
    command.args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]);
    command.arg(format!("--username={USER}")).arg("--pwfile").arg(&password);
    Folder::run(command.arg("--pgdata").arg(&data))?;

    let port = free_port()?;
    let mut command = folder.command(&postgres);
    command.arg("-D").arg(&data).arg("-k").arg(folder.path("")).args(["-p", &port.to_string()]);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    // A socket that accepts may still say that the server is starting up.
    let is_ready = || {
        let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        state.lines().any(|line| line.trim_end() == "ready")
    };
    let server = folder.serve(&mut command, "INT", is_ready)?;
    Ok((server, format!("postgres://{USER}:{USER}@127.0.0.1:{port}/postgres")))
}
