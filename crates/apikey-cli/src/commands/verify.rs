//! `apikey verify`

use std::io::{self, IsTerminal, Read};

use apikey_core::{ApiKeys, DenyReason, MAX_KEY_LENGTH};
use clap::Args;
use zeroize::Zeroizing;

use crate::args::Unrepeated;
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};
use crate::program::Program;

/// The most that is read: a key, and some white space around it.
const MOST: usize = MAX_KEY_LENGTH + 64;

/// Verify a key as a service would, and say what is wrong with it
///
/// Reads the key from standard input, up to its end, without white space around it. At a terminal it asks
/// for the key, and does not show what is typed. A key is never given as an argument: other users and the
/// history of the shell would see it. The exit code is 1 if the key is not good.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey verify
  printenv API_KEY | apikey verify -
  apikey verify --brand acme_live < key.txt

Keys of the format PREFIX.SECRET are read whether or not there is a brand.")]
pub(crate) struct Verify {
    /// Read the key from standard input, which is the default
    #[arg(value_name = "-", num_args = 0.., value_parser = Unrepeated(standard_input))]
    input: Vec<()>,
}

impl Verify {
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        let text = read().map_err(Failure::Input)?;
        if text.len() > MOST {
            return Ok(refuse(explain(DenyReason::TooLong, &output.program)));
        }
        let text = text.trim_ascii();
        if text.is_empty() {
            return Ok(refuse("there is no key on standard input"));
        }
        match keys.verify(text).await {
            Ok(key) => {
                output.key(&*key)?;
                Ok(Outcome::Done)
            }
            Err(error) if error.reason() == DenyReason::StoreUnavailable => {
                Err(Failure::Verify(error))
            }
            Err(error) => Ok(refuse(explain(error.reason(), &output.program))),
        }
    }
}

fn refuse(reason: &str) -> Outcome {
    Output::note(&format!("refused: {reason}"));
    Outcome::Refused
}

fn standard_input(argument: &str) -> Result<(), &'static str> {
    if argument == "-" {
        return Ok(());
    }
    Err(
        "a key is never given as an argument, where other users and the history of the shell see it: \
         pass it on standard input, as in `verify - < key.txt`",
    )
}

/// Reads the key. The command has nothing else to do meanwhile, so it may block. Of an input that is too
/// long one byte too many is read.
fn read() -> io::Result<Zeroizing<Vec<u8>>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let text = Zeroizing::new(rpassword::prompt_password("Key (is not shown): ")?);
        return Ok(Zeroizing::new(text.as_bytes().to_vec()));
    }
    let mut text = Zeroizing::new(Vec::with_capacity(MOST + 1));
    stdin.lock().take(MOST as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// Tells an operator, who sees the database anyway, what clients are not told.
fn explain(reason: DenyReason, program: &Program) -> &'static str {
    match reason {
        DenyReason::TooLong => "it is longer than any key",
        DenyReason::Malformed if program.is_own => "it does not have the format of a key",
        DenyReason::Malformed => {
            "it does not have the format of a key; if the service's keys have a brand, name it with \
             --brand"
        }
        DenyReason::Checksum => {
            "its checksum does not match: a character was changed or lost on the way"
        }
        DenyReason::UnknownPrefix => "no key has its prefix; is this the right database?",
        DenyReason::WrongSecret => "a key with its prefix exists, and has another secret",
        DenyReason::Revoked => "the key is revoked",
        DenyReason::Disabled => "the key is disabled",
        DenyReason::Expired => "the key has expired",
        DenyReason::OwnerNotUsable => "the owner of the key may not use it",
        DenyReason::HasherNotConfigured if program.is_own => {
            "its hash was made by a hasher or pepper that this program does not have"
        }
        DenyReason::HasherNotConfigured => {
            "its hash was made by a hasher or pepper that only the service has; ask the service"
        }
        DenyReason::BadStoredHash => "its stored hash is damaged, or asks for too much work",
        DenyReason::UnreadableRow => "its row cannot be read: `apikey check` says how to repair it",
        other => other.as_str(),
    }
}
