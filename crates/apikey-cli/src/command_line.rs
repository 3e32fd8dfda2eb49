//! From arguments and variables to a command, or to a refusal that repeats no value.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, FromArgMatches};

/// What stands in the place of a word that was typed.
const NOT_SHOWN: &str = "(not shown: it may be a key)";

/// Reads a command line, or says what is wrong with it.
pub(crate) fn parse<C: FromArgMatches>(
    command: Command,
    arguments: &[OsString],
) -> Result<(C, ArgMatches), ExitCode> {
    matches(command, arguments).map_err(|error| {
        // Help and version come this way, too. That nobody may read them is no failure.
        let _ = error.print();
        if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
    })
}

fn matches<C: FromArgMatches>(
    command: Command,
    arguments: &[OsString],
) -> Result<(C, ArgMatches), clap::Error> {
    let known = words(&command);
    let mut asked = without_blank_variables(command.clone());
    let matches = asked.try_get_matches_from_mut(arguments).map_err(|error| match error.kind() {
        // Help names all variables.
        ErrorKind::DisplayHelp => command.try_get_matches_from(arguments).err().unwrap_or(error),
        _ => error,
    });
    let parsed = matches.and_then(|matches| {
        let parsed = C::from_arg_matches(&matches).map_err(|error| error.format(&mut asked))?;
        Ok((parsed, matches))
    });
    parsed.map_err(|error| without_values(error, &known))
}

/// Returns the names of all commands and options: what may be repeated.
fn words(command: &Command) -> HashSet<String> {
    let options = command.get_arguments().filter_map(|arg| arg.get_long());
    let mut known: HashSet<_> = options.map(|long| format!("--{long}")).collect();
    for inner in command.get_subcommands() {
        known.insert(inner.get_name().to_owned());
        known.extend(words(inner));
    }
    known
}

/// Takes out of an error what was typed, unless it is the name of a command or of an option: people paste whole
/// keys and URLs with passwords, and standard error goes to logs. Clap names what is expected by itself.
fn without_values(mut error: clap::Error, known: &HashSet<String>) -> clap::Error {
    // In these two stands what was typed; in other errors the first is what is missing or at odds.
    let typed = match error.kind() {
        ErrorKind::UnknownArgument => &[ContextKind::InvalidArg, ContextKind::InvalidValue][..],
        _ => &[ContextKind::InvalidValue, ContextKind::InvalidSubcommand],
    };
    for kind in typed {
        let is_secret = |value: &ContextValue| match value {
            // Nothing was typed, and clap says so.
            ContextValue::String(word) => !word.is_empty() && !known.contains(word),
            _ => true,
        };
        if error.get(*kind).is_some_and(is_secret) {
            error.insert(*kind, ContextValue::String(NOT_SHOWN.to_owned()));
        }
    }
    // Tips such as "to pass … as a value" repeat it; those about names have kinds of their own.
    error.remove(ContextKind::Suggested);
    error
}

/// Lets a variable that is empty, or has white space alone, count as not set: so templates and files leave them.
fn without_blank_variables(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let is_blank = |name: &OsStr| {
            std::env::var_os(name)
                .is_some_and(|value| value.to_str().is_some_and(|text| text.trim().is_empty()))
        };
        if arg.get_env().is_some_and(is_blank) { arg.env(None::<&str>) } else { arg }
    });
    command.mut_subcommands(without_blank_variables)
}
