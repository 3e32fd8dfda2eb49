//! A MariaDB server.

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::Duration;

use crate::private::{Home, Kind, program, run};

const USER: &str = "apikey";
const PROGRAMS: [&str; 2] = ["mariadb-install-db", "mariadbd"];

/// A commit is written to the operating system before it is acknowledged, so it survives `kill -9`; it need not
/// survive a power failure.
const SETTINGS: [&str; 5] = [
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-buffer-pool-size=32M",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
];

pub(crate) struct Mariadb;

impl Kind for Mariadb {
    const NAME: &'static str = "MariaDB";
    const STOP: &'static str = "TERM";
    const ACCOUNTS: &'static [&'static str] = &["mysql", "nobody"];

    fn missing() -> Option<String> {
        let missing = PROGRAMS.into_iter().find(|name| program::find(name).is_none());
        missing.map(|name| format!("`{name}` is not installed"))
    }

    fn prepare(home: &Home) {
        let mut command = home.command(program::find(PROGRAMS[0]).unwrap());
        command.args(["--no-defaults", "--skip-test-db"]);
        command.arg("--auth-root-authentication-method=normal");
        run(command.arg(format!("--datadir={}", home.path("data").display())));
        home.write(
            "accounts.sql",
            &format!(
                "CREATE DATABASE IF NOT EXISTS {USER};\n\
                 CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1' IDENTIFIED BY '{USER}';\n\
                 GRANT ALL ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n"
            ),
        );
    }

    fn command(home: &Home) -> Command {
        let mut command = home.command(program::find(PROGRAMS[1]).unwrap());
        command.arg("--no-defaults").args(SETTINGS).arg(format!("--port={}", home.port));
        for (option, file) in [
            ("datadir", "data"),
            ("socket", "socket"),
            ("pid-file", "pid"),
            ("init-file", "accounts.sql"),
        ] {
            command.arg(format!("--{option}={}", home.path(file).display()));
        }
        command
    }

    /// The server speaks first, and not before its accounts are there.
    fn is_ready(home: &Home, _: u32) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, home.port)) else {
            return false;
        };
        let patience = stream.set_read_timeout(Some(Duration::from_secs(1)));
        patience.and_then(|()| stream.read_exact(&mut [0])).is_ok()
    }

    fn url(home: &Home) -> String {
        format!("mysql://{USER}:{USER}@127.0.0.1:{}/{USER}", home.port)
    }
}
