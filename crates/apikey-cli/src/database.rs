//! Which database, and how a command may open it.

pub(crate) mod unreadable;

use std::fmt;

use apikey_core::KeyRecord;
use apikey_diesel::import::{DjangoTable, ReadError, key_tables};
use apikey_diesel::{AnyPool, ConnectError, DieselStore, url_doubt};
use url::Url;

use crate::database::unreadable::Unreadable;
use crate::exit_code::Failure;
use crate::output::{Output, printable};

/// The built-in table, on the database that a URL names.
pub(crate) type Store = DieselStore<KeyRecord, AnyPool>;

const SQLITE: &str = "sqlite:";
/// What a URL can begin with.
const SCHEMES: [&str; 5] = [SQLITE, "postgres:", "postgresql:", "mysql:", "mariadb:"];
/// The mode of a file that nobody writes.
const AT_REST: &str = "ro&immutable=1";
const IN_MEMORY: &str = "sqlite::memory:";

/// The built-in table.
const TABLE: &str = "api_keys";

/// What the migration is called that creates the table.
const CREATION: &str = "_create_api_keys";

/// The database of the command line.
///
/// # Security
/// The URL of a server holds a password. What is printed, here as by [`fmt::Debug`], is the rest of it.
#[derive(Clone)]
pub(crate) struct Database {
    url: String,
}

impl Database {
    /// Reads a URL, without what is around it as variables and files bring it: white space, a byte order mark.
    pub(crate) fn at(url: &str) -> Result<Self, String> {
        let url = url.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if let Some(c) = url.chars().find(|c| c.is_control()) {
            return Err(format!(
                "the database URL has a control character in it ({}): write it without, or percent-encoded",
                printable(c.encode_utf8(&mut [0; 4]))
            ));
        }
        if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(format!(
                "the database URL begins with none of {}; write sqlite://<path of a file>, \
                 postgres://<user>:<password>@<host>/<database> or mysql://<user>:<password>@<host>/<database>",
                SCHEMES.join(", ")
            ));
        }
        if url == IN_MEMORY {
            return Err("a database in memory would end with this command: name a file, as in \
                        sqlite://apikeys.db"
                .to_owned());
        }
        Ok(Self { url: url.to_owned() })
    }

    /// Opens a database that is there and up to date; leaves everything as it is otherwise.
    pub(crate) async fn open(&self) -> Result<Store, Failure> {
        let (store, pending) = self.look(&self.existing()).await?;
        if pending.is_empty() {
            return Ok(store);
        }
        let database = self.clone();
        if !creates(&pending) {
            return Err(Failure::NotMigrated { database });
        }
        // This is only for the advice: if it cannot be found out, there is the usual one.
        let tables = key_tables(&self.read_only()).await.unwrap_or_default();
        Err(if tables.is_empty() {
            Failure::NotMigrated { database }
        } else {
            Failure::OwnTables { database, tables }
        })
    }

    /// Opens a database for reading alone; none if its table of keys has yet to be created.
    pub(crate) async fn open_if_any(&self) -> Result<Option<Store>, Failure> {
        match self.look(&self.read_only()).await {
            Ok((store, pending)) if pending.is_empty() => Ok(Some(store)),
            Ok((_, pending)) if creates(&pending) => Ok(None),
            Ok(_) => Err(Failure::NotMigrated { database: self.clone() }),
            Err(Failure::NoDatabase { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Opens a database that is there, and finds out which migrations it lacks.
    async fn look(&self, url: &str) -> Result<(Store, Vec<String>), Failure> {
        self.judge()?;
        let store = connect(url).await.map_err(|failure| match failure {
            Failure::Connect(ConnectError::MissingFile { .. }) => {
                Failure::NoDatabase { database: self.clone() }
            }
            other => other,
        })?;
        let pending = store.pending_migrations().await;
        let pending =
            pending.map_err(|source| Failure::Store { database: self.clone(), source })?;
        Ok((store, pending))
    }

    /// Opens the database, which is created and brought up to date where need be.
    pub(crate) async fn open_or_create(&self) -> Result<Store, Failure> {
        self.judge()?;
        let store = connect(&self.url).await?;
        let applied = self.migrate_store(&store).await?;
        if creates(&applied) {
            self.warn_of_own_tables().await;
        }
        Ok(store)
    }

    /// Says that the database has other tables of keys, whose services do not look into the one that was created.
    async fn warn_of_own_tables(&self) {
        let tables = key_tables(&self.read_only()).await.unwrap_or_default();
        let own: Vec<_> = tables.into_iter().filter(|table| table != TABLE).collect();
        if !own.is_empty() {
            Output::note(&format!(
                "note: the table {TABLE} was created beside tables of keys of their own: {}; services that use \
                 these do not look into it, and are managed by commands of their own",
                own.join(", ")
            ));
        }
    }

    /// Creates the database or brings it up to date, and returns the names of the migrations applied.
    pub(crate) async fn migrate(&self) -> Result<Vec<String>, Failure> {
        self.judge()?;
        self.migrate_store(&connect(&self.url).await?).await
    }

    /// Looks for mistakes in the URL as it was typed: with another mode behind it, it would be one of somebody who
    /// means it.
    fn judge(&self) -> Result<(), Failure> {
        if let Some(doubt) = url_doubt(&self.url).map_err(Failure::Connect)? {
            Output::note(&format!(
                "note: the database URL {doubt}; opened, since there is a file of this name"
            ));
        }
        Ok(())
    }

    async fn migrate_store(&self, store: &Store) -> Result<Vec<String>, Failure> {
        let applied = store.migrate().await;
        applied.map_err(|source| Failure::Store { database: self.clone(), source })
    }

    /// Opens the table of a Django project, for reading alone.
    pub(crate) async fn open_django(&self, table: &str) -> Result<DjangoTable, Failure> {
        self.judge()?;
        let opened = DjangoTable::open(&self.read_only(), table).await;
        opened.map_err(|error| self.unreadable(error))
    }

    /// Tells why keys could not be read out of somebody else's table.
    pub(crate) fn unreadable(&self, error: ReadError) -> Failure {
        match error {
            ReadError::Connect(ConnectError::MissingFile { .. }) => {
                Failure::NoSource { database: self.clone() }
            }
            ReadError::Connect(error) => Failure::Connect(error),
            error => Failure::Source { database: self.clone(), source: Unreadable(error) },
        }
    }

    /// Says how to bring it up to date: as a command to copy, unless that would need the password.
    pub(crate) fn migrate_command(&self) -> String {
        match self.file() {
            Some((_, "rwc")) => format!("`apikey migrate --database-url {self}`"),
            Some((file, _)) => format!("`apikey migrate --database-url {file}?mode=rwc`"),
            None => "`apikey migrate` on the same URL".to_owned(),
        }
    }

    fn is_file(&self) -> bool {
        self.url.starts_with(SQLITE)
    }

    /// The URL of a file without its mode, and the mode.
    fn file(&self) -> Option<(&str, &str)> {
        self.is_file().then(|| self.url.rsplit_once("?mode=").unwrap_or((&self.url, "rwc")))
    }

    /// The same database, of which a file cannot be written.
    fn read_only(&self) -> String {
        match self.file() {
            // A promise of whoever typed it, that it can be read as it is.
            Some((_, AT_REST)) | None => self.url.clone(),
            Some((file, _)) => format!("{file}?mode=ro"),
        }
    }

    /// The same database, but not to be created. Those of servers are not created by a connection.
    fn existing(&self) -> String {
        match self.file() {
            Some((file, "rwc")) => format!("{file}?mode=rw"),
            _ => self.url.clone(),
        }
    }
}

/// The URL of a file, or of a server without user, password and parameters.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_file() {
            return f.write_str(&self.url);
        }
        let url = Url::parse(&self.url).ok();
        let Some((url, host)) = url.as_ref().and_then(|url| Some((url, url.host_str()?))) else {
            return f.write_str("(a URL that is not understood)");
        };
        if may_show_password(url) {
            return f.write_str("(a URL whose password is not percent-encoded)");
        }
        write!(f, "{}://{host}", url.scheme())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())
    }
}

/// Whether what stands behind the host may be the rest of a password: `/`, `?` and `#` in one end it, and what was
/// before is taken for a host and its port. No such database is opened.
fn may_show_password(url: &Url) -> bool {
    let path = url.path();
    let path = path.strip_prefix('/').unwrap_or(path);
    let behind = [Some(path), url.query(), url.fragment()];
    path.contains([':', '/']) || behind.into_iter().flatten().any(|part| part.contains('@'))
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

/// Whether the table has yet to be created.
fn creates(pending: &[String]) -> bool {
    pending.iter().any(|name| name.ends_with(CREATION))
}

async fn connect(url: &str) -> Result<Store, Failure> {
    DieselStore::connect(url).await.map_err(Failure::Connect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_a_server_is_and_no_password() {
        for (url, shown) in [
            ("postgres://me:hunter2@db.example:5433/app", "postgres://db.example:5433/app"),
            ("mysql://me:hunter2@[::1]/app?password=hunter2", "mysql://[::1]/app"),
            ("mariadb://hunter2@db/app#hunter2", "mariadb://db/app"),
            ("postgres:hunter2", "(a URL that is not understood)"),
            ("postgres://me:12/hunter2@db/app", "(a URL whose password is not percent-encoded)"),
            ("postgres://me:12/hunter2#@db/app", "(a URL whose password is not percent-encoded)"),
            ("mysql://me:12?hunter2@db/app", "(a URL whose password is not percent-encoded)"),
            ("mysql://me:12#hunter2@db/app", "(a URL whose password is not percent-encoded)"),
            ("mysql://me:12/a:hunter2", "(a URL whose password is not percent-encoded)"),
            ("sqlite://keys.db?mode=ro", "sqlite://keys.db?mode=ro"),
        ] {
            let database = Database::at(url).unwrap();
            assert_eq!(database.to_string(), shown, "{url}");
            assert!(!format!("{database:?}").contains("hunter2"), "{database:?}");
        }
    }

    #[test]
    fn a_file_is_not_created_by_looking_at_it_and_a_server_url_is_left_alone() {
        for (url, existing) in [
            ("sqlite://keys.db", "sqlite://keys.db?mode=rw"),
            ("sqlite://keys.db?mode=rwc", "sqlite://keys.db?mode=rw"),
            ("sqlite://keys.db?mode=ro", "sqlite://keys.db?mode=ro"),
            ("sqlite://keys.db?mode=ro&immutable=1", "sqlite://keys.db?mode=ro&immutable=1"),
            ("sqlite://a?mode=ro?mode=rwc", "sqlite://a?mode=ro?mode=rw"),
            ("postgres://db/app?mode=rwc", "postgres://db/app?mode=rwc"),
        ] {
            assert_eq!(Database::at(url).unwrap().existing(), existing);
        }
    }

    #[test]
    fn a_file_that_is_imported_from_is_never_opened_for_writing() {
        for (url, read_only) in [
            ("sqlite://db.sqlite3", "sqlite://db.sqlite3?mode=ro"),
            ("sqlite://db.sqlite3?mode=rwc", "sqlite://db.sqlite3?mode=ro"),
            ("sqlite://db.sqlite3?mode=ro&immutable=1", "sqlite://db.sqlite3?mode=ro&immutable=1"),
            ("mysql://db/app?mode=rw", "mysql://db/app?mode=rw"),
        ] {
            assert_eq!(Database::at(url).unwrap().read_only(), read_only);
        }
    }
}
