//! What help says of a program: the texts of the commands are those of `apikey`, and are made to fit.

use clap::Command;
use clap::builder::StyledStr;

use crate::program::Program;

/// The usage of commands for which clap's own is misleading.
const USAGES: [(&str, &str); 3] = [
    ("update", "apikey update [OPTIONS] <PREFIX>"),
    (
        "rotate",
        "apikey rotate [OPTIONS] <PREFIX>...\n       apikey rotate [OPTIONS] --older-than <DURATION>",
    ),
    ("verify", "apikey verify [OPTIONS] [-]"),
];

/// What only the `apikey` command has to say, and what a command of one's own says instead: it has a handle, which
/// knows better.
const BUILT_IN_ALONE: [(&str, &str, &str); 7] = [
    ("create", " The database is created where there is none.", ""),
    (
        "create",
        "\n\nThis command knows the database and the brand. A service that sets hashers, a pepper, lengths or a \
         limit of its own may refuse the keys that are made here, or have them hashed otherwise than it asks: it \
         builds the command into its own program, with `apikey_cli::run_with_create`.",
        "",
    ),
    ("verify", "\n  apikey verify --brand acme_live < key.txt", ""),
    (
        "verify",
        "\n\nKeys of the format PREFIX.SECRET are read whether or not there is a brand.",
        "",
    ),
    (
        "check",
        " that the hashers without a pepper (SHA-256, SHA-512, Argon2id, PBKDF2, and those of Django) cannot \
         verify. A service with a pepper is reported here, too: let it check itself, with `ApiKeys::check`.",
        " that no hasher of the service can verify.",
    ),
    (
        "hashers",
        "Which hash the service prefers is not in the database: say it with --prefer, unless it is SHA-256, the \
         default.",
        "The service says which hash it prefers; ask about another with --prefer.",
    ),
    (
        "hashers",
        " The command has no peppers: of `hmac-sha256` a service knows more, by `ApiKeys::hashers`.",
        "",
    ),
];

/// What a command of one's own has to say beside.
const NOT_USABLE: &str = "\n\nThe status `not usable` is that of an active key which the model's own filter refuses, \
                          as that of an owner who is locked out. It is looked up for each active key.";

/// Fits the help of all commands to the program, which shows these columns of its model's own.
pub(crate) fn of(command: Command, program: &Program, columns: &[&str]) -> Command {
    let mut command = if program.is_own { command.bin_name(program.name.clone()) } else { command };
    for (name, usage) in USAGES {
        let usage = program.in_place_of_apikey(usage);
        command = command.mut_subcommand(name, |inner| inner.override_usage(usage));
    }
    if program.is_own { own(command, program, columns) } else { command }
}

fn own(command: Command, program: &Program, columns: &[&str]) -> Command {
    command.mut_subcommands(|inner| {
        let name = inner.get_name().to_owned();
        let fit = |text: &StyledStr| {
            let mut text = text.to_string();
            let of_this = BUILT_IN_ALONE.iter().filter(|(of, ..)| *of == name);
            for (_, built_in, instead) in of_this {
                text = text.replace(built_in, instead);
            }
            program.in_place_of_apikey(&text)
        };
        let long_about = inner.get_long_about().map(fit);
        let after_help = inner.get_after_help().map(fit).map(|text| match &*name {
            "list" if !columns.is_empty() => {
                let columns = columns.join(", ");
                format!("{text} After them come the model's own columns: {columns}.{NOT_USABLE}")
            }
            "list" | "show" => text + NOT_USABLE,
            _ => text,
        });
        let inner = match long_about {
            Some(text) => inner.long_about(text),
            None => inner,
        };
        match after_help {
            Some(text) => inner.after_help(text),
            None => inner,
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::{Cli, Manage, OwnCli};

    /// A text that was changed there has to be changed here.
    #[test]
    fn what_is_left_out_is_there() {
        let command = Cli::command();
        for (name, text, _) in BUILT_IN_ALONE {
            let inner = command.find_subcommand(name).unwrap();
            let texts = [inner.get_long_about(), inner.get_after_help()];
            let found = texts.into_iter().flatten().filter(|said| said.to_string().contains(text));
            assert_eq!(found.count(), 1, "{name}: {text}");
        }
    }

    #[test]
    fn a_command_of_ones_own_speaks_of_itself() {
        let program = Program { name: "team-keys".to_owned(), is_own: true };
        let mut command = of(OwnCli::<Manage>::command(), &program, &["owner"]);
        command.build();
        for inner in command.get_subcommands_mut() {
            let help = inner.render_long_help().to_string();
            for foreign in ["apikey", "--brand", "--database-url", "own program", "ApiKeys::"] {
                assert!(!help.contains(foreign), "{foreign} in {help}");
            }
            assert!(help.contains("Usage: team-keys "), "{help}");
            let is_help = inner.get_name() == "help";
            assert!(is_help || help.contains("Examples:\n  team-keys "), "{help}");
        }
    }
}
