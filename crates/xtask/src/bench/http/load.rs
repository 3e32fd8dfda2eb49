//! The load: rounds of wrk, an open and a guarded route in turn, and what they amount to.

use std::fmt;
use std::io::ErrorKind;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::server::{GUARDED, OPEN, Server};
use crate::bench::table::median;
use crate::services;

/// When a request counts as failed. Slow is not failed.
const TIMEOUT: &str = "20s";

/// The bounds keep a mistyped number from keeping a machine busy for hours.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Load {
    /// How often each route is measured.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=50))]
    rounds: u8,

    /// How long each measurement takes.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=60))]
    seconds: u8,

    /// How many connections are open at once.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
}

/// Requests per second of the two routes, round by round.
#[derive(Debug, Default)]
pub(crate) struct Throughput {
    open: Vec<f64>,
    guarded: Vec<f64>,
}

/// Installs wrk where that is possible.
pub(crate) fn install() -> anyhow::Result<()> {
    if !is_installed()? {
        services::install::packages(&["wrk"]);
    }
    if !is_installed()? {
        bail!("wrk is not installed: `apt-get install wrk`, `brew install wrk`");
    }
    Ok(())
}

fn is_installed() -> anyhow::Result<bool> {
    match Command::new("wrk").arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        other => other.map(|_| true).context("cannot start wrk"),
    }
}

impl Load {
    /// How long one row takes about, with the start of its server.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(2 + u64::from(self.seconds) * (1 + 2 * u64::from(self.rounds)))
    }

    /// The same over the same connections, for a server that answers little in the seconds of this one.
    pub(crate) fn slower(&self, rounds: u8, seconds: u8) -> Self {
        Self { rounds: rounds.min(self.rounds), seconds: seconds.max(self.seconds), ..*self }
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        let Self { rounds, seconds, connections } = self;
        vec![
            format!(
                "Medians of {rounds} rounds of {seconds} s for each route, in turn, over {connections} connections of \
                 one wrk thread."
            ),
            "ratio: guarded throughput as a share of the open one in the same round, its median and range. 1.00 means \
             that the guard costs nothing."
                .to_owned(),
            "added µs: what a request takes longer, at full load of all cores together.".to_owned(),
            "Both routes run the same code for the same JSON body. The server has the worker threads that its framework \
             takes by default, one for each core; wrk and the database share these cores."
                .to_owned(),
        ]
    }

    /// Measures both routes in turn, beginning with the other one in every second round.
    pub(crate) fn measure(&self, server: &Server) -> anyhow::Result<Throughput> {
        let mut throughput = Throughput::default();
        // Pages, connections and branch predictors are cold once.
        self.ask(server, GUARDED)?;
        for round in 0..self.rounds {
            if round % 2 == 0 {
                throughput.open.push(self.ask(server, OPEN)?);
                throughput.guarded.push(self.ask(server, GUARDED)?);
            } else {
                throughput.guarded.push(self.ask(server, GUARDED)?);
                throughput.open.push(self.ask(server, OPEN)?);
            }
        }
        Ok(throughput)
    }

    /// Returns the requests per second. The key is sent to both routes: only one looks at it.
    fn ask(&self, server: &Server, path: &str) -> anyhow::Result<f64> {
        let output = Command::new("wrk")
            .args(["--threads", "1", "--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", self.seconds)])
            .args(["--timeout", TIMEOUT, "--header", server.header()])
            .arg(server.url(path))
            .output()
            .context("cannot start wrk")?;
        if path == GUARDED {
            server.settle()?;
        }
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "wrk failed: {}", String::from_utf8_lossy(&output.stderr));
        parse(&text).with_context(|| format!("{path} was not measured:\n{text}"))
    }
}

/// Reads wrk's report; none if any request failed, which would be measured as fast.
fn parse(report: &str) -> Option<f64> {
    if report.contains("Non-2xx") || report.contains("Socket errors") {
        return None;
    }
    let line = report.lines().find_map(|line| line.strip_prefix("Requests/sec:"))?;
    line.trim().parse().ok().filter(|number| *number > 0.0)
}

impl Throughput {
    fn ratios(&self) -> Vec<f64> {
        self.open.iter().zip(&self.guarded).map(|(open, guarded)| guarded / open).collect()
    }

    /// Microseconds that a request takes longer behind the guard.
    fn added(&self) -> f64 {
        1e6 / median(&self.open) * (1.0 / median(&self.ratios()) - 1.0)
    }

    /// The cells of the table: open, guarded, ratio, range of the ratio, added microseconds.
    pub(crate) fn cells(&self) -> [String; 5] {
        let ratios = self.ratios();
        let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let high = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        [
            rate(median(&self.open)),
            rate(median(&self.guarded)),
            ratio(median(&ratios)),
            format!("{}–{}", ratio(low), ratio(high)),
            rate(self.added()),
        ]
    }
}

/// One digit after the point, where there are few before it.
fn rate(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// Two digits that count, also for a guard that leaves next to nothing.
fn ratio(value: f64) -> String {
    match value {
        small if small < 0.0095 => format!("{small:.4}"),
        low if low < 0.095 => format!("{low:.3}"),
        high => format!("{high:.2}"),
    }
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [open, guarded, ratio, range, added] = self.cells();
        write!(f, "open {open}/s, guarded {guarded}/s, ratio {ratio} ({range}), {added} µs added")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "Running 2s test @ http://127.0.0.1:3000/public\n  1 threads and 16 connections\n  \
                          40000 requests in 2.00s, 6.00MB read\nRequests/sec:  20000.50\nTransfer/sec: 3.00MB\n";

    #[test]
    fn reads_the_report_of_wrk() {
        assert_eq!(parse(REPORT), Some(20_000.5));
    }

    #[test]
    fn measures_nothing_where_requests_failed() {
        let refused = format!("{REPORT}  Non-2xx or 3xx responses: 40000\n");
        assert_eq!(parse(&refused), None);
        let broken = format!("  Socket errors: connect 0, read 7\n{REPORT}");
        assert_eq!(parse(&broken), None);
        assert_eq!(parse("unable to connect"), None);
        assert_eq!(parse("Requests/sec:      0.00"), None);
    }

    #[test]
    fn compares_the_routes_within_a_round() {
        // The machine slows down; the ratio stays.
        let open = vec![20_000.0, 10_000.0, 5_000.0];
        let guarded = vec![16_000.0, 8_000.0, 4_500.0];
        let [open, guarded, ratio, range, added] = Throughput { open, guarded }.cells();
        assert_eq!([open, guarded, ratio, range], ["10000", "8000", "0.80", "0.80–0.90"]);
        assert_eq!(added, "25.0");
    }

    #[test]
    fn tells_slow_servers_apart() {
        let (open, guarded) = (vec![4_000.0], vec![4.25]);
        let [_, guarded, ratio, range, added] = Throughput { open, guarded }.cells();
        assert_eq!([guarded, ratio, range, added], ["4.2", "0.0011", "0.0011–0.0011", "235044"]);
    }
}
