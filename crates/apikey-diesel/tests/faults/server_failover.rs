//! A primary that becomes a replica and goes on reading, while another server takes the changes.

use apikey_core::{ApiKeys, HashedKey, KeyRecord, KeyStore, NewRecord};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel_async::{
    AsyncConnection, AsyncMysqlConnection, AsyncPgConnection, SimpleAsyncConnection,
};
use futures::future::join_all;

use crate::private::{Kind, Mariadb, Postgres, Private};
use crate::proxy::Proxy;

/// As many as there are connections.
const ALL: usize = 8;

/// Two servers with the same key, as replication would have it, and a user who may not do everything.
struct Pair<K: Kind> {
    old: Private<K>,
    new: Private<K>,
    key: KeyRecord,
    plaintext: String,
}

impl<K: Kind> Pair<K> {
    async fn start(test: &str) -> Option<Self> {
        let old = Private::<K>::start(test)?;
        let new = Private::<K>::start(test)?;
        let created = old.keys().await.create("client").await.unwrap();
        let key = created.key;
        new.keys().await;
        let copy = NewRecord::new(
            key.prefix.as_str(),
            HashedKey::new(key.hashed_key.as_str()),
            key.name.as_str(),
            key.created_at,
            (),
        );
        let store = DieselStore::connect(&new.url()).await.unwrap();
        store.insert(&copy, None).await.unwrap();
        Some(Self { old, new, key, plaintext: created.plaintext.expose().to_owned() })
    }

    /// Changes go on at once, and requests meanwhile.
    async fn goes_on(&self, keys: &ApiKeys, proxy: &Proxy, set_read_only: impl AsyncFn()) {
        let ask = || async { join_all((0..ALL).map(|_| keys.verify(&self.plaintext))).await };
        assert!(ask().await.iter().all(Result::is_ok));
        set_read_only().await;
        assert!(ask().await.iter().all(Result::is_ok));
        proxy.turn_to(self.new.home.port);
        let revoked = keys.revoke(&self.key.prefix).await.unwrap();
        assert!(revoked.revoked_at.is_some());
        assert!(ask().await.iter().all(Result::is_err), "some still ask the old one");
        for _ in 0..ALL {
            keys.create("after").await.unwrap();
        }
        keys.flush().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_became_a_replica_is_left_at_the_first_change() {
    let Some(pair) = Pair::<Postgres>::start("a_postgres_that_became_a_replica").await else {
        return;
    };
    let proxy = Proxy::to(pair.old.home.port).await;
    let url = proxy.through(&pair.old.url(), pair.old.home.port);
    let keys = ApiKeys::new(DieselStore::connect(&url).await.unwrap());
    let mut admin = AsyncPgConnection::establish(&pair.old.url()).await.unwrap();
    admin.batch_execute("ALTER SYSTEM SET default_transaction_read_only = on").await.unwrap();
    pair.goes_on(&keys, &proxy, async || {
        let mut admin = AsyncPgConnection::establish(&pair.old.url()).await.unwrap();
        admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mariadb_that_became_a_replica_is_left_at_the_first_change() {
    let Some(pair) = Pair::<Mariadb>::start("a_mariadb_that_became_a_replica").await else {
        return;
    };
    for server in [&pair.old, &pair.new] {
        let mut admin = AsyncMysqlConnection::establish(&server.url()).await.unwrap();
        for sql in [
            "CREATE USER app@'127.0.0.1' IDENTIFIED BY 'app'",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON apikey.* TO app@'127.0.0.1'",
        ] {
            admin.batch_execute(sql).await.unwrap();
        }
    }
    let proxy = Proxy::to(pair.old.home.port).await;
    let url = proxy.through(&pair.old.url(), pair.old.home.port);
    let url = url.replace("apikey:apikey@", "app:app@");
    let keys = ApiKeys::new(DieselStore::connect(&url).await.unwrap());
    pair.goes_on(&keys, &proxy, async || {
        let mut admin = AsyncMysqlConnection::establish(&pair.old.url()).await.unwrap();
        admin.batch_execute("SET GLOBAL read_only = ON").await.unwrap();
    })
    .await;
}
