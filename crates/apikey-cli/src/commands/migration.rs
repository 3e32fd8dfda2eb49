//! `apikey migration`

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// Print the SQL that creates a table of your own, for your own migrations
///
/// For keys of a model of your own, which are in a table of your own. The SQL holds the built-in columns,
/// their indexes, and comments that say where your own columns go. Without --output-dir, both files are
/// printed. A file that exists is never overwritten. The database is not asked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey migration --backend sqlite --table organization_api_keys
  apikey migration --backend postgres --table organization_api_keys \\
      --output-dir migrations/2030-01-31-120000_create_organization_api_keys")]
pub(crate) struct Migration {
    /// The database
    #[arg(long)]
    backend: Backend,
    /// The name of the table: lower-case letters, digits and underscores, at most 48
    #[arg(long, value_parser = table_name)]
    table: String,
    /// Write `up.sql` and `down.sql` into this folder, which is created if need be
    #[arg(long, value_name = "FOLDER")]
    output_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Backend {
    Sqlite,
    Postgres,
    /// MySQL and MariaDB
    Mysql,
}

/// The two files of a migration.
#[derive(Debug)]
pub(crate) struct Sql {
    pub(crate) up: String,
    pub(crate) down: String,
}

impl Migration {
    pub(crate) fn run<M: Printable>(&self, output: &mut Output<M>) -> Result<Outcome, Failure> {
        let sql = self.backend.sql(&self.table);
        match &self.output_dir {
            None => output.sql(&sql)?,
            Some(folder) => {
                let written = write(folder, &sql)?;
                output.lines(&written)?;
            }
        }
        Ok(Outcome::Done)
    }
}

impl Backend {
    fn sql(self, table: &str) -> Sql {
        let (up, down) = match self {
            Self::Sqlite => (
                include_str!("../../templates/sqlite/up.sql"),
                include_str!("../../templates/sqlite/down.sql"),
            ),
            Self::Postgres => (
                include_str!("../../templates/postgres/up.sql"),
                include_str!("../../templates/postgres/down.sql"),
            ),
            Self::Mysql => (
                include_str!("../../templates/mysql/up.sql"),
                include_str!("../../templates/mysql/down.sql"),
            ),
        };
        Sql { up: up.replace("{table}", table), down: down.replace("{table}", table) }
    }
}

/// A name that needs no quotes anywhere and leaves room for the names of its indexes, of which PostgreSQL
/// cuts what is longer than 63.
fn table_name(text: &str) -> Result<String, &'static str> {
    let is_name = text.len() <= 48
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_name {
        return Ok(text.to_owned());
    }
    Err("a table is named by up to 48 lower-case letters, digits and underscores, no digit first")
}

/// Writes both files, or neither if one exists.
fn write(folder: &Path, sql: &Sql) -> Result<Vec<String>, Failure> {
    let failure = |file: &'static str| move |source| Failure::Write { file, source };
    fs::create_dir_all(folder).map_err(Failure::Folder)?;
    let files = [("up.sql", &sql.up), ("down.sql", &sql.down)];
    let paths = files.map(|(name, _)| folder.join(name));
    for (path, (name, _)) in paths.iter().zip(files) {
        if path.exists() {
            return Err(failure(name)(io::ErrorKind::AlreadyExists.into()));
        }
    }
    for (path, (name, text)) in paths.iter().zip(files) {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failure(name))?;
    }
    Ok(paths.iter().map(|path| path.display().to_string()).collect())
}
