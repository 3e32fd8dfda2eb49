//! The conformance suite on the built-in model.

use std::sync::Arc;

use apikey_conformance::{StoreFixture, async_trait, store_suite};
use apikey_core::{KeyRecord, KeyStore};
use apikey_diesel::DieselStore;

use crate::server::{Databases, Server};

struct BuiltIn(Databases, Server);

impl BuiltIn {
    fn on(server: Server) -> Self {
        Self(Databases::on(server), server)
    }
}

#[async_trait]
impl StoreFixture for BuiltIn {
    type Model = KeyRecord;

    fn available(&self) -> Result<(), String> {
        self.1.url().map(|_| ())
    }

    async fn store(&self) -> Arc<dyn KeyStore<KeyRecord>> {
        Arc::new(self.0.store().await)
    }

    async fn two_stores(&self) -> [Arc<dyn KeyStore<KeyRecord>>; 2] {
        let url = self.0.create().await;
        let one = DieselStore::connect(&url).await.unwrap();
        one.migrate().await.unwrap();
        [Arc::new(one), Arc::new(DieselStore::connect(&url).await.unwrap())]
    }

    fn extra(&self, _owner: u8) {}
}

store_suite!(postgres, BuiltIn::on(Server::Postgres));
store_suite!(mysql, BuiltIn::on(Server::Mysql));
