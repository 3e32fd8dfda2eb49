//! Connections to MySQL that count the rows which an update changes, not those which it finds.

use apikey_conformance::{report_skip, run};
use apikey_core::{HashedKey, KeyPatch, KeyRecord, KeyStore};
use apikey_diesel::diesel_async::AsyncMysqlConnection;
use apikey_diesel::diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, deadpool,
};
use apikey_diesel::{DieselStore, MysqlPool};
use futures::FutureExt;
use mysql_async::{Conn, Opts, OptsBuilder};

use crate::parallel::{at, new_key};
use crate::server::{Databases, Server};

/// As an application makes them that has options of its own.
fn pool(url: &str) -> MysqlPool {
    let mut config = ManagerConfig::<AsyncMysqlConnection>::default();
    config.custom_setup = Box::new(|url| {
        async move {
            let options = OptsBuilder::from_opts(Opts::from_url(url).unwrap());
            let conn = Conn::new(options.client_found_rows(false)).await.unwrap();
            AsyncMysqlConnection::try_from(conn).await
        }
        .boxed()
    });
    let manager = AsyncDieselConnectionManager::new_with_config(url, config);
    deadpool::Pool::builder(manager).build().unwrap()
}

#[test]
fn an_update_that_changes_nothing_finds_its_key() {
    let case = "servers::an_update_that_changes_nothing_finds_its_key";
    if let Err(reason) = Server::Mysql.url() {
        return report_skip(case, &reason);
    }
    let databases = Databases::on(Server::Mysql);
    run(case, &[], Ok(()), async {
        let url = databases.create().await;
        let store = DieselStore::<KeyRecord, _>::new(pool(&url));
        store.migrate().await.unwrap();
        let key = store.insert(&new_key("abcdefgh"), None).await.unwrap();
        let (old, new) = (key.hashed_key.clone(), HashedKey::new("sha256$$new"));
        for patch in [
            KeyPatch::default().name("name"),
            KeyPatch::default().revoked_at(at(1)),
            KeyPatch::default().revoked_at(at(2)),
            KeyPatch::default().rehash(old.clone(), old.clone()),
        ] {
            let updated = store.update(&key.id, None, &patch).await.unwrap();
            assert_eq!(updated.unwrap().prefix, "abcdefgh", "{patch:?}");
        }
        let rehash = KeyPatch::default().rehash(old, new.clone());
        let updated = store.update(&key.id, None, &rehash).await.unwrap();
        assert_eq!(updated.unwrap().hashed_key, new);
        // The guard holds no more.
        assert!(store.update(&key.id, None, &rehash).await.unwrap().is_none());
        assert!(store.update(&-1, None, &KeyPatch::default().name("n")).await.unwrap().is_none());
    });
}
