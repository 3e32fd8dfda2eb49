//! The folders beside this file, each made by one release, and databases that are filled from them.

use std::fs;
use std::path::{Path, PathBuf};

use apikey_core::chrono::DateTime;
use apikey_core::{ManualClock, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use crate::models::Kind;
use crate::server::{Databases, Server};

/// What one release made.
#[derive(Debug)]
pub(crate) struct Copy {
    folder: PathBuf,
    lists: Value,
}

/// The keys of one database, and when they are read.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    read_at: Timestamp,
    keys: Vec<Value>,
}

impl Copy {
    /// Finds all copies, the oldest first.
    pub(crate) fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut folders: Vec<_> = folders.filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.into_iter().map(Self::in_folder).collect()
    }

    fn in_folder(folder: PathBuf) -> Self {
        let lists = fs::read_to_string(folder.join("keys.json")).unwrap();
        Self { folder, lists: serde_json::from_str(&lists).unwrap() }
    }

    pub(crate) fn name(&self) -> String {
        self.folder.file_name().unwrap().to_string_lossy().into_owned()
    }

    pub(crate) fn keys(&self, kind: Kind) -> Keys {
        let list = &self.lists[kind.as_str()];
        let read_at = DateTime::from_timestamp_micros(list["read_at"].as_i64().unwrap()).unwrap();
        Keys { read_at, keys: list["keys"].as_array().unwrap().clone() }
    }
}

impl Keys {
    /// Returns those of a table.
    pub(crate) fn of(&self, table: &str) -> Vec<&Value> {
        self.keys.iter().filter(|key| key["table"] == table).collect()
    }

    /// Returns those of all tables.
    pub(crate) fn all(&self) -> &[Value] {
        &self.keys
    }

    /// Returns a clock that stands where it stood when the copy was made.
    pub(crate) fn clock(&self) -> ManualClock {
        ManualClock::at(self.read_at)
    }
}

/// Where databases are made; it drops them, outside of a runtime.
#[derive(Debug)]
pub(crate) enum Place {
    Folder(TempDir),
    Postgres(Databases),
    Mysql(Databases),
}

impl Place {
    /// Says why there is no such database on this machine.
    pub(crate) fn available(kind: Kind) -> Result<(), String> {
        match kind {
            Kind::Sqlite => Ok(()),
            Kind::Postgres => Server::Postgres.url().map(drop),
            Kind::Mysql => Server::Mysql.url().map(drop),
        }
    }

    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::Folder(tempfile::tempdir().unwrap()),
            Kind::Postgres => Self::Postgres(Databases::on(Server::Postgres)),
            Kind::Mysql => Self::Mysql(Databases::on(Server::Mysql)),
        }
    }

    /// Makes a database like that of a copy, a file under this name, and returns its URL.
    pub(crate) async fn fill(&self, copy: &Copy, file: &str) -> String {
        let (databases, sql) = match self {
            Self::Folder(folder) => {
                let path = folder.path().join(file);
                fs::copy(copy.folder.join("sqlite.sqlite3"), &path).unwrap();
                return format!("sqlite://{}", path.display());
            }
            Self::Postgres(databases) => (databases, "postgres.sql"),
            Self::Mysql(databases) => (databases, "mysql.sql"),
        };
        let url = databases.create().await;
        databases.run(&url, &fs::read_to_string(copy.folder.join(sql)).unwrap()).await;
        url
    }

    /// Returns the names of the files in it.
    pub(crate) fn files(&self) -> Vec<String> {
        let Self::Folder(folder) = self else { return Vec::new() };
        let files = fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}
