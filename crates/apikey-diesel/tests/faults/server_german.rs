//! A PostgreSQL whose messages are not English.

use std::process::Command;

use apikey_conformance::report_skip;
use apikey_core::{ApiKeys, KeyRecord, KeyStore};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, bb8};
use apikey_diesel::diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures::future::join_all;

use crate::database::GRACE;
use crate::private::{Home, Kind, Postgres, Private};

/// Debian's package of the server has its translations. No locale has to be installed for them: this one is always
/// there, and is not the one that turns translations off.
struct GermanPostgres;

impl Kind for GermanPostgres {
    const NAME: &'static str = Postgres::NAME;
    const STOP: &'static str = Postgres::STOP;
    const ACCOUNTS: &'static [&'static str] = Postgres::ACCOUNTS;

    fn missing() -> Option<String> {
        Postgres::missing()
    }

    fn prepare(home: &Home) {
        Postgres::prepare(home);
    }

    fn command(home: &Home) -> Command {
        let mut command = Postgres::command(home);
        command.env("LANGUAGE", "de").args(["-c", "lc_messages=C.UTF-8"]);
        command
    }

    fn is_ready(home: &Home, process: u32) -> bool {
        Postgres::is_ready(home, process)
    }

    fn url(home: &Home) -> String {
        Postgres::url(home)
    }
}

/// More than there are connections.
const MANY: usize = 20;

async fn survives(admin: &mut AsyncPgConnection, store: impl KeyStore<KeyRecord>, length: u32) {
    let keys = ApiKeys::new(store);
    let created = keys.create("client").await.unwrap();
    let client = created.plaintext;
    let ask = || async { join_all((0..MANY).map(|_| keys.verify(client.expose()))).await };
    assert!(ask().await.iter().all(Result::is_ok));
    // `gecachter Plan darf den Ergebnistyp nicht ändern`.
    let alter = format!("ALTER TABLE api_keys ALTER COLUMN name TYPE varchar({length})");
    admin.batch_execute(&alter).await.unwrap();
    let asked = ask().await;
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    let alter = format!("ALTER TABLE api_keys ALTER COLUMN name TYPE varchar({})", length + 1);
    admin.batch_execute(&alter).await.unwrap();
    keys.rotate(&created.key.prefix, GRACE).await.unwrap();
    // `Verbindung wird abgebrochen aufgrund von Anweisung des Administrators`.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
    admin.batch_execute(end).await.unwrap();
    let asked = ask().await;
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    admin.batch_execute(end).await.unwrap();
    keys.create("after").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_speaks_german_is_understood() {
    let test = "a_postgres_that_speaks_german";
    let Some(server) = Private::<GermanPostgres>::start(test) else { return };
    server.keys().await;
    let mut admin = AsyncPgConnection::establish(&server.url()).await.unwrap();
    let error = admin.batch_execute("SELECT FROM nowhere").await.unwrap_err();
    if !error.to_string().contains("existiert nicht") {
        let reason = "PostgreSQL is installed without its translations";
        return report_skip(&format!("faults::{test}"), reason);
    }
    survives(&mut admin, DieselStore::connect(&server.url()).await.unwrap(), 300).await;
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(server.url());
    let pool = bb8::Pool::builder().test_on_check_out(false).max_size(4).build(manager).await;
    survives(&mut admin, DieselStore::<KeyRecord, _>::new(pool.unwrap()), 400).await;
}
