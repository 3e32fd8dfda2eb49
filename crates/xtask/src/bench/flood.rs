//! `cargo xtask bench flood`: what a flood of bad keys takes from good ones, with Argon2id.

use super::printed;
use super::table::Form;

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench flood                 over a minute; nothing else should be running
  cargo xtask bench flood --rounds 2      a first look
  cargo xtask bench flood --markdown      the same table for a document

What can be compared between machines are the ratios.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often each flood is measured, beside as many rounds without.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: u8,

    /// Prints Markdown.
    #[arg(long)]
    markdown: bool,
}

/// Measures, with the cache off and on.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    printed::run("flood", &["--rounds", &args.rounds.to_string()], Form::of(args.markdown))
}
