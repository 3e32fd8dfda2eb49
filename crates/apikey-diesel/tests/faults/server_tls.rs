//! Servers that take encrypted connections alone.

use std::error::Error;
use std::fs;
use std::process::Command;

use apikey_diesel::{ConnectError, DieselStore};

use crate::private::{Home, Kind, Mariadb, Postgres, Private};

struct TlsPostgres;

impl Kind for TlsPostgres {
    const NAME: &'static str = Postgres::NAME;
    const STOP: &'static str = Postgres::STOP;
    const ACCOUNTS: &'static [&'static str] = Postgres::ACCOUNTS;

    fn missing() -> Option<String> {
        Postgres::missing()
    }

    /// As the settings of most hosted databases.
    fn prepare(home: &Home) {
        Postgres::prepare(home);
        fs::write(home.path("data/pg_hba.conf"), "hostssl all all all scram-sha-256\n").unwrap();
    }

    fn command(home: &Home) -> Command {
        Postgres::command(home)
    }

    fn is_ready(home: &Home, process: u32) -> bool {
        Postgres::is_ready(home, process)
    }

    fn url(home: &Home) -> String {
        Postgres::url(home)
    }
}

struct TlsMariadb;

impl Kind for TlsMariadb {
    const NAME: &'static str = Mariadb::NAME;
    const STOP: &'static str = Mariadb::STOP;
    const ACCOUNTS: &'static [&'static str] = Mariadb::ACCOUNTS;

    fn missing() -> Option<String> {
        Mariadb::missing()
    }

    fn prepare(home: &Home) {
        Mariadb::prepare(home);
    }

    fn command(home: &Home) -> Command {
        let mut command = Mariadb::command(home);
        command.arg("--require-secure-transport=ON");
        command
    }

    fn is_ready(home: &Home, process: u32) -> bool {
        Mariadb::is_ready(home, process)
    }

    fn url(home: &Home) -> String {
        Mariadb::url(home)
    }
}

/// The error says what is lacking, whatever the URL asks for.
async fn names_what_is_lacking<K: Kind>(test: &str, parameters: &[&str]) {
    let Some(server) = Private::<K>::start(test) else { return };
    for parameter in parameters {
        let url = format!("{}{parameter}", server.url());
        let error = DieselStore::connect(&url).await.unwrap_err();
        // MariaDB says of it that user or password are wrong.
        let is_refused = K::NAME == Mariadb::NAME && matches!(error, ConnectError::Refused { .. });
        let is_told = matches!(error, ConnectError::NoTls { .. }) || is_refused;
        assert!(is_told, "{parameter}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("TLS") && text.contains("docs/databases.md"), "{text}");
        assert!(!format!("{error:?} {:?}", error.source()).contains("apikey:apikey@"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_wants_tls_is_told_from_one_that_refuses() {
    let parameters = ["", "?sslmode=prefer", "?sslmode=require", "?sslmode=verify-full"];
    names_what_is_lacking::<TlsPostgres>("a_postgres_that_wants_tls", &parameters).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mariadb_that_wants_tls_is_told_from_one_that_refuses() {
    let parameters =
        ["", "?require_ssl=true", "?ssl-mode=REQUIRED", "?sslmode=verify_ca", "?verify_ca=false"];
    names_what_is_lacking::<TlsMariadb>("a_mariadb_that_wants_tls", &parameters).await;
}
