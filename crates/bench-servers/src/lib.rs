//! What the three measured servers share: their settings, their keys, and the body of both routes.
//!
//! Each serves `/public` and `/protected`, which answer with the same body made in the same way, so that they
//! differ in the guard alone. The frameworks keep their defaults: one worker thread for each core.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::{fmt, process, thread};

use anyhow::Context;
use apikey_core::{ApiKeys, Cache, KeyRecord, KeyStore, MemoryStore, NewKey, PlaintextKey};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Serves one open and one guarded route until its standard input ends.
#[derive(Debug, Parser)]
struct Args {
    /// `memory`, or the URL of a database; on a PostgreSQL server, one is made for the time of the measurement.
    #[arg(long, default_value = "memory")]
    store: String,

    /// Whether verified keys are cached.
    #[arg(long, value_enum, default_value_t = Caching::Off)]
    cache: Caching,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Caching {
    Off,
    On,
}

/// Keys to serve, and one of them.
#[non_exhaustive]
pub struct Stage {
    /// What verifies the keys.
    pub keys: ApiKeys,
    /// The record that the open route answers with.
    pub record: Arc<KeyRecord>,
    /// The text of the one key.
    plaintext: PlaintextKey,
    /// The server and the name of the database to drop at the end.
    database: Option<(String, String)>,
}

/// Opens the store that the command line names, and creates a key in it.
///
/// # Errors
/// If the store cannot be opened or written.
pub async fn set_up() -> anyhow::Result<Stage> {
    let args = Args::parse();
    let (url, database) = match args.store.rsplit_once('/') {
        Some((server, _)) if server.starts_with("postgres") => {
            let name = format!("apikey_bench_{}", process::id());
            run_on(&args.store, &format!("CREATE DATABASE {name}")).await?;
            (format!("{server}/{name}"), Some((args.store.clone(), name)))
        }
        _ => (args.store.clone(), None),
    };
    let keys = if url == "memory" {
        args.cache.over(MemoryStore::<KeyRecord>::new())?
    } else {
        let store = DieselStore::connect(&url).await?;
        store.migrate().await?;
        args.cache.over(store)?
    };
    let created = keys.create(NewKey::new("measured").scopes(["reports:read"])).await?;
    Ok(Stage { keys, record: Arc::new(created.key), plaintext: created.plaintext, database })
}

impl Caching {
    fn over(self, store: impl KeyStore<KeyRecord>) -> anyhow::Result<ApiKeys> {
        let builder = ApiKeys::builder(store);
        let builder = match self {
            Self::Off => builder,
            Self::On => builder.cache(Cache::new()),
        };
        Ok(builder.build()?)
    }
}

impl Stage {
    /// Says where the server listens and which key it knows, and waits until standard input ends.
    ///
    /// # Errors
    /// If nobody listens.
    pub async fn announce(&self, port: u16) -> anyhow::Result<()> {
        writeln!(io::stdout(), "{port} {}", self.plaintext.expose()).context("nobody listens")?;
        let (sender, ended) = oneshot::channel();
        // A thread of its own: a runtime waits for its blocking reads when it ends.
        thread::spawn(move || {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            let _ = sender.send(());
        });
        ended.await.context("the thread that waits for the end panicked")
    }

    /// Removes what [`set_up`] made on a server.
    ///
    /// # Errors
    /// If the server does not do it.
    pub async fn tear_down(self) -> anyhow::Result<()> {
        drop(self.keys);
        let Some((server, name)) = self.database else { return Ok(()) };
        run_on(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("record", &self.record).finish_non_exhaustive()
    }
}

/// The body of both routes.
#[must_use]
pub fn body(key: &KeyRecord) -> Value {
    let scopes: Vec<_> = key.scopes.iter().collect();
    json!({ "name": key.name, "prefix": key.prefix, "scopes": scopes })
}

async fn run_on(server: &str, sql: &str) -> anyhow::Result<()> {
    let mut connection = AsyncPgConnection::establish(server).await?;
    Ok(connection.batch_execute(sql).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declares_its_arguments_without_contradiction() {
        use clap::CommandFactory;

        Args::command().debug_assert();
    }
}
