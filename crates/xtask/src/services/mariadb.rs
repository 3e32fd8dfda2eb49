//! A MariaDB server.

use std::{
    io::Read,
    net::{Ipv4Addr, TcpStream},
    path::Path,
    time::Duration,
};

use super::{
    program,
    server::{Folder, Server, free_port},
};

/// What the tests sign in with, and their database. The server listens on the loopback interface alone, for as
/// long as they run.
const USER: &str = "apikey";

/// A commit is written to the operating system before it is acknowledged, so it survives `kill -9`; it need not
/// survive a power failure. Tests open many connections.
const SETTINGS: [&str; 6] = [
    "--innodb-flush-log-at-trx-commit=2",
    // Taken as it is needed: the bench keeps a million keys in it, as a server would that is meant for them.
    "--innodb-buffer-pool-size=1G",
    "--max-connections=300",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
];

pub(super) fn is_installed() -> bool {
    program::find(&["mariadbd"]).is_ok() && program::find(&["mariadb-install-db"]).is_ok()
}

pub(super) fn start(parent: &Path) -> anyhow::Result<(Server, String)> {
    let (install, mariadbd) =
        (program::find(&["mariadb-install-db"])?, program::find(&["mariadbd"])?);
    let folder = Folder::create(parent, "mariadb", &["mysql", "nobody"])?;
    let data = format!("--datadir={}", folder.path("data").display());
    let mut command = folder.command(&install);
    command.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
    Folder::run(command.arg(&data))?;

    let accounts = folder.write(
        "accounts.sql",
        &format!(
            "CREATE DATABASE {USER};\n\
             CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{USER}';\n\
             GRANT ALL ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n"
        ),
    )?;
    let port = free_port()?;
    let mut command = folder.command(&mariadbd);
    command.args(["--no-defaults", &data]).args(SETTINGS).arg(format!("--port={port}"));
    command.arg(format!("--socket={}", folder.path("socket").display()));
    command.arg(format!("--pid-file={}", folder.path("pid").display()));
    command.arg(format!("--init-file={}", accounts.display()));
    let server = folder.serve(&mut command, "TERM", || greets(port))?;
    Ok((server, format!("mysql://{USER}:{USER}@127.0.0.1:{port}/{USER}")))
}

/// The server speaks first, and not before its accounts are there.
fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    let patience = stream.set_read_timeout(Some(Duration::from_secs(1)));
    patience.and_then(|()| stream.read_exact(&mut [0])).is_ok()
}
