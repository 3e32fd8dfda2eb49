//! The promises of every store, and those of this file.
#![expect(clippy::unwrap_used, reason = "a step that fails ends the test")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use apikey_conformance::{StoreFixture, async_trait, store_suite};
use apikey_core::{ApiKeys, KeyQuery, KeyRecord, KeyStore};
use key_journal::{JournalStore, OpenError};
use tempfile::TempDir;

struct Files {
    folder: TempDir,
    number: AtomicU32,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), number: AtomicU32::new(0) }
    }

    fn next(&self) -> PathBuf {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("{number}.jsonl"))
    }
}

#[async_trait]
impl StoreFixture for Files {
    type Model = KeyRecord;

    async fn store(&self) -> Arc<dyn KeyStore<KeyRecord>> {
        Arc::new(JournalStore::open(self.next()).unwrap())
    }

    fn extra(&self, _owner: u8) {}
}

store_suite!(journal, Files::new());

fn open(path: &PathBuf) -> ApiKeys {
    ApiKeys::new(JournalStore::open(path).unwrap())
}

#[tokio::test]
async fn everything_is_there_after_it_is_opened_again() {
    let files = Files::new();
    let path = files.next();
    let keys = open(&path);
    let old = keys.create("ci").await.unwrap();
    let new = keys.rotate(&old.key.prefix, Duration::from_secs(60)).await.unwrap();
    let gone = keys.create("gone").await.unwrap().key;
    keys.revoke(&gone.prefix).await.unwrap();
    keys.purge(Duration::ZERO, 10).await.unwrap();
    let before = keys.list(&KeyQuery::new()).await.unwrap().keys;
    drop(keys);
    let keys = open(&path);
    assert_eq!(keys.list(&KeyQuery::new()).await.unwrap().keys, before);
    keys.verify(old.plaintext.expose()).await.unwrap();
    keys.verify(new.plaintext.expose()).await.unwrap();
    assert_eq!(keys.create("next").await.unwrap().key.id, gone.id + 1, "no id is used twice");
}

#[tokio::test]
async fn a_line_that_was_cut_did_not_happen_wherever_it_was_cut() {
    let files = Files::new();
    let path = files.next();
    let keys = open(&path);
    let old = keys.create("ci").await.unwrap().key;
    let whole = fs::metadata(&path).unwrap().len();
    keys.rotate(&old.prefix, Duration::ZERO).await.unwrap();
    drop(keys);
    let bytes = fs::read(&path).unwrap();
    for end in usize::try_from(whole).unwrap()..bytes.len() {
        fs::write(&path, &bytes[..end]).unwrap();
        let keys = open(&path);
        assert_eq!(keys.list(&KeyQuery::new()).await.unwrap().keys, std::slice::from_ref(&old));
        keys.create("after").await.unwrap();
        drop(keys);
        assert_eq!(open(&path).count(&KeyQuery::new()).await.unwrap(), 2);
    }
}

#[test]
fn a_second_process_is_kept_out_and_another_file_is_named() {
    let files = Files::new();
    let path = files.next();
    let first = JournalStore::open(&path).unwrap();
    assert!(matches!(JournalStore::open(&path), Err(OpenError::Locked)));
    drop(first);
    fs::write(&path, "{\"put\":[]}\nsomething else\n").unwrap();
    assert!(matches!(JournalStore::open(&path), Err(OpenError::Line { line: 2, .. })));
}
