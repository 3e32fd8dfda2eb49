//! `cargo xtask bench timing`: what the time of an answer tells about a key to whoever lacks its secret.

use super::printed;
use super::table::Form;

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench timing                     a million samples of each kind
  cargo xtask bench timing --samples 100000    a first look
  cargo xtask bench timing --markdown          the same tables for a document

Kinds of keys whose |t| is below 4.5 cannot be told apart.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many requests of each kind are timed.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    samples: u32,

    /// Prints Markdown.
    #[arg(long)]
    markdown: bool,
}

/// Measures in one process, then over loopback.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    printed::run("timing", &["--samples", &args.samples.to_string()], Form::of(args.markdown))
}
