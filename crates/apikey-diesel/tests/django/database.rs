//! A database of one of the three kinds, for the time of a test.

use apikey_conformance::{report_skip, run};
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::diesel::{Connection, SqliteConnection};
use apikey_diesel::{DieselStore, DjangoApiKey};
use tempfile::TempDir;

use crate::schema;
use crate::server::{Databases, Server};

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Server(Server),
}

pub(crate) const KINDS: [Kind; 3] =
    [Kind::Sqlite, Kind::Server(Server::Postgres), Kind::Server(Server::Mysql)];

/// Where databases are made; it drops them, outside of a runtime.
pub(crate) enum Place {
    Folder(TempDir),
    Server(Databases),
}

impl Kind {
    /// Says why there is no such database on this machine.
    pub(crate) fn available(self) -> Result<(), String> {
        match self {
            Self::Sqlite => Ok(()),
            Self::Server(server) => server.url().map(drop),
        }
    }

    pub(crate) fn place(self) -> Place {
        match self {
            Self::Sqlite => Place::Folder(tempfile::tempdir().unwrap()),
            Self::Server(server) => Place::Server(Databases::on(server)),
        }
    }

    /// The table of the package.
    pub(crate) fn schema(self) -> &'static str {
        match self {
            Self::Sqlite => schema::SQLITE,
            Self::Server(Server::Postgres) => schema::POSTGRES,
            Self::Server(Server::Mysql) => schema::MYSQL,
        }
    }
}

impl Place {
    /// Makes an empty database, and returns its URL.
    pub(crate) async fn create(&self) -> String {
        match self {
            Self::Folder(folder) => {
                let file = tempfile::Builder::new().suffix(".db").tempfile_in(folder).unwrap();
                let (_, path) = file.keep().unwrap();
                format!("sqlite://{}", path.display())
            }
            Self::Server(databases) => databases.create().await,
        }
    }

    pub(crate) async fn run(&self, url: &str, sql: &str) {
        match self {
            Self::Folder(_) => {
                let path = url.strip_prefix("sqlite://").unwrap();
                SqliteConnection::establish(path).unwrap().batch_execute(sql).unwrap();
            }
            Self::Server(databases) => databases.run(url, sql).await,
        }
    }

    /// Makes a database with these statements, and opens it.
    pub(crate) async fn store(&self, sql: &str) -> DieselStore<DjangoApiKey> {
        let url = self.create().await;
        self.run(&url, sql).await;
        DieselStore::django(&url).await.unwrap()
    }
}

/// Runs the body of a test on each kind of database that there is.
#[expect(clippy::needless_pass_by_value, reason = "a closure in the call reads better")]
pub(crate) fn on_each(test: &str, body: impl AsyncFn(Kind, &Place)) {
    for kind in KINDS {
        let case = format!("django::{test} on {kind:?}");
        if let Err(reason) = kind.available() {
            report_skip(&case, &reason);
            continue;
        }
        let place = kind.place();
        run(&case, &[], Ok(()), async { body(kind, &place).await });
    }
}
