//! Stores on each kind of pool, and connections that fail as they are told.
//!
//! The keys are behind a view, and a function in it fails on the connections that the table `stale` names. How often it
//! did is counted where no transaction undoes it.

use std::sync::Arc;

use apikey_core::{KeyRecord, KeyStore};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel::sql_types::BigInt;
use apikey_diesel::diesel::{QueryableByName, sql_query};
use apikey_diesel::diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, bb8, deadpool,
};
use apikey_diesel::diesel_async::{
    AsyncConnection, AsyncMysqlConnection, AsyncPgConnection, RunQueryDsl,
};

use crate::parallel::new_key;
use crate::server::{Databases, Server};

/// As many as the pools of applications have.
const CONNECTIONS: u8 = 3;

/// A store with the key `abcdefgh`.
pub(crate) struct Keys {
    pub(crate) pool: &'static str,
    pub(crate) store: Arc<dyn KeyStore<KeyRecord>>,
    pub(crate) url: String,
    pub(crate) id: i64,
}

impl Keys {
    pub(crate) fn new(
        pool: &'static str,
        store: impl KeyStore<KeyRecord>,
        url: impl Into<String>,
    ) -> Self {
        Self { pool, store: Arc::new(store), url: url.into(), id: 0 }
    }

    /// The schema or database of the keys, which names their connections as well.
    pub(crate) fn schema(&self) -> &str {
        let name = self.url.rsplit_once("%3D").or_else(|| self.url.rsplit_once('/'));
        name.unwrap().1
    }

    fn server(&self) -> Server {
        if self.url.starts_with("mysql") { Server::Mysql } else { Server::Postgres }
    }
}

macro_rules! pools {
    ($connection:ty, $urls:expr) => {{
        let [own, first, second] = $urls;
        let store = DieselStore::connect(&named(&own)).await.unwrap();
        let own = Keys::new("own", store, own);
        let manager =
            AsyncDieselConnectionManager::<$connection>::new_with_config(named(&first), untested());
        let pool = deadpool::Pool::builder(manager).max_size(CONNECTIONS.into()).build().unwrap();
        let first = Keys::new("deadpool", DieselStore::<KeyRecord, _>::new(pool), first);
        let manager = AsyncDieselConnectionManager::<$connection>::new(named(&second));
        let pool = bb8::Pool::builder().max_size(CONNECTIONS.into()).test_on_check_out(false);
        let pool = pool.build(manager).await.unwrap();
        let second = Keys::new("bb8", DieselStore::<KeyRecord, _>::new(pool), second);
        [own, first, second]
    }};
}

/// No test of a connection before it is lent.
pub(crate) fn untested<C: AsyncConnection + 'static>() -> ManagerConfig<C> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config
}

/// Gives the connections of a store a name.
fn named(url: &str) -> String {
    match url.rsplit_once("%3D") {
        Some((_, schema)) => format!("{url}&application_name={schema}"),
        None => url.to_owned(),
    }
}

/// A store on each kind of pool, each on a database of its own.
pub(crate) async fn each_pool(server: Server, databases: &Databases) -> [Keys; 3] {
    let urls = [databases.create().await, databases.create().await, databases.create().await];
    let mut all = match server {
        Server::Postgres => pools!(AsyncPgConnection, urls),
        Server::Mysql => pools!(AsyncMysqlConnection, urls),
    };
    for keys in &mut all {
        DieselStore::connect(&keys.url).await.unwrap().migrate().await.unwrap();
        keys.id = keys.store.insert(&new_key("abcdefgh"), None).await.unwrap().id;
    }
    all
}

/// What a server says on a connection, and what has to follow.
#[derive(Debug)]
pub(crate) struct Fault {
    code: &'static str,
    text: &'static str,
    pub(crate) closes: bool,
    pub(crate) reads_again: bool,
    pub(crate) changes_again: bool,
}

const fn closes(code: &'static str, text: &'static str) -> Fault {
    Fault { code, text, closes: true, reads_again: true, changes_again: true }
}

/// What would come of it again.
const fn settled(code: &'static str, text: &'static str) -> Fault {
    Fault { code, text, closes: false, reads_again: false, changes_again: false }
}

const ON_POSTGRES: [Fault; 8] = [
    closes("0A000", "cached plan must not change result type"),
    closes("26000", "prepared statement \"s1\" does not exist"),
    closes("57P01", "terminating connection due to administrator command"),
    closes("25006", "cannot execute INSERT in a read-only transaction"),
    // On a standby, which takes no changes.
    Fault {
        code: "40001",
        text: "canceling statement due to conflict with recovery",
        closes: true,
        reads_again: true,
        changes_again: false,
    },
    // In a language that nobody here knows.
    closes("XX000", "irgendetwas ist faul"),
    settled("42501", "permission denied for table api_keys"),
    settled("57014", "canceling statement due to statement timeout"),
];

const ON_MYSQL: [Fault; 11] = [
    closes("1243", "Unbekannter Prepared-Statement-Handler"),
    closes("1615", "Prepared statement needs to be re-prepared"),
    closes("1290", "The server is running with the --read-only option"),
    closes("1792", "Cannot execute statement in a READ ONLY transaction"),
    closes("1836", "Running in read-only mode"),
    closes("1053", "Der Server wird heruntergefahren"),
    closes("1927", "Die Verbindung wurde beendet"),
    closes("1317", "Query execution was interrupted"),
    closes("1105", "irgendetwas ist faul"),
    settled("1205", "Wartezeit auf die Sperre überschritten"),
    settled("1969", "max_statement_time exceeded"),
];

impl Fault {
    pub(crate) fn of(server: Server) -> &'static [Self] {
        match server {
            Server::Postgres => &ON_POSTGRES,
            Server::Mysql => &ON_MYSQL,
        }
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Keys {
    /// Puts the keys behind what can fail.
    pub(crate) async fn can_fail(&self, databases: &Databases) {
        let statements: &[&str] = match self.server() {
            Server::Postgres => &[
                "CREATE TABLE stale (id BIGINT)",
                "CREATE SEQUENCE faults",
                "ALTER TABLE api_keys RENAME TO stored_keys",
                "CREATE FUNCTION fail() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
                "CREATE FUNCTION fail_row() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN PERFORM fail(); RETURN NEW; END'",
                "CREATE TRIGGER failing BEFORE INSERT ON stored_keys \
                 FOR EACH ROW EXECUTE FUNCTION fail_row()",
                "CREATE VIEW api_keys AS SELECT * FROM stored_keys WHERE fail()",
            ],
            Server::Mysql => &[
                "CREATE TABLE stale (id BIGINT)",
                "CREATE TABLE faults (fault INT) ENGINE = MyISAM",
                "RENAME TABLE api_keys TO stored_keys",
                "CREATE FUNCTION fail() RETURNS INT RETURN 1",
                "CREATE TRIGGER failing BEFORE INSERT ON stored_keys \
                 FOR EACH ROW SET @failing = fail()",
                "CREATE VIEW api_keys AS SELECT * FROM stored_keys WHERE fail() = 1",
            ],
        };
        for sql in statements {
            databases.run(&self.url, sql).await;
        }
    }

    /// What stale connections say from now on.
    pub(crate) async fn fail_with(&self, databases: &Databases, fault: &Fault) {
        let Fault { code, text, .. } = fault;
        match self.server() {
            Server::Postgres => {
                let create = format!(
                    "CREATE OR REPLACE FUNCTION fail() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
                     IF EXISTS (SELECT FROM stale WHERE id = pg_backend_pid()) THEN \
                     PERFORM nextval('faults'); \
                     RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = '{text}'; \
                     END IF; RETURN true; END $$"
                );
                databases.run(&self.url, &create).await;
            }
            Server::Mysql => {
                databases.run(&self.url, "DROP FUNCTION fail").await;
                let create = format!(
                    "CREATE FUNCTION fail() RETURNS INT BEGIN \
                     IF EXISTS (SELECT 1 FROM stale WHERE id = CONNECTION_ID()) THEN \
                     INSERT INTO faults VALUES (1); \
                     SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = '{text}'; \
                     END IF; RETURN 1; END"
                );
                databases.run(&self.url, &create).await;
            }
        }
    }

    /// Lets all connections fail that there are now, and returns how many these are.
    pub(crate) async fn make_stale(&self, databases: &Databases) -> i64 {
        self.heal_faults(databases).await;
        let mark = match self.server() {
            Server::Postgres => format!(
                "INSERT INTO stale SELECT pid FROM pg_stat_activity WHERE application_name = '{}'",
                self.schema()
            ),
            Server::Mysql => "INSERT INTO stale SELECT id FROM information_schema.processlist \
                              WHERE db = DATABASE() AND id <> CONNECTION_ID()"
                .to_owned(),
        };
        databases.run(&self.url, &mark).await;
        self.number("SELECT count(*) AS number FROM stale").await
    }

    /// How many statements have failed since.
    pub(crate) async fn faults(&self) -> i64 {
        self.number(match self.server() {
            Server::Postgres => {
                "SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS number FROM faults"
            }
            Server::Mysql => "SELECT count(*) AS number FROM faults",
        })
        .await
    }

    /// Lets nothing fail any more, and leaves the key as it was.
    pub(crate) async fn heal(&self, databases: &Databases) {
        self.heal_faults(databases).await;
        databases.run(&self.url, "DELETE FROM stored_keys WHERE prefix <> 'abcdefgh'").await;
    }

    async fn heal_faults(&self, databases: &Databases) {
        databases.run(&self.url, "DELETE FROM stale").await;
        let reset = match self.server() {
            Server::Postgres => "ALTER SEQUENCE faults RESTART",
            Server::Mysql => "DELETE FROM faults",
        };
        databases.run(&self.url, reset).await;
    }

    async fn number(&self, sql: &str) -> i64 {
        let number: Number = match self.server() {
            Server::Postgres => {
                let mut conn = AsyncPgConnection::establish(&self.url).await.unwrap();
                sql_query(sql).get_result(&mut conn).await.unwrap()
            }
            Server::Mysql => {
                let mut conn = AsyncMysqlConnection::establish(&self.url).await.unwrap();
                sql_query(sql).get_result(&mut conn).await.unwrap()
            }
        };
        number.number
    }
}
