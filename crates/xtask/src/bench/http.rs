//! `cargo xtask bench http`: the throughput of `/protected` as a share of that of `/public`.
//!
//! Each quickstart is built with optimizations and served on 127.0.0.1 over a database of its own. wrk asks
//! for the two routes in turn, so that whatever else the machine does falls on both. The ratio of the
//! medians is what can be compared between machines; requests per second cannot.

mod server;
mod table;

use std::io::ErrorKind;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};

use self::server::Server;
use self::table::Row;
use crate::workspace;

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench http                         the three frameworks, 5 rounds of 2 seconds for each route
  cargo xtask bench http --rounds 9 --seconds 5  steadier medians, in three times the time

It needs wrk (https://github.com/wg/wrk): `apt-get install wrk`, `brew install wrk`.";

const FRAMEWORKS: [&str; 3] = ["axum", "actix", "rocket"];

/// The bounds keep a mistyped number from keeping a machine busy for hours.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often each route is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=50))]
    rounds: u8,

    /// How long each measurement takes.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=60))]
    seconds: u8,

    /// How many connections are open at once.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
}

/// Measures, and prints one table.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    check_wrk()?;
    let packages = FRAMEWORKS.map(|framework| format!("quickstart-{framework}"));
    build(&packages)?;
    let mut rows = Vec::new();
    for (framework, package) in FRAMEWORKS.into_iter().zip(&packages) {
        println!("==> {framework}");
        let server = Server::start(package)?;
        rows.push(measure(framework, &server, args)?);
    }
    println!("\n{}", table::render(&rows));
    Ok(ExitCode::SUCCESS)
}

fn check_wrk() -> anyhow::Result<()> {
    match Command::new("wrk").arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("wrk is not installed: `apt-get install wrk`, `brew install wrk`")
        }
        other => other.map(drop).context("cannot start wrk"),
    }
}

fn build(packages: &[String]) -> anyhow::Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--release"]);
    cargo.args(packages.iter().flat_map(|package| ["--package", package.as_str()]));
    ensure!(
        cargo.status().context("cannot start cargo")?.success(),
        "the quickstarts do not build"
    );
    Ok(())
}

fn measure(framework: &'static str, server: &Server, args: &Args) -> anyhow::Result<Row> {
    let mut row = Row::new(framework);
    // Pages, connections and branch predictors are cold once.
    throughput(server, "/protected", args)?;
    for round in 0..args.rounds {
        row.public.push(throughput(server, "/public", args)?);
        row.protected.push(throughput(server, "/protected", args)?);
        println!("round {} of {}", round + 1, args.rounds);
    }
    Ok(row)
}

/// Returns the requests per second. The key is sent to both routes: only one looks at it.
fn throughput(server: &Server, path: &str, args: &Args) -> anyhow::Result<f64> {
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", &args.connections.to_string()])
        .args(["--duration", &format!("{}s", args.seconds)])
        .args(["--header", &format!("Authorization: Api-Key {}", server.key())])
        .arg(server.url(path))
        .output()
        .context("cannot start wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk failed: {}", String::from_utf8_lossy(&output.stderr));
    read_throughput(&text).with_context(|| format!("{path} was not measured:\n{text}"))
}

/// Reads wrk's report; none if any request failed, which would be measured as fast.
fn read_throughput(report: &str) -> Option<f64> {
    if report.contains("Non-2xx") || report.contains("Socket errors") {
        return None;
    }
    let line = report.lines().find_map(|line| line.strip_prefix("Requests/sec:"))?;
    line.trim().parse().ok().filter(|number| *number > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "Running 2s test @ http://127.0.0.1:3000/public\n  1 threads and 16 connections\n  \
                          40000 requests in 2.00s, 6.00MB read\nRequests/sec:  20000.50\nTransfer/sec: 3.00MB\n";

    #[test]
    fn reads_the_report_of_wrk() {
        assert_eq!(read_throughput(REPORT), Some(20_000.5));
    }

    #[test]
    fn measures_nothing_where_requests_failed() {
        let refused = format!("{REPORT}  Non-2xx or 3xx responses: 40000\n");
        assert_eq!(read_throughput(&refused), None);
        let broken = format!("  Socket errors: connect 0, read 7\n{REPORT}");
        assert_eq!(read_throughput(&broken), None);
        assert_eq!(read_throughput("unable to connect"), None);
        assert_eq!(read_throughput("Requests/sec:      0.00"), None);
    }
}
