//! A command for the keys of a model of one's own.

use std::ffi::OsString;
use std::fmt::{self, Display};
use std::process::ExitCode;
use std::str::FromStr;

use apikey_core::{ApiKeys, KeyModel};
use clap::{Arg, ArgMatches, Args, Command, CommandFactory};
use serde::Serialize;

use crate::args::{OwnCli, OwnCommand, OwnManage};
use crate::exit_code::{Failure, Outcome};
use crate::output::Output;
use crate::output::view::{Column, View};
use crate::program::Program;
use crate::{command_line, commands, exit_code, help};

/// The option that selects keys by their owner.
const OWNER: &str = "owner";

/// A command for the keys of any model: what it is called and what it shows.
///
/// It has every command of `apikey` but `migrate` and `import`, and `create` by
/// [`run_with_create`](Self::run_with_create). The handle decides where the keys are, how they are hashed and
/// what they look like. Of an active key that the model's own filter refuses, as that of an owner who is locked
/// out, `list` and `show` say `not usable`: they look each active key up that they print.
///
/// # Examples
/// ```
/// # use std::process::ExitCode;
/// # use apikey_cli::KeyCommand;
/// # use apikey_core::{ApiKeys, KeyModel, KeyRecord, MemoryStore};
/// # #[derive(Debug, Clone)]
/// # struct TeamKey { record: KeyRecord, team: i32 }
/// # impl KeyModel for TeamKey {
/// #     type Id = i64;
/// #     type Extra = i32;
/// #     type Owner = i32;
/// #     fn record(&self) -> &KeyRecord { &self.record }
/// #     fn from_parts(record: KeyRecord, team: i32) -> Self { Self { record, team } }
/// #     fn extra(&self) -> i32 { self.team }
/// #     fn owner(&self) -> Option<&i32> { Some(&self.team) }
/// #     fn owner_of(team: &i32) -> Option<&i32> { Some(team) }
/// # }
/// # futures::executor::block_on(async {
/// # let keys: ApiKeys<TeamKey> = ApiKeys::new(MemoryStore::new());
/// let command = KeyCommand::new(keys).owner().column("is_internal", |key: &TeamKey| key.team == 0);
/// let code = command.run(["team-keys", "list", "--owner", "7"]).await;
/// assert_eq!(code, ExitCode::SUCCESS);
/// # });
/// ```
pub struct KeyCommand<M: KeyModel> {
    keys: ApiKeys<M>,
    name: Option<String>,
    columns: Vec<Column<M>>,
    /// Reads an owner, if keys can be selected by one.
    owner: Option<ReadOwner<M>>,
}

type ReadOwner<M> = fn(&str) -> Option<<M as KeyModel>::Owner>;

impl<M: KeyModel> KeyCommand<M> {
    /// Starts a command for the keys of a handle: made as your service makes it, with the same store, format
    /// and hashers.
    #[must_use]
    pub fn new(keys: ApiKeys<M>) -> Self {
        Self { keys, name: None, columns: Vec::new(), owner: None }
    }

    /// Sets what help, examples and advice call the program; without it that is the name of its file. For one
    /// that is called otherwise: `.name("app keys")`.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Shows a value of each key under this name, beside the built-in columns: in lists after them, as JSON with
    /// the type that it has. A name may not be that of a built-in column, nor be given twice: the command then
    /// refuses to run.
    #[must_use]
    pub fn column<T: Serialize>(
        mut self,
        name: &'static str,
        value: impl Fn(&M) -> T + Send + Sync + 'static,
    ) -> Self {
        let value = Box::new(move |key: &M| serde_json::to_value(value(key)));
        self.columns.push(Column { name, value });
        self
    }

    /// Shows whose a key is, as text in the column `owner`, and lets `list` and `count` select by it:
    /// `--owner 7`.
    #[must_use]
    pub fn owner(self) -> Self
    where
        M::Owner: Display + FromStr,
    {
        let with_column = self.column(OWNER, |key| key.owner().map(ToString::to_string));
        Self { owner: Some(|text| text.parse().ok()), ..with_column }
    }

    /// Runs one command line, its first word being the name of the program: as [`run`](crate::run), without
    /// `create`.
    pub async fn run<I>(self, arguments: I) -> ExitCode
    where
        M: KeyModel<Id: Serialize>,
        I: IntoIterator,
        I::Item: Into<OsString> + Clone,
    {
        let execute = async |command, keys: &ApiKeys<M>, owner, output: &mut Output<M>| {
            commands::own(command, keys, owner, output).await
        };
        self.execute::<OwnManage, _>(arguments, execute).await
    }

    /// Runs one command line, and has `create`: with options of yours beside name, scopes and expiry, from
    /// which `extra` makes the values of the model's own columns.
    ///
    /// # Security
    /// Whoever runs the command names the owner of a new key. It is for operators; people who manage their own
    /// keys go through [`ApiKeys::owned_by`].
    pub async fn run_with_create<Own, I>(
        self,
        extra: impl FnOnce(Own) -> M::Extra,
        arguments: I,
    ) -> ExitCode
    where
        M: KeyModel<Id: Serialize>,
        Own: Args,
        I: IntoIterator,
        I::Item: Into<OsString> + Clone,
    {
        let execute =
            async |command, keys: &ApiKeys<M>, owner, output: &mut Output<M>| match command {
                OwnCommand::Create(command) => command.run(keys, extra, output).await,
                OwnCommand::Others(command) => commands::own(command, keys, owner, output).await,
            };
        self.execute::<OwnCommand<Own>, _>(arguments, execute).await
    }

    async fn execute<C: clap::Subcommand, I>(
        self,
        arguments: I,
        execute: impl AsyncFnOnce(
            C,
            &ApiKeys<M>,
            Option<M::Owner>,
            &mut Output<M>,
        ) -> Result<Outcome, Failure>,
    ) -> ExitCode
    where
        I: IntoIterator,
        I::Item: Into<OsString> + Clone,
    {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let program = Program::own(self.name.clone(), &arguments);
        let columns: Vec<_> = self.columns.iter().map(|column| column.name).collect();
        let command = help::of(self.with_owner(OwnCli::<C>::command()), &program, &columns);
        let (cli, matches) = match command_line::parse::<OwnCli<C>>(command, &arguments) {
            Ok(parsed) => parsed,
            Err(code) => return code,
        };
        let result = match self.prepare(&matches) {
            Ok(owner) => {
                let view = View::own(self.columns);
                let mut output = Output::new(cli.output, program.clone(), view);
                execute(cli.command, &self.keys, owner, &mut output).await
            }
            Err(failure) => Err(failure),
        };
        exit_code::report(result, &program)
    }

    /// Adds the option by which keys of an owner are selected.
    fn with_owner(&self, command: Command) -> Command {
        if self.owner.is_none() {
            return command;
        }
        ["list", "count"].into_iter().fold(command, |command, name| {
            let owner =
                Arg::new(OWNER).long(OWNER).value_name("OWNER").help("Only keys of this owner");
            command.mut_subcommand(name, |inner| inner.arg(owner))
        })
    }

    /// Checks the columns, and reads the owner whose keys are wanted.
    fn prepare(&self, matches: &ArgMatches) -> Result<Option<M::Owner>, Failure> {
        let names: Vec<_> = self.columns.iter().map(|column| column.name).collect();
        for (number, name) in names.iter().enumerate() {
            if BUILT_IN.contains(name) || names[..number].contains(name) {
                return Err(Failure::Column { name });
            }
        }
        let text = matches.subcommand().and_then(|(_, inner)| {
            // Of other commands it is no option.
            inner.try_get_one::<String>(OWNER).ok().flatten()
        });
        match (self.owner, text) {
            (Some(read), Some(text)) => read(text).map(Some).ok_or(Failure::Owner),
            _ => Ok(None),
        }
    }
}

/// What a key has in JSON anyway.
const BUILT_IN: [&str; 13] = [
    "created_at",
    "disabled_at",
    "expires_at",
    "hashed_key",
    "id",
    "key",
    "last_used_at",
    "name",
    "prefix",
    "revoked_at",
    "rotated_from",
    "scopes",
    "status",
];

impl<M: KeyModel> fmt::Debug for KeyCommand<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<_> = self.columns.iter().map(|column| column.name).collect();
        f.debug_struct("KeyCommand")
            .field("name", &self.name)
            .field("columns", &columns)
            .finish_non_exhaustive()
    }
}
