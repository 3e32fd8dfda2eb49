//! `apikey import django`

mod refusals;
mod reruns;
mod servers;
mod tables;
mod verdicts;

use std::path::Path;

use apikey_core::{ApiKeys, Django, Hashers, Sha256};
use apikey_diesel::DieselStore;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::fixture::{Folder, Run};

/// Written by djangorestframework-api-key 3.1 on Django 5.2.
const DATABASE: &[u8] = include_bytes!("../../apikey-diesel/tests/vectors/django-api-keys.sqlite3");

/// Its keys, and whether Django lets them in.
const KEYS: &str = include_str!("../../apikey-diesel/tests/vectors/django-api-keys.json");

const IMPORT: [&str; 4] = ["import", "django", "--from", "sqlite://db.sqlite3"];

/// A folder with the database of a Django project.
fn folder() -> Folder {
    let folder = Folder::empty();
    std::fs::write(folder.path("db.sqlite3"), DATABASE).unwrap();
    folder
}

fn import(folder: &Folder, more: &[&str]) -> Run {
    folder.run(&[&IMPORT, more].concat())
}

fn open(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

fn in_django(folder: &Folder, sql: &str) {
    open(&folder.path("db.sqlite3")).batch_execute(sql).unwrap();
}

/// Asks a service for its verdict on each key of Django.
fn assert_verdicts(url: &str) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let hashers = Hashers::new(Sha256).accept(Django::default());
        let store = DieselStore::connect(url).await.unwrap();
        let keys = ApiKeys::builder(store).hashers(hashers).build().unwrap();
        let known: Value = serde_json::from_str(KEYS).unwrap();
        let known = known["keys"].as_array().unwrap();
        assert_eq!(known.len(), 30);
        for key in known {
            let verdict = keys.verify(key["key"].as_str().unwrap()).await;
            assert_eq!(verdict.is_ok(), key["usable"].as_bool().unwrap(), "{key} {verdict:?}");
            if let Ok(verified) = verdict {
                assert_eq!(verified.name, key["name"].as_str().unwrap());
            }
        }
    });
}
