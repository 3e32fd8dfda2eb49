//! The throughput of a guarded route as a share of that of an open one, for each framework and store.
//!
//! A server of `bench-servers` is built with optimizations and served on 127.0.0.1. wrk asks for its two routes
//! in turn, so that whatever else the machine does falls on both. The ratio is what can be compared between
//! machines; requests per second cannot.

pub(crate) mod load;
pub(crate) mod server;

use std::path::Path;
use std::time::Duration;
use std::{env, fmt};

use anyhow::{Context, ensure};
use clap::ValueEnum;
use tempfile::TempDir;

use self::load::{Load, Throughput};
use self::server::{Command, Server};
use super::Common;
use super::bar::Bar;
use super::peers::{self, Peer};
use super::table::Table;
use crate::services::Services;
use crate::workspace;

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench http                         three frameworks, three stores, without and with a cache
  cargo xtask bench http --framework axum        one framework; also --store, and both may be repeated
  cargo xtask bench http --rounds 15 --seconds 2 steadier medians, in four times the time

It needs wrk (https://github.com/wg/wrk), which root gets by itself on Debian and Ubuntu, and for the rows of
PostgreSQL a server: the one that APIKEY_TEST_POSTGRES_URL names, or a throw-away one of an installed PostgreSQL.";

const COLUMNS: [&str; 8] =
    ["framework", "store", "cache", "open (1/s)", "guarded (1/s)", "ratio", "range", "added µs"];

/// The column of the ratio.
const RATIO: usize = 5;

/// The variable that names the server.
const POSTGRES: &str = "APIKEY_TEST_POSTGRES_URL";

#[derive(Debug, clap::Args)]
// Without a group of its own: it would have the name of the one that it is flattened into.
#[group(skip)]
pub(crate) struct Args {
    #[command(flatten)]
    load: Load,

    /// Measures this framework; all if none is named.
    #[arg(long = "framework", value_enum)]
    frameworks: Vec<Framework>,

    /// Measures this store; all if none is named.
    #[arg(long = "store", value_enum)]
    stores: Vec<Store>,

    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Framework {
    Axum,
    Actix,
    Rocket,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Store {
    Memory,
    Sqlite,
    Postgres,
}

/// One row to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Variant {
    framework: Framework,
    store: Store,
    is_cached: bool,
}

/// All that is needed to measure, built and running.
pub(crate) struct Stage<'a> {
    load: &'a Load,
    variants: Vec<Variant>,
    peers: Vec<Peer>,
    postgres: Option<String>,
    notes: Vec<String>,
    folder: TempDir,
    /// Ends the server of PostgreSQL.
    _services: Option<Services>,
}

/// Builds and starts what the rows need.
pub(crate) fn prepare(args: &Args) -> anyhow::Result<Stage<'_>> {
    load::install()?;
    let mut variants = variants(&args.frameworks, &args.stores);
    build(&variants)?;
    let (peers, missing) =
        if args.common.peers { peers::install()? } else { (Vec::new(), Vec::new()) };
    let mut notes = args.load.notes();
    notes.extend(missing);
    let needs_postgres = variants.iter().any(|variant| variant.store == Store::Postgres);
    let (postgres, services) = if needs_postgres { find_postgres()? } else { (None, None) };
    if needs_postgres && postgres.is_none() {
        let missing = services.iter().flat_map(|services| &services.missing);
        notes.extend(missing.map(|missing| format!("Not measured: {missing}.")));
        variants.retain(|variant| variant.store != Store::Postgres);
    }
    let folder = tempfile::tempdir().context("cannot make a folder for the databases")?;
    Ok(Stage { load: &args.load, variants, peers, postgres, notes, folder, _services: services })
}

/// Returns the combinations, in the order of the table.
fn variants(frameworks: &[Framework], stores: &[Store]) -> Vec<Variant> {
    let mut variants = Vec::new();
    for &framework in Framework::value_variants() {
        for &store in Store::value_variants() {
            let is_wanted = (frameworks.is_empty() || frameworks.contains(&framework))
                && (stores.is_empty() || stores.contains(&store));
            let caches = [false, true].into_iter().filter(|_| is_wanted);
            variants.extend(caches.map(|is_cached| Variant { framework, store, is_cached }));
        }
    }
    variants
}

fn build(variants: &[Variant]) -> anyhow::Result<()> {
    eprintln!("==> building the servers");
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--release", "--package", "bench-servers"]);
    let mut programs: Vec<_> = variants.iter().map(|variant| variant.framework.program()).collect();
    programs.dedup();
    cargo.args(programs.iter().flat_map(|program| ["--bin", program]));
    let status = cargo.status().context("cannot start cargo")?;
    ensure!(status.success(), "the servers do not build");
    Ok(())
}

/// Returns the server that the environment names, or starts one.
fn find_postgres() -> anyhow::Result<(Option<String>, Option<Services>)> {
    if let Ok(url) = env::var(POSTGRES) {
        return Ok((Some(url), None));
    }
    let services = Services::start_only(&[POSTGRES])?;
    let url = services.variables.first().map(|(_, url)| url.clone());
    Ok((url, Some(services)))
}

impl Stage<'_> {
    fn row_count(&self) -> usize {
        self.variants.len() + self.peers.len()
    }

    /// How long [`measure`](Self::measure) takes about.
    pub(crate) fn duration(&self) -> Duration {
        let ours = self.load.duration() * u32::try_from(self.variants.len()).unwrap_or(u32::MAX);
        ours + self.peers.iter().map(|peer| peer.load(self.load).duration()).sum::<Duration>()
    }

    /// Measures row by row, and returns the table.
    pub(crate) fn measure(self) -> anyhow::Result<Table> {
        let mut rows = Vec::new();
        for variant in &self.variants {
            let server = variant.start(self.postgres.as_deref(), self.folder.path());
            let labels = variant.labels();
            rows.push(self.row(rows.len(), labels, server, self.load)?);
        }
        let mut notes = self.notes.clone();
        notes.extend(self.verdict(&rows));
        for (number, peer) in (rows.len()..).zip(&self.peers) {
            match self.row(number, peer.labels(), peer.start(), &peer.load(self.load)) {
                Ok(row) => rows.push(row),
                // What others wrote may fail for reasons of its own.
                Err(error) => notes.push(peers::absent(peer.label(), &error)),
            }
        }
        let title = "A guarded route beside an open one".to_owned();
        let columns = COLUMNS.map(str::to_owned).into();
        let peer_notes = self.peers.iter().filter_map(Peer::note);
        notes.extend(peer_notes);
        Ok(Table { title, words: 3, columns, rows, notes })
    }

    /// Judges the rows with the cache on by the least ratio among them.
    fn verdict(&self, rows: &[Vec<String>]) -> Option<String> {
        let cached = self.variants.iter().zip(rows).filter(|(variant, _)| variant.is_cached);
        let ratios = cached.filter_map(|(_, row)| row.get(RATIO)?.parse::<f64>().ok());
        let what =
            "guarded throughput as a share of the open one with the cache on, its least median";
        ratios.reduce(f64::min).map(|least| Bar::AtLeast(0.90).verdict(what, least))
    }

    fn row(
        &self,
        number: usize,
        labels: [String; 3],
        server: anyhow::Result<Server>,
        load: &Load,
    ) -> anyhow::Result<Vec<String>> {
        let name = labels.join(", ");
        eprintln!("==> {} of {}: {name}", number + 1, self.row_count());
        let measured = server.and_then(|server| {
            server.check()?;
            load.measure(&server)
        });
        let throughput: Throughput = measured.with_context(|| name.clone())?;
        eprintln!("    {throughput}");
        Ok(labels.into_iter().chain(throughput.cells()).collect())
    }
}

impl Framework {
    fn program(self) -> &'static str {
        match self {
            Self::Axum => "bench-axum",
            Self::Actix => "bench-actix",
            Self::Rocket => "bench-rocket",
        }
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Axum => "Axum",
            Self::Actix => "Actix Web",
            Self::Rocket => "Rocket",
        })
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl Variant {
    fn labels(self) -> [String; 3] {
        let cache = if self.is_cached { "on" } else { "off" };
        [self.framework.to_string(), self.store.to_string(), cache.to_owned()]
    }

    /// Starts the server of this row. Each has a database of its own.
    fn start(self, postgres: Option<&str>, folder: &Path) -> anyhow::Result<Server> {
        let [framework, _, cache] = self.labels();
        let store = match self.store {
            Store::Memory => "memory".to_owned(),
            Store::Sqlite => {
                let file = folder.join(format!("{framework}-{cache}.db").replace(' ', "-"));
                format!("sqlite://{}", file.display())
            }
            Store::Postgres => postgres.context("there is no PostgreSQL")?.to_owned(),
        };
        let program = workspace::target()?.join("release").join(self.framework.program());
        let mut command = Command::new(program);
        command.args(["--store", &store, "--cache", &cache]);
        Server::start(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_every_combination_unless_some_are_named() {
        assert_eq!(variants(&[], &[]).len(), 18);
        let some = variants(&[Framework::Rocket], &[Store::Sqlite]);
        let labels: Vec<_> = some.into_iter().map(Variant::labels).collect();
        assert_eq!(labels, [["Rocket", "SQLite", "off"], ["Rocket", "SQLite", "on"]]);
    }
}
