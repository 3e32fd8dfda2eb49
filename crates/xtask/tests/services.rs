//! `cargo xtask services` from outside.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_server_ends_with_the_process_that_started_it_even_by_kill_9() {
    let mut services = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("services")
        .env("APIKEY_TEST_POSTGRES_URL", "is there")
        .env("APIKEY_TEST_MYSQL_URL", "is there")
        .env_remove("APIKEY_TEST_REDIS_URL")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(services.stdout.take().unwrap()).lines().map(Result::unwrap);
    let lines: Vec<_> = lines.take_while(|line| !line.contains("Ctrl-C")).collect();
    services.kill().unwrap();
    services.wait().unwrap();
    let [line] = &lines[..] else { panic!("one server was asked for: {lines:?}") };
    if line.starts_with("# missing: Redis") {
        return; // `cargo xtask test` says so.
    }
    let url = line.strip_prefix("export APIKEY_TEST_REDIS_URL='redis://").unwrap();
    let address = url.strip_suffix("/'").unwrap();
    let start = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(start.elapsed() < PATIENCE, "the server still listens");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn servers_that_the_environment_names_are_used_and_not_started() {
    let mut keeper = Command::new(env!("CARGO_BIN_EXE_xtask"));
    for name in ["POSTGRES", "MYSQL", "REDIS"] {
        keeper.env(format!("APIKEY_TEST_{name}_URL"), "is there");
    }
    let output = keeper.arg("keep-services").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"ready\n");
}
