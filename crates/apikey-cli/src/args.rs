//! The command line as clap reads it: what commands share. Each command's own part is with it.

use std::ffi::OsStr;
use std::fmt::Display;

use apikey_core::{KeyFormat, KeyModel, KeyQuery, KeyStatus, Scope, Timestamp};
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    check::Check, count::Count, create::Create, disable::Disable, enable::Enable, hashers::Hashers,
    import::Import, list::List, migrate::Migrate, migration::Migration, purge::Purge,
    revoke::Revoke, rotate::Rotate, show::Show, update::Update, verify::Verify,
};
use crate::database::Database;
use crate::output::Format;
use crate::settings;

/// Manage the API keys of a service, on its database.
#[derive(Debug, Parser)]
#[command(
    name = "apikey",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  apikey create reporting-service --scope reports:read --expires-in 90d
  apikey list --status active
  apikey rotate k3Xp9QaB --grace 7d
  apikey revoke k3Xp9QaB

A key has a public PREFIX, by which commands name it, and a secret. The whole key is printed once, by \
`create` or `rotate`; what is stored is a hash of it.

Exit codes: 0 done, 1 refused or not found, 2 wrong usage, 3 the database is unavailable."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command, before or after its name.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Where the keys are: `sqlite://` and the path of a file, or the URL of a server
    ///
    /// The path is relative unless it starts with `/`. The URL of a PostgreSQL server is
    /// `postgres://user:password@host:5432/database`; that of MySQL and MariaDB begins with `mysql://`.
    /// Other users of the machine see arguments: give a URL with a password in the environment.
    #[arg(
        long = "database-url",
        global = true,
        value_name = "URL",
        env = "APIKEY_DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite://apikeys.db",
        value_parser = Unrepeated(Database::at),
        help_heading = "Global options"
    )]
    pub(crate) database: Database,
    /// What the service's keys begin with, as in `acme_live`; without it they are PREFIX.SECRET
    #[arg(
        long = "brand",
        global = true,
        value_name = "BRAND",
        env = "APIKEY_BRAND",
        hide_env_values = true,
        value_parser = settings::brand,
        help_heading = "Global options"
    )]
    pub(crate) format: Option<KeyFormat>,
    /// How to print results; `table` by default for a terminal, `plain` otherwise
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Global options")]
    pub(crate) output: Option<Format>,
}

/// The commands of the built-in model, which finds its database by itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Migrate(Migrate),
    Migration(Migration),
    Create(Create),
    Import(Import),
    #[command(flatten)]
    Manage(Manage),
}

/// The commands for keys that are there.
#[derive(Debug, Subcommand)]
pub(crate) enum Manage {
    List(List),
    Show(Show),
    Update(Update),
    Rotate(Rotate),
    Disable(Disable),
    Enable(Enable),
    Revoke(Revoke),
    Purge(Purge),
    Verify(Verify),
    Count(Count),
    Check(Check),
    Hashers(Hashers),
}

/// Manage the API keys of a service.
#[derive(Debug, Parser)]
#[command(
    max_term_width = 100,
    after_help = "\
A key has a public PREFIX, by which commands name it, and a secret. A new key is printed once; what is \
stored is a hash of it.

Exit codes: 0 done, 1 refused or not found, 2 wrong usage, 3 the database is unavailable."
)]
pub(crate) struct OwnCli<C: Subcommand> {
    /// How to print results; `table` by default for a terminal, `plain` otherwise
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Global options")]
    pub(crate) output: Option<Format>,
    #[command(subcommand)]
    pub(crate) command: C,
}

/// The commands of a model of one's own.
#[derive(Debug, Subcommand)]
pub(crate) enum OwnManage {
    Migration(Migration),
    #[command(flatten)]
    Manage(Manage),
}

/// The commands of a model of one's own, whose columns are options of `create`.
#[derive(Debug, Subcommand)]
pub(crate) enum OwnCommand<Own: Args> {
    Create(Create<Own>),
    #[command(flatten)]
    Others(OwnManage),
}

/// Which keys to list or count.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only keys in this state
    #[arg(long)]
    status: Option<Status>,
    /// Only the key with exactly this prefix, and keys whose name begins with this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

impl Filter {
    /// Selects these keys, of this owner if there is one.
    pub(crate) fn query<M: KeyModel>(self, owner: Option<M::Owner>) -> KeyQuery<M> {
        let mut query = KeyQuery::new();
        query.owner = owner;
        query.status = self.status.map(KeyStatus::from);
        query.search = self.search;
        query
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Active,
    Expired,
    Disabled,
    Revoked,
}

impl From<Status> for KeyStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Expired => Self::Expired,
            Status::Disabled => Self::Disabled,
            Status::Revoked => Self::Revoked,
        }
    }
}

/// When a key ends.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Expiry {
    /// End the key after this time from now, as in `30m` (minutes), `12h`, `90d`, `3M` (months) or `1y 6M`
    #[arg(long, value_name = "DURATION", value_parser = settings::from_now)]
    expires_in: Option<Timestamp>,
    /// End the key at this time: RFC 3339 with an offset, or a date, which begins at 00:00 UTC
    #[arg(long, value_name = "TIME", value_parser = settings::moment)]
    expires_at: Option<Timestamp>,
}

impl Expiry {
    pub(crate) fn time(&self) -> Option<Timestamp> {
        self.expires_in.or(self.expires_at)
    }
}

/// A scope of a key. That it holds no separator of lists is a rule of the command alone: RFC 6749 allows them,
/// and keys that have such a scope keep it.
#[derive(Debug, Clone)]
pub(crate) struct OneScope(String);

impl OneScope {
    pub(crate) fn parser() -> Unrepeated<Self, &'static str> {
        Unrepeated(Self::parse)
    }

    pub(crate) fn texts(scopes: Vec<Self>) -> impl Iterator<Item = String> {
        scopes.into_iter().map(|Self(text)| text)
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains([',', ';']) || text.contains(char::is_whitespace) {
            return Err("give one scope to each --scope, as in \
                        `--scope reports:read --scope reports:write`: a comma, a semicolon or white space \
                        would be part of the scope");
        }
        let scope = Scope::new(text.to_owned()).map_err(|_| {
            "a value of --scope is not a scope: use 1 to 64 printable ASCII characters without \" and \\"
        })?;
        Ok(Self(scope.as_str().to_owned()))
    }
}

/// The public part of a key, by which people name it.
#[derive(Debug, Clone)]
pub(crate) struct Prefix(pub(crate) String);

impl Prefix {
    pub(crate) fn parser() -> Unrepeated<Self, &'static str> {
        Unrepeated(Self::parse)
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let is_prefix =
            (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_prefix {
            return Ok(Self(text.to_owned()));
        }
        Err(
            "a PREFIX is up to 32 letters and digits, as `list` shows it; never give a whole key as an \
             argument",
        )
    }
}

/// A parser whose error does not repeat the argument, as clap does: people paste whole keys where a
/// prefix is wanted, URLs hold passwords, and standard error goes to logs.
#[derive(Debug)]
pub(crate) struct Unrepeated<T, E>(pub(crate) fn(&str) -> Result<T, E>);

impl<T, E> Clone for Unrepeated<T, E> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<T, E> TypedValueParser for Unrepeated<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Display + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let error = |text: &dyn Display| {
            clap::Error::raw(ErrorKind::ValueValidation, format!("{text}\n")).with_cmd(command)
        };
        let text = value.to_str().ok_or_else(|| error(&"an argument is not UTF-8"))?;
        (self.0)(text).map_err(|reason| error(&reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_prefixes_and_no_whole_keys() {
        for good in ["a", "k3Xp9QaB", &"a".repeat(32)] {
            assert!(Prefix::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "k3Xp9QaB.secret", "acme_k3Xp9QaB_secret", "k3Xp 9QaB", &"a".repeat(33)] {
            assert!(Prefix::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
