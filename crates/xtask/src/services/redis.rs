//! A Redis server.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    time::Duration,
};

use super::{
    program,
    server::{Folder, Server, free_port},
};

/// Valkey is the same under another name.
const NAMES: [&str; 2] = ["redis-server", "valkey-server"];

pub(super) fn is_installed() -> bool {
    program::find(&NAMES).is_ok()
}

pub(super) fn start(parent: &Path) -> anyhow::Result<(Server, String)> {
    let program = program::find(&NAMES)?;
    let folder = Folder::create(parent, "redis", &["redis", "nobody"])?;
    let port = free_port()?;
    let mut command = folder.command(&program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command.args(["--save", "", "--appendonly", "no"]);
    command.arg("--unixsocket").arg(folder.path("socket"));
    let server = folder.serve(&mut command, "TERM", || answers(port))?;
    Ok((server, format!("redis://127.0.0.1:{port}/")))
}

fn answers(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    ask().is_ok_and(|answer| answer == *b"+PONG")
}
