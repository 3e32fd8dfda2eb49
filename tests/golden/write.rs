//! Writes a golden copy, with the code of today: `cargo xtask golden NAME`. `tests/golden/README.md` says when.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a copy that cannot be made is none")]

mod dump;
mod handles;
mod hashes;
mod models;
mod recipe;
// What the two test programs of `apikey-diesel` have, too.
#[path = "../../crates/apikey-diesel/tests/django/schema.rs"]
mod django;
#[path = "../../crates/apikey-diesel/tests/servers/server.rs"]
#[allow(dead_code, reason = "the tests of the servers use the rest")]
mod server;

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use apikey_core::chrono::DateTime;
use apikey_core::{Clock, KeyModel, KeyStore, ManualClock};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::diesel::{Connection, SqliteConnection};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::models::{KINDS, Kind, Visitor};
use crate::server::{Databases, Server};

/// Makes the keys of each table.
struct Maker<'a> {
    kind: Kind,
    folder: &'a Path,
    databases: &'a Databases,
    clock: ManualClock,
    url: String,
    keys: Vec<Value>,
}

impl Visitor for Maker<'_> {
    async fn table<M>(
        &mut self,
        table: &str,
        store: Arc<dyn KeyStore<M>>,
        extra: impl Fn(&str) -> M::Extra,
    ) where
        M: KeyModel<Owner: Display>,
    {
        let run = async |sql: &str| self.run(sql).await;
        let keys = recipe::make(table, &store, &self.clock, &extra, &run).await;
        self.keys.extend(keys);
    }
}

impl Maker<'_> {
    /// Makes the database, its tables and its keys, and writes it into the folder.
    async fn make(&mut self) {
        self.url = match self.kind {
            Kind::Sqlite => format!("sqlite://{}", self.folder.join("sqlite.sqlite3").display()),
            _ => self.databases.create().await,
        };
        let url = self.url.clone();
        DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
        self.run(&(dump::others(self.kind) + dump::owners())).await;
        models::each_table(self.kind, &url, self).await;
        if self.kind == Kind::Sqlite {
            // All of it into the one file, whoever still has it open.
            self.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
        } else {
            let sql = dump::database(self.kind, &url).await;
            fs::write(self.folder.join(format!("{}.sql", self.kind.as_str())), sql).unwrap();
        }
    }

    async fn run(&self, sql: &str) {
        match self.url.strip_prefix("sqlite://") {
            Some(path) => SqliteConnection::establish(path).unwrap().batch_execute(sql).unwrap(),
            None => self.databases.run(&self.url, sql).await,
        }
    }
}

fn main() {
    let name = std::env::args().nth(1).unwrap_or_else(|| panic!("name the copy: DATE-COMMIT"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    fs::create_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let [postgres, mysql] = [Server::Postgres, Server::Mysql].map(Databases::on);
    let runtime = Runtime::new().unwrap();
    let mut lists = Vec::new();
    for kind in KINDS {
        let mut maker = Maker {
            kind,
            folder: &folder,
            databases: if kind == Kind::Mysql { &mysql } else { &postgres },
            // Years ago, so that nothing hangs on today.
            clock: ManualClock::at(DateTime::from_timestamp(1_700_000_000, 123_456_000).unwrap()),
            url: String::new(),
            keys: Vec::new(),
        };
        runtime.block_on(maker.make());
        let read_at = maker.clock.now().timestamp_micros();
        // A line for each key.
        let keys: Vec<_> = maker.keys.iter().map(Value::to_string).collect();
        let (kind, keys) = (kind.as_str(), keys.join(",\n"));
        lists.push(format!("\"{kind}\": {{\"read_at\": {read_at}, \"keys\": [\n{keys}\n]}}"));
    }
    fs::write(folder.join("keys.json"), format!("{{\n{}\n}}\n", lists.join(",\n"))).unwrap();
}
