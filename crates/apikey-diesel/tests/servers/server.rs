//! The two servers, and databases on them that last as long as a test.

use std::env;
use std::process;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use apikey_core::KeyRecord;
use apikey_diesel::diesel_async::{
    AsyncConnection, AsyncMysqlConnection, AsyncPgConnection, SimpleAsyncConnection,
};
use apikey_diesel::{AnyPool, DieselStore};
use tokio::runtime::Builder;

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Postgres,
    Mysql,
}

pub(crate) const SERVERS: [Server; 2] = [Server::Postgres, Server::Mysql];

impl Server {
    fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "APIKEY_TEST_POSTGRES_URL",
            Self::Mysql => "APIKEY_TEST_MYSQL_URL",
        }
    }

    /// Returns the URL of a database in which others may be made, or why there is none.
    pub(crate) fn url(self) -> Result<String, String> {
        env::var(self.variable()).map_err(|_| format!("{} is not set", self.variable()))
    }

    /// Returns the URL of a new database: on PostgreSQL a schema, which is made faster.
    fn new_url(self, name: &str) -> String {
        let url = self.url().unwrap();
        match self {
            Self::Postgres => format!("{url}?options=-c%20search_path%3D{name}"),
            Self::Mysql => format!("{}/{name}", url.rsplit_once('/').unwrap().0),
        }
    }

    async fn create(self, name: &str) {
        match self {
            Self::Postgres => self.run(&format!("CREATE SCHEMA {name}")).await,
            // A server may have another default, in which names cannot be written.
            Self::Mysql => {
                self.run(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")).await;
            }
        }
    }

    async fn drop(self, name: &str) {
        match self {
            Self::Postgres => self.run(&format!("DROP SCHEMA {name} CASCADE")).await,
            Self::Mysql => self.run(&format!("DROP DATABASE {name}")).await,
        }
    }

    async fn run(self, sql: &str) {
        self.run_at(&self.url().unwrap(), sql).await;
    }

    async fn run_at(self, url: &str, sql: &str) {
        match self {
            Self::Postgres => {
                let mut conn = AsyncPgConnection::establish(url).await.unwrap();
                conn.batch_execute(sql).await.unwrap();
            }
            Self::Mysql => {
                let mut conn = AsyncMysqlConnection::establish(url).await.unwrap();
                conn.batch_execute(sql).await.unwrap();
            }
        }
    }
}

/// Databases that are dropped with it, outside of a runtime.
#[derive(Debug)]
pub(crate) struct Databases {
    server: Server,
    names: Mutex<Vec<String>>,
}

impl Databases {
    pub(crate) fn on(server: Server) -> Self {
        Self { server, names: Mutex::new(Vec::new()) }
    }

    /// Makes a database, and returns its URL.
    pub(crate) async fn create(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let name = format!("apikey_{}_{number}_{time}", process::id());
        self.server.create(&name).await;
        self.names.lock().unwrap().push(name.clone());
        self.server.new_url(&name)
    }

    /// Makes a database with the built-in table.
    pub(crate) async fn store(&self) -> DieselStore<KeyRecord, AnyPool> {
        let store = DieselStore::connect(&self.create().await).await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// Runs SQL on one of the databases.
    pub(crate) async fn run(&self, url: &str, sql: &str) {
        self.server.run_at(url, sql).await;
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        let names = std::mem::take(self.names.get_mut().unwrap());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for name in names {
                self.server.drop(&name).await;
            }
        });
    }
}
