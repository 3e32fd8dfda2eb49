//! A firewall that forgets connections without a word, as clouds do after four minutes.

use std::time::{Duration, Instant};

use apikey_core::ApiKeys;
use apikey_diesel::DieselStore;
use futures::future::join_all;

use crate::private::{Kind, Mariadb, Postgres, Private};
use crate::proxy::Proxy;

const DEADLINE: Duration = Duration::from_secs(4);

/// As many as there are connections.
const ALL: usize = 8;

async fn is_one_slow_request<K: Kind>(test: &str) {
    let Some(server) = Private::<K>::start(test) else { return };
    server.keys().await;
    let proxy = Proxy::to(server.home.port).await;
    let url = proxy.through(&server.url(), server.home.port);
    let store = DieselStore::connect(&url).await.unwrap().deadline(DEADLINE);
    let keys = ApiKeys::new(store);
    let client = keys.create("client").await.unwrap().plaintext;
    let ask = || async { join_all((0..ALL).map(|_| keys.verify(client.expose()))).await };
    assert!(ask().await.iter().all(Result::is_ok));

    proxy.forget_all();
    let since = Instant::now();
    keys.verify(client.expose()).await.unwrap();
    assert!(since.elapsed() < DEADLINE, "took {:?}", since.elapsed());
    // The other connections are closed by now.
    let since = Instant::now();
    assert!(ask().await.iter().all(Result::is_ok));
    keys.create("after").await.unwrap();
    assert!(since.elapsed() < DEADLINE / 2, "took {:?}", since.elapsed());

    // All at once, and a change before anything else.
    proxy.forget_all();
    let (asked, created) = tokio::join!(ask(), keys.create("again"));
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    created.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_postgres_that_a_firewall_forgot_cost_one_slow_request() {
    is_one_slow_request::<Postgres>("connections_to_postgres_that_a_firewall_forgot").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_mariadb_that_a_firewall_forgot_cost_one_slow_request() {
    is_one_slow_request::<Mariadb>("connections_to_mariadb_that_a_firewall_forgot").await;
}
