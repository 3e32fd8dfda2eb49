//! The keeper: starts the servers, says where they are, and stops them when nobody needs them any more.

use std::{
    env,
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
    thread,
};

use anyhow::Context;
use tempfile::TempDir;

use super::{READY, RETRIED, install, mariadb, postgres, redis, server::Server};

/// A kind of server.
struct Service {
    name: &'static str,
    variable: &'static str,
    /// The Debian package.
    package: &'static str,
    is_installed: fn() -> bool,
    /// Starts a server in a folder and returns it with its URL.
    start: fn(&Path) -> anyhow::Result<(Server, String)>,
}

const SERVICES: [Service; 3] = [
    Service {
        name: "PostgreSQL",
        variable: "APIKEY_TEST_POSTGRES_URL",
        package: "postgresql",
        is_installed: postgres::is_installed,
        start: postgres::start,
    },
    Service {
        name: "MariaDB",
        variable: "APIKEY_TEST_MYSQL_URL",
        package: "mariadb-server",
        is_installed: mariadb::is_installed,
        start: mariadb::start,
    },
    Service {
        name: "Redis",
        variable: "APIKEY_TEST_REDIS_URL",
        package: "redis-server",
        is_installed: redis::is_installed,
        start: redis::start,
    },
];

/// Keeps the servers until standard input ends: those of these variables, or all if none is named.
pub(crate) fn run(variables: &[String]) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("apikey-").tempdir();
    let folder = folder.context("cannot create a folder for the servers")?;
    let is_asked_for = |service: &&Service| {
        variables.is_empty() || variables.iter().any(|variable| variable == service.variable)
    };
    let absent = |service: &&Service| env::var_os(service.variable).is_none();
    let wanted: Vec<_> = SERVICES.iter().filter(is_asked_for).filter(absent).collect();
    let missing = wanted.iter().filter(|service| !(service.is_installed)());
    install::packages(&missing.map(|service| service.package).collect::<Vec<_>>());
    let servers = start(&wanted, &folder);
    writeln!(io::stdout(), "{READY}")?;
    // Nothing is ever written to it; it ends with the process that holds the other end.
    io::stdin().read_to_end(&mut Vec::new())?;
    drop(servers);
    folder.close().context("cannot remove the folder of the servers")?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the servers side by side and reports each.
fn start(wanted: &[&'static Service], folder: &TempDir) -> Vec<Server> {
    let results: Vec<_> = thread::scope(|scope| {
        let begin = |service: &'static Service| {
            // Once more if it fails: another program may have taken its port.
            let start = || (service.start)(folder.path());
            let again = move |error| {
                println!("{RETRIED}the start of {}: {}", service.name, on_one_line(&error));
                start()
            };
            (service, scope.spawn(move || start().or_else(again)))
        };
        let starts: Vec<_> = wanted.iter().copied().map(begin).collect();
        starts.into_iter().map(|(service, start)| (service, start.join())).collect()
    });
    let mut servers = Vec::new();
    for (service, result) in results {
        let result = result.unwrap_or_else(|_| Err(anyhow::anyhow!("its start panicked")));
        match result {
            Ok((server, url)) => {
                println!("{}={url}", service.variable);
                servers.push(server);
            }
            Err(error) => println!("{}: {}", service.name, on_one_line(&error)),
        }
    }
    servers
}

fn on_one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").replace('\n', " ")
}
