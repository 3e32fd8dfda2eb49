//! `apikey check`

use apikey_core::ApiKeys;
use clap::Args;

use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// Look for configuration mistakes, and say how to fix them
///
/// Looks at the table, and for stored hashes that the hashers without a pepper (SHA-256, SHA-512, Argon2id,
/// PBKDF2, and those of Django) cannot verify. A service with a pepper is reported here, too: let it check
/// itself, with `ApiKeys::check`. The exit code is 1 if there are problems.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey check
  apikey check --output json")]
pub(crate) struct Check {}

impl Check {
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        let findings = keys.check().await?;
        output.findings(&findings)?;
        Ok(if findings.is_empty() { Outcome::Done } else { Outcome::Refused })
    }
}
