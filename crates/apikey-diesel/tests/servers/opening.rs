//! Opening a database, and losing the connections to it.

use apikey_core::{KeyRecord, KeyStore, StoreError};
use apikey_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, bb8, deadpool};
use apikey_diesel::diesel_async::{AsyncMysqlConnection, AsyncPgConnection};
use apikey_diesel::{ConnectError, DieselStore};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::database::on_each_server;
use crate::parallel::new_key;
use crate::server::{Databases, Server};

/// Everything that a log of this error could show.
pub(crate) fn full_text(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<_> = chain.map(|error| format!("{error} {error:?}")).collect();
    texts.join("\n")
}

async fn refusal(url: &str) -> ConnectError {
    let error = DieselStore::connect(url).await.unwrap_err();
    assert!(!full_text(&error).contains("hunter2"), "{}", full_text(&error));
    error
}

#[tokio::test]
async fn says_what_to_write_instead_of_a_wrong_url() {
    for (url, part) in [
        ("mongodb://me:hunter2@host/db", "mongodb"),
        ("hunter2", "sqlite://"),
        ("postgres://me:hunter2@host", "names no database"),
        ("mysql://me:hunter2@host:port/db", "is not understood"),
        ("postgres:///db", "names no host"),
        ("postgres://me:12/hunter2@host/db", "as if a password had ended early"),
        ("postgres://me:12/hunter2#@host/db", "as if a password had ended early"),
        ("postgres://me:12/hunter2?@host/db", "as if a password had ended early"),
        ("mysql://me:12?hunter2@host/db", "as if a password had ended early"),
        ("mysql://me:12#hunter2@host/db", "as if a password had ended early"),
        ("mysql://me:12/hunter2/a", "as if a password had ended early"),
        ("mysql://me:12/hunter2:a", "as if a password had ended early"),
        ("postgres://me:hunter2@host/keys\tb", "has white space or a control character"),
        ("postgres://me:hunter2@ho\nst/keys", "has white space or a control character"),
        ("mysql://me:hunter2@host/db?charset=utf8", "the parameter \"charset\""),
        ("postgres://me:hunter2@host/db?Schema=a", "the parameter \"Schema\""),
        ("postgres://me:x@host/db?a%0Ab%1b=1", "the parameter \"a\\nb\\u{1b}\""),
        ("postgres://me:x@host/db?hunter2", "a parameter without a value"),
        ("postgres://me:hunter2@host/db?sslmode=verify-full", "no TLS"),
        ("mysql://me:hunter2@host/db?ssl-mode=VERIFY_CA", "no TLS"),
    ] {
        let text = refusal(url).await.to_string();
        assert!(text.contains(part), "{url}: {text}");
    }
}

#[tokio::test]
async fn tries_no_server_of_another_kind() {
    let error = DieselStore::postgres("mysql://me:hunter2@host/db").await.unwrap_err();
    assert!(error.to_string().contains("write postgres://"), "{error}");
    let error = DieselStore::mysql("postgres://me:hunter2@host/db").await.unwrap_err();
    assert!(error.to_string().contains("write mysql://"), "{error}");
}

/// The drivers are built without TLS, and say so instead of connecting in clear text.
#[test]
fn a_url_that_asks_for_tls_is_an_error() {
    on_each_server("a_url_that_asks_for_tls_is_an_error", async |server, databases| {
        let option = match server {
            Server::Postgres => "sslmode=require",
            Server::Mysql => "require_ssl=true",
        };
        let url = databases.create().await;
        let separator = if url.contains('?') { '&' } else { '?' };
        let error = refusal(&format!("{url}{separator}{option}")).await;
        assert!(matches!(error, ConnectError::NoTls { .. }), "{server:?}: {error:?}");
    });
}

/// A file of secrets ends with a newline, and with a carriage return where it comes from Windows.
#[test]
fn white_space_around_a_url_is_no_part_of_it() {
    on_each_server("white_space_around_a_url", async |_, databases| {
        let url = databases.create().await;
        for url in
            [format!("{url}\n"), format!("{url}\r\n"), format!(" {url} "), format!("\u{feff}{url}")]
        {
            let store = DieselStore::connect(&url).await.unwrap();
            store.pending_migrations().await.unwrap();
        }
    });
}

#[tokio::test]
async fn names_a_server_that_does_not_answer() {
    for scheme in ["postgres", "mysql"] {
        let error = refusal(&format!("{scheme}://me:hunter2@127.0.0.1:1/keys")).await;
        assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains("127.0.0.1:1/keys"), "{error}");
    }
}

#[test]
fn names_a_database_that_a_server_refuses() {
    on_each_server("names_a_database_that_a_server_refuses", async |server, _| {
        let url = server.url().unwrap();
        let (base, _) = url.rsplit_once('/').unwrap();
        let address = base.rsplit_once('@').map_or(base, |(_, address)| address);
        let scheme = url.split_once(':').unwrap().0;
        // On a server that trusts everybody, it is the user or the database that is not there.
        let error = refusal(&format!("{scheme}://nobody:hunter2@{address}/nowhere")).await;
        assert!(matches!(error, ConnectError::Refused { .. }), "{server:?}: {error:?}");
    });
}

#[test]
fn a_missing_table_is_an_error_that_names_the_fix() {
    on_each_server("a_missing_table_is_an_error", async |_, databases| {
        let store = DieselStore::connect(&databases.create().await).await.unwrap();
        let error = store.get("abcdefgh", None).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(full_text(&error).contains("apikey migrate"), "{}", full_text(&error));
    });
}

#[test]
fn of_many_who_migrate_at_once_one_does() {
    on_each_server("of_many_who_migrate_at_once_one_does", async |_, databases| {
        let url = databases.create().await;
        let first = DieselStore::connect(&url).await.unwrap();
        assert_eq!(first.pending_migrations().await.unwrap().len(), 1);
        let mut tasks = JoinSet::new();
        for _ in 0..6 {
            let url = url.clone();
            tasks.spawn(async move {
                DieselStore::connect(&url).await.unwrap().migrate().await.unwrap().len()
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<usize>(), 1);
        assert!(first.pending_migrations().await.unwrap().is_empty());
    });
}

/// With the accounts of MySQL, whose limit counts other connections than these, it is not tried.
#[test]
fn tells_a_server_that_is_full_from_one_that_refuses() {
    on_each_server("tells_a_server_that_is_full", async |server, databases| {
        if server == Server::Mysql {
            return;
        }
        let url = databases.create().await;
        let user = format!("apikey_full_{}", std::process::id());
        let password = "PASSWORD 'hunter2' CONNECTION LIMIT 0";
        databases.run(&url, &format!("CREATE ROLE {user} LOGIN {password}")).await;
        let base = server.url().unwrap();
        let (_, place) = base.rsplit_once('@').unwrap();
        let error = refusal(&format!("postgres://{user}:hunter2@{place}")).await;
        databases.run(&url, &format!("DROP ROLE {user}")).await;
        assert!(matches!(error, ConnectError::Busy { .. }), "{error:?}");
    });
}

#[test]
fn leaves_a_table_of_somebody_else_alone() {
    on_each_server("leaves_a_table_of_somebody_else_alone", async |_, databases| {
        let url = databases.create().await;
        databases.run(&url, "CREATE TABLE api_keys (id INTEGER, prefix VARCHAR(8))").await;
        let store = DieselStore::connect(&url).await.unwrap();
        let error = store.migrate().await.unwrap_err();
        assert!(full_text(&error).contains("already exists"), "{}", full_text(&error));
        assert_eq!(store.pending_migrations().await.unwrap().len(), 1);
    });
}

/// MySQL keeps a table that was created before its process was killed.
#[test]
fn goes_on_with_a_migration_that_was_interrupted() {
    on_each_server("goes_on_with_a_migration", async |server, databases| {
        if server == Server::Postgres {
            return;
        }
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        databases.run(&url, "DELETE FROM __diesel_schema_migrations").await;
        assert_eq!(store.migrate().await.unwrap().len(), 1);
        assert!(store.pending_migrations().await.unwrap().is_empty());
    });
}

async fn works<S: KeyStore<KeyRecord>>(store: S) {
    let key = store.insert(&new_key("abcdefgh"), None).await.unwrap();
    assert_eq!(store.get("abcdefgh", None).await.unwrap(), Some(key));
}

#[test]
fn works_on_pools_of_the_applications_own() {
    on_each_server("works_on_pools_of_the_applications_own", async |server, databases| {
        let first = databases.create().await;
        let second = databases.create().await;
        for url in [&first, &second] {
            DieselStore::connect(url).await.unwrap().migrate().await.unwrap();
        }
        match server {
            Server::Postgres => {
                let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new;
                let pool = deadpool::Pool::builder(manager(&first)).build().unwrap();
                works(DieselStore::<KeyRecord, _>::new(pool)).await;
                let pool = bb8::Pool::builder().build(manager(&second)).await.unwrap();
                works(DieselStore::<KeyRecord, _>::new(pool)).await;
            }
            Server::Mysql => {
                let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new;
                let pool = deadpool::Pool::builder(manager(&first)).build().unwrap();
                works(DieselStore::<KeyRecord, _>::new(pool)).await;
                let pool = bb8::Pool::builder().build(manager(&second)).await.unwrap();
                works(DieselStore::<KeyRecord, _>::new(pool)).await;
            }
        }
    });
}

/// Gives connections a name that no test beside this one has.
fn victims(server: Server, url: &str) -> String {
    match server {
        Server::Postgres => format!("{url}&application_name={}", schema(url)),
        Server::Mysql => url.to_owned(),
    }
}

fn schema(url: &str) -> &str {
    url.rsplit_once("%3D").unwrap().1
}

/// As a server does that is restarted.
async fn end_all_connections(server: Server, databases: &Databases, url: &str) {
    let end = match server {
        Server::Postgres => format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
             AND application_name = '{}'",
            schema(url)
        ),
        Server::Mysql => {
            "BEGIN NOT ATOMIC FOR victim IN (SELECT id FROM information_schema.processlist \
             WHERE db = DATABASE() AND id <> CONNECTION_ID()) DO KILL CONNECTION victim.id; END FOR; END"
                .to_owned()
        }
    };
    databases.run(url, &end).await;
}

#[test]
fn a_store_outlives_its_connections() {
    on_each_server("a_store_outlives_its_connections", async |server, databases| {
        let url = databases.create().await;
        let victim = victims(server, &url);
        let store = DieselStore::connect(&victim).await.unwrap();
        store.migrate().await.unwrap();
        store.insert(&new_key("abcdefgh"), None).await.unwrap();
        end_all_connections(server, databases, &url).await;
        store.find_by_prefix("abcdefgh").await.unwrap().unwrap();
        end_all_connections(server, databases, &url).await;
        store.insert(&new_key("ijklmnop"), Some(10)).await.unwrap();
    });
}

/// Pools of bb8 find dead connections one by one.
#[test]
fn a_store_outlives_all_connections_of_a_pool_that_keeps_dead_ones() {
    let test = "a_store_outlives_all_connections_of_a_pool_that_keeps_dead_ones";
    on_each_server(test, async |server, databases| {
        let url = databases.create().await;
        let victim = victims(server, &url);
        DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
        match server {
            Server::Postgres => {
                let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(victim);
                let pool = bb8::Pool::builder().test_on_check_out(false).max_size(4).min_idle(4);
                let store = DieselStore::<KeyRecord, _>::new(pool.build(manager).await.unwrap());
                end_all_connections(server, databases, &url).await;
                works(store).await;
            }
            Server::Mysql => {
                let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new(victim);
                let pool = bb8::Pool::builder().test_on_check_out(false).max_size(4).min_idle(4);
                let store = DieselStore::<KeyRecord, _>::new(pool.build(manager).await.unwrap());
                end_all_connections(server, databases, &url).await;
                works(store).await;
            }
        }
    });
}

/// A runtime without timers and sockets can use the store, since the work is done elsewhere.
#[test]
fn works_on_the_runtime_that_it_was_given() {
    let home = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    on_each_server("works_on_the_runtime_that_it_was_given", async |_, databases| {
        let store = databases.store().await.on_runtime(home.handle().clone());
        let asked = std::thread::spawn(move || {
            let bare = Builder::new_current_thread().build().unwrap();
            bare.block_on(async { store.insert(&new_key("abcdefgh"), None).await.unwrap() });
        });
        tokio::task::spawn_blocking(move || asked.join().unwrap()).await.unwrap();
    });
}
