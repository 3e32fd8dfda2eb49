//! Connections that are of no more use, though they are there: a failure on one of them is a blip, never a state.
//!
//! Each server says what is wrong with them as it would in earnest, or is made to: see `failing`.

use apikey_core::{KeyPatch, KeyQuery, KeyStore, Rotation};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool};
use apikey_diesel::diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures::future::join_all;

use crate::database::on_each_server;
use crate::failing::{Fault, Keys, each_pool, untested};
use crate::parallel::{at, new_key};
use crate::server::{Databases, Server};

/// More than any pool here has connections.
const MANY: usize = 20;

/// Asks for a key on all connections at once.
async fn ask_all(keys: &Keys) {
    let asked = join_all((0..MANY).map(|_| keys.store.find_by_prefix("abcdefgh"))).await;
    for found in asked {
        assert!(found.as_ref().is_ok_and(Option::is_some), "{}: {found:?}", keys.pool);
    }
}

/// Does everything once that a store does.
async fn does_everything(keys: &Keys) {
    let store = &keys.store;
    let id = store.get("abcdefgh", None).await.unwrap().unwrap().id;
    store.list(&KeyQuery::new(), at(0)).await.unwrap();
    store.count(&KeyQuery::new(), at(0)).await.unwrap();
    store.touch(&[id], at(1)).await.unwrap();
    store.update(&id, None, &KeyPatch::default().name("new")).await.unwrap().unwrap();
    let rotation = Rotation::new(None, at(60), renamed(new_key("ijklmnop")));
    store.rotate(&id, None, &rotation).await.unwrap();
    store.insert(&new_key("qrstuvwx"), Some(10)).await.unwrap();
    store.update(&id, None, &KeyPatch::default().revoked_at(at(2))).await.unwrap().unwrap();
    store.check().await.unwrap();
    assert_eq!(store.delete_expired(at(3), 10).await.unwrap(), 1);
}

/// As each migration does that makes a column longer, and as `check` advises.
#[test]
fn a_column_that_is_altered_is_a_blip_at_most() {
    on_each_server("a_column_that_is_altered", async |server, databases| {
        for keys in each_pool(server, databases).await {
            ask_all(&keys).await;
            let alter = match server {
                Server::Postgres => "ALTER TABLE api_keys ALTER COLUMN name TYPE varchar(300)",
                Server::Mysql => "ALTER TABLE api_keys MODIFY name VARCHAR(300) NOT NULL",
            };
            databases.run(&keys.url, alter).await;
            ask_all(&keys).await;
            ask_all(&keys).await;
            databases.run(&keys.url, &alter.replace("300", "400")).await;
            does_everything(&keys).await;
        }
    });
}

/// What PgBouncer does between two transactions, or a pool that cleans its connections.
#[test]
fn statements_that_vanish_are_prepared_again() {
    on_each_server("statements_that_vanish", async |server, databases| {
        if server == Server::Mysql {
            return;
        }
        for vanish in ["DEALLOCATE ALL", "DISCARD ALL"] {
            let url = databases.create().await;
            let manager = AsyncDieselConnectionManager::new_with_config(&url, untested());
            let pool =
                deadpool::Pool::<AsyncPgConnection>::builder(manager).max_size(1).build().unwrap();
            let store = DieselStore::new(pool.clone());
            store.migrate().await.unwrap();
            store.insert(&new_key("abcdefgh"), None).await.unwrap();
            let keys = Keys::new("deadpool", store, url);
            for _ in 0..2 {
                ask_all(&keys).await;
                // `DISCARD ALL` also forgets the schema that the URL names.
                let schema = keys.schema();
                let mut conn = pool.get().await.unwrap();
                conn.batch_execute(vanish).await.unwrap();
                conn.batch_execute(&format!("SET search_path = {schema}")).await.unwrap();
                drop(conn);
            }
            does_everything(&keys).await;
        }
    });
}

/// What each row of the servers' tables of failures says has to come true on every pool.
async fn comes_true(databases: &Databases, keys: &Keys, fault: &Fault) {
    let case = format!("{fault:?} on {}", keys.pool);
    keys.fail_with(databases, fault).await;
    ask_all(keys).await;
    a_read_is_as_it_says(databases, keys, fault, &case).await;
    ask_all_anyhow(keys).await;
    a_change_is_as_it_says(databases, keys, fault, &case).await;
    keys.heal(databases).await;
}

async fn a_read_is_as_it_says(databases: &Databases, keys: &Keys, fault: &Fault, case: &str) {
    let stale = keys.make_stale(databases).await;
    let read = keys.store.get("abcdefgh", None).await;
    assert_eq!(read.is_ok(), fault.reads_again, "{case}: {read:?}");
    assert_eq!(keys.faults().await, 1, "{case}");
    if fault.closes {
        for _ in 0..MANY {
            keys.store.get("abcdefgh", None).await.unwrap();
        }
        assert!(keys.faults().await <= stale, "{case}: a dead connection came back");
    }
}

async fn a_change_is_as_it_says(databases: &Databases, keys: &Keys, fault: &Fault, case: &str) {
    keys.make_stale(databases).await;
    let id = keys.id;
    let changed = keys.store.update(&id, None, &KeyPatch::default().name("new")).await;
    assert_eq!(changed.is_ok(), fault.changes_again, "{case}: {changed:?}");
    if fault.changes_again {
        assert_eq!(keys.faults().await, 1, "{case}");
        let created = keys.store.insert(&new_key("created1"), None).await;
        assert!(created.is_ok(), "{case}: {created:?}");
        assert_eq!(keys.store.count(&KeyQuery::new(), at(0)).await.unwrap(), 2, "{case}");
    }
}

/// Opens connections, whatever they say.
async fn ask_all_anyhow(keys: &Keys) {
    join_all((0..MANY).map(|_| keys.store.find_by_prefix("abcdefgh"))).await;
}

#[test]
fn each_failure_has_the_consequences_that_the_table_says() {
    on_each_server("each_failure_has_the_consequences", async |server, databases| {
        for keys in each_pool(server, databases).await {
            keys.can_fail(databases).await;
            // What follows is the same for each, so the pools of applications try the first and the last.
            let faults = Fault::of(server);
            let step = if keys.pool == "own" { 1 } else { faults.len() - 1 };
            for fault in faults.iter().step_by(step) {
                comes_true(databases, &keys, fault).await;
            }
        }
    });
}

fn renamed(mut new: apikey_core::NewRecord<()>) -> apikey_core::NewRecord<()> {
    "new".clone_into(&mut new.name);
    new
}
