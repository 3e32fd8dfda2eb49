//! Which database, and how a command may open it.

use apikey_core::KeyRecord;
use apikey_diesel::{ConnectError, ConnectionOptions, DieselStore, SqlitePool};

use crate::exit_code::Failure;

/// The built-in table on SQLite.
pub(crate) type Store = DieselStore<KeyRecord, SqlitePool>;

const IN_MEMORY: &str = "sqlite::memory:";

/// The database of the command line.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    url: String,
}

impl Database {
    pub(crate) fn at(url: &str) -> Result<Self, &'static str> {
        if url == IN_MEMORY {
            return Err("a database in memory would end with this command: name a file, as in \
                        sqlite://apikeys.db");
        }
        Ok(Self { url: url.to_owned() })
    }

    /// Opens a database that is there and up to date; leaves everything as it is otherwise.
    pub(crate) async fn open(&self) -> Result<Store, Failure> {
        let url = || self.url.clone();
        let store = connect(&self.existing()).await.map_err(|failure| match failure {
            Failure::Connect(ConnectError::MissingFile { .. }) => {
                Failure::NoDatabase { url: url() }
            }
            other => other,
        })?;
        let pending = store.pending_migrations().await;
        let pending = pending.map_err(|source| Failure::Store { url: url(), source })?;
        if pending.is_empty() { Ok(store) } else { Err(Failure::NotMigrated { url: url() }) }
    }

    /// Opens the database, which is created and brought up to date where need be.
    pub(crate) async fn open_or_create(&self) -> Result<Store, Failure> {
        let store = connect(&self.url).await?;
        self.migrate_store(&store).await?;
        Ok(store)
    }

    /// Creates the database or brings it up to date, and returns the names of the migrations applied.
    pub(crate) async fn migrate(&self) -> Result<Vec<String>, Failure> {
        self.migrate_store(&connect(&self.url).await?).await
    }

    async fn migrate_store(&self, store: &Store) -> Result<Vec<String>, Failure> {
        let url = || self.url.clone();
        store.migrate().await.map_err(|source| Failure::Store { url: url(), source })
    }

    /// The same database, but not to be created.
    fn existing(&self) -> String {
        let url = self.url.strip_suffix("?mode=rwc").unwrap_or(&self.url);
        if url.contains("?mode=") { url.to_owned() } else { format!("{url}?mode=rw") }
    }
}

async fn connect(url: &str) -> Result<Store, Failure> {
    DieselStore::connect_sqlite(url, ConnectionOptions::new()).await.map_err(Failure::Connect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_database_from_being_created() {
        for (url, existing) in [
            ("sqlite://keys.db", "sqlite://keys.db?mode=rw"),
            ("sqlite://keys.db?mode=rwc", "sqlite://keys.db?mode=rw"),
            ("sqlite://keys.db?mode=ro", "sqlite://keys.db?mode=ro"),
        ] {
            assert_eq!(Database::at(url).unwrap().existing(), existing);
        }
    }
}
