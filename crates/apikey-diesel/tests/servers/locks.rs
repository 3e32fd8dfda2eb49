//! Locks of others.

use std::time::{Duration, Instant};

use apikey_core::{KeyPatch, KeyRecord, KeyStore, StoreError};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool};
use apikey_diesel::diesel_async::{AsyncConnection, AsyncMysqlConnection, AsyncPgConnection};

use crate::database::on_each_server;
use crate::opening::full_text;
use crate::parallel::new_key;
use crate::server::Server;

const LOCK: &str = "UPDATE api_keys SET name = 'theirs'";

/// Changes a row that another connection has changed and not committed, and returns why that failed, and after what
/// time.
async fn wait_for<C>(url: &str, store: impl KeyStore<KeyRecord>) -> (String, Duration)
where
    C: AsyncConnection,
{
    let id = store.insert(&new_key("abcdefgh"), None).await.unwrap().id;
    let mut other = C::establish(url).await.unwrap();
    other.batch_execute("BEGIN").await.unwrap();
    other.batch_execute(LOCK).await.unwrap();
    let since = Instant::now();
    let rename = KeyPatch::default().name("ours");
    let failed = store.update(&id, None, &rename).await.unwrap_err();
    let elapsed = since.elapsed();
    assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.update(&id, None, &rename).await.unwrap().unwrap().name, "ours");
    (full_text(&failed), elapsed)
}

#[test]
fn who_waits_for_a_lock_gives_up_once() {
    on_each_server("who_waits_for_a_lock_gives_up_once", async |server, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let (text, elapsed) = match server {
            Server::Postgres => {
                // It waits for half of it; a busy machine has the other half.
                let store = store.deadline(Duration::from_secs(4));
                wait_for::<AsyncPgConnection>(&url, store).await
            }
            Server::Mysql => {
                let store = store.deadline(Duration::from_secs(60));
                wait_for::<AsyncMysqlConnection>(&url, store).await
            }
        };
        let said = match server {
            Server::Postgres => "due to lock timeout",
            Server::Mysql => "Lock wait timeout",
        };
        assert!(text.contains(said), "{text}");
        // On MySQL five attempts would take five times the 5 seconds of one. PostgreSQL has said it before the
        // deadline, or the text would be another one.
        assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
    });
}

/// A pool of the application's own waits as long as the server lets it.
#[test]
fn an_operation_ends_with_its_deadline() {
    on_each_server("an_operation_ends_with_its_deadline", async |server, databases| {
        let url = databases.create().await;
        DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
        if server == Server::Postgres {
            return;
        }
        let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new(&url);
        let pool = deadpool::Pool::builder(manager).max_size(1).build().unwrap();
        let store = DieselStore::<KeyRecord, _>::new(pool).deadline(Duration::from_secs(1));
        let (text, elapsed) = wait_for::<AsyncMysqlConnection>(&url, store).await;
        assert!(text.contains("did not answer within 1000 ms"), "{text}");
        // The server itself would let it wait for 50 seconds.
        assert!(elapsed < Duration::from_secs(30), "{elapsed:?}");
    });
}
