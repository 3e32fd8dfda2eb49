//! A server that hangs, and goes on.

use std::time::{Duration, Instant};

use apikey_core::{ApiKeys, KeyQuery};
use apikey_diesel::DieselStore;
use futures::future::join_all;

use crate::private::{Kind, Mariadb, Postgres, Private};

const DEADLINE: Duration = Duration::from_secs(2);

/// What a busy machine may add to it. One connection after the other would take six times the deadline.
const MARGIN: Duration = Duration::from_secs(8);

async fn hangs<K: Kind>(test: &str) {
    let Some(server) = Private::<K>::start(test) else { return };
    server.keys().await;
    let store = DieselStore::connect(&server.url()).await.unwrap().deadline(DEADLINE);
    let keys = ApiKeys::new(store);
    let client = keys.create("client").await.unwrap().plaintext;
    // More than there are connections; a few of them are open, and wait for nothing.
    let ask = || async { join_all((0..24).map(|_| keys.verify(client.expose()))).await };
    assert!(ask().await.iter().all(Result::is_ok));

    server.hang();
    for _ in 0..2 {
        let since = Instant::now();
        let ((asked, created), counted) =
            tokio::join!(async { tokio::join!(ask(), keys.create("hung")) }, async {
                keys.count(&KeyQuery::new()).await
            });
        assert!(since.elapsed() < DEADLINE + MARGIN, "took {:?}", since.elapsed());
        for error in asked.into_iter().map(Result::unwrap_err) {
            assert_eq!(error.status(), 503, "{error:?}");
        }
        assert!(created.is_err() && counted.is_err());
    }
    server.go_on();

    assert!(ask().await.iter().all(Result::is_ok));
    keys.create("after").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_hangs_costs_a_deadline_and_no_connections() {
    hangs::<Postgres>("a_postgres_that_hangs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mariadb_that_hangs_costs_a_deadline_and_no_connections() {
    hangs::<Mariadb>("a_mariadb_that_hangs").await;
}
