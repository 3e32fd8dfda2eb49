//! The conformance suite, on SQLite in memory and on files.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use apikey_conformance::{StoreFixture, async_trait, store_suite};
use apikey_core::{KeyRecord, KeyStore};
use apikey_diesel::DieselStore;
use tempfile::TempDir;

struct InMemory;

#[async_trait]
impl StoreFixture for InMemory {
    type Model = KeyRecord;

    async fn store(&self) -> Arc<dyn KeyStore<KeyRecord>> {
        Arc::new(DieselStore::sqlite("sqlite::memory:").await.unwrap())
    }

    fn extra(&self, _owner: u8) {}
}

struct OnFile {
    folder: TempDir,
    files: AtomicU32,
}

impl OnFile {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), files: AtomicU32::new(0) }
    }

    fn new_url(&self) -> String {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        format!("sqlite://{}", self.folder.path().join(format!("{number}.db")).display())
    }
}

#[async_trait]
impl StoreFixture for OnFile {
    type Model = KeyRecord;

    async fn store(&self) -> Arc<dyn KeyStore<KeyRecord>> {
        Arc::new(DieselStore::sqlite(&self.new_url()).await.unwrap())
    }

    async fn two_stores(&self) -> [Arc<dyn KeyStore<KeyRecord>>; 2] {
        let url = self.new_url();
        let one = DieselStore::sqlite(&url).await.unwrap();
        [Arc::new(one), Arc::new(DieselStore::sqlite(&url).await.unwrap())]
    }

    fn extra(&self, _owner: u8) {}
}

store_suite!(in_memory, InMemory);
store_suite!(on_file, OnFile::new());
