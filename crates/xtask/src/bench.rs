//! `cargo xtask bench`: what keys cost, measured on this machine.

mod bar;
mod flood;
mod http;
mod micro;
mod peers;
mod printed;
mod store;
mod table;
mod timing;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Subcommand;

use self::table::Form;

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench                        both parts: single calls, and the three frameworks over three stores
  cargo xtask bench --peers                other libraries as well: their servers, and crates in the first part
  cargo xtask bench --markdown             the same tables for a document
  cargo xtask bench --rounds 15            steadier medians, in twice the time
  cargo xtask bench micro                  single calls alone: under a minute
  cargo xtask bench http --framework axum --store sqlite
  cargo xtask bench store                  what the store costs with few and with many keys
  cargo xtask bench flood                  what floods of bad keys take from good ones
  cargo xtask bench timing                 what the time of an answer tells

It builds what it measures first. How long the rest takes is said before it begins.";

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Option<Part>,

    #[command(flatten)]
    both: http::Args,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Measures single calls, in units of one SHA-256.
    #[command(after_help = micro::EXAMPLES)]
    Micro(Common),
    /// Compares a guarded route with an open one, for each framework and store.
    #[command(after_help = http::EXAMPLES)]
    Http(http::Args),
    /// Compares a small table of keys with a large one, on each database.
    #[command(after_help = store::EXAMPLES)]
    Store,
    /// Floods good keys with bad ones, with Argon2id.
    #[command(after_help = flood::EXAMPLES)]
    Flood(flood::Args),
    /// Compares the times of refusals of keys in different states.
    #[command(after_help = timing::EXAMPLES)]
    Timing(timing::Args),
}

/// What every part takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Measures other libraries as well, which are downloaded from their registries into `target/bench-peers`.
    #[arg(long)]
    peers: bool,

    /// Prints Markdown.
    #[arg(long)]
    markdown: bool,
}

impl Common {
    fn form(&self) -> Form {
        Form::of(self.markdown)
    }
}

/// Measures, and prints the tables on standard output. Progress goes to standard error.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.part {
        Some(Part::Store) => return store::run(),
        Some(Part::Flood(args)) => flood::run(args)?,
        Some(Part::Timing(args)) => timing::run(args)?,
        Some(Part::Micro(common)) => micro(common)?,
        Some(Part::Http(http)) => self::http(http)?,
        None => both(&args.both)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn micro(common: &Common) -> anyhow::Result<()> {
    let calls = micro::build(common.peers)?;
    announce(calls.duration());
    let table = calls.measure()?;
    println!("{}\n{}", head(), table.render(common.form()));
    Ok(())
}

fn http(args: &http::Args) -> anyhow::Result<()> {
    let stage = http::prepare(args)?;
    announce(stage.duration());
    let table = stage.measure()?;
    println!("{}\n{}", head(), table.render(args.common.form()));
    Ok(())
}

fn both(args: &http::Args) -> anyhow::Result<()> {
    // Everything is built before anything is measured.
    let calls = micro::build(args.common.peers)?;
    let stage = http::prepare(args)?;
    announce(calls.duration() + stage.duration());
    let form = args.common.form();
    let micro = calls.measure()?;
    let http = stage.measure()?;
    println!("{}\n{}\n{}", head(), micro.render(form), http.render(form));
    Ok(())
}

fn announce(duration: Duration) {
    eprintln!("everything is built; measuring takes about {}", in_words(duration));
}

fn in_words(duration: Duration) -> String {
    let minutes = duration.as_secs().div_ceil(60);
    if minutes == 1 { "a minute".to_owned() } else { format!("{minutes} minutes") }
}

/// Says where and when the figures were made.
fn head() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let day = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let day = day.split('T').next().unwrap_or_default();
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("Measured on {day}, on {system} {machine} with {cores} cores.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_a_duration_up_to_minutes() {
        assert_eq!(in_words(Duration::from_secs(20)), "a minute");
        assert_eq!(in_words(Duration::from_secs(61)), "2 minutes");
    }
}
