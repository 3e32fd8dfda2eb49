//! `kill -9` of a server under writers.

use apikey_core::{ApiKeys, ManageError, StoreError};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::child::Acknowledged;
use crate::database::{GRACE, whole_keys};
use crate::killed::assert_done;
use crate::private::{Kind, Mariadb, Postgres, Private};

/// A server is killed after so many changes: between operations at first, then the others are anywhere in
/// theirs.
const KILLED_AFTER: [usize; 6] = [0, 1, 5, 13, 29, 47];

const WRITERS: usize = 8;

async fn loses_nothing<K: Kind>(test: &str) {
    let Some(mut server) = Private::<K>::start(test) else { return };
    let keys = server.keys().await;
    let mut acknowledged = Vec::new();
    for changes in KILLED_AFTER {
        acknowledged.extend(write_until_killed(&mut server, &keys, changes).await);
        server.start_again();
        // By the same store, whose connections are all dead.
        let there = whole_keys(&keys).await;
        acknowledged.iter().for_each(|change| assert_done(change, &there));
    }
    let created = keys.create("after").await.unwrap();
    keys.verify(created.plaintext.expose()).await.unwrap();
}

/// Kills the server when so many changes are acknowledged, and returns these and what came in meanwhile.
async fn write_until_killed<K: Kind>(
    server: &mut Private<K>,
    keys: &ApiKeys,
    changes: usize,
) -> Vec<Acknowledged> {
    let (sender, mut receiver) = unbounded_channel();
    let mut writers = JoinSet::new();
    let number = if changes == 0 { 0 } else { WRITERS };
    for _ in 0..number {
        writers.spawn(write(keys.clone(), sender.clone()));
    }
    drop(sender);
    let mut acknowledged = Vec::new();
    while acknowledged.len() < changes {
        acknowledged.push(receiver.recv().await.unwrap());
    }
    server.kill();
    for error in writers.join_all().await {
        assert!(matches!(error, ManageError::Store(StoreError::Unavailable(_))), "{error:?}");
    }
    while let Some(change) = receiver.recv().await {
        acknowledged.push(change);
    }
    acknowledged
}

/// Writes until that fails, and says what is done.
async fn write(keys: ApiKeys, done: UnboundedSender<Acknowledged>) -> ManageError {
    let round = async || {
        let predecessor = keys.create("written").await?.key.prefix;
        done.send(Acknowledged::Created(predecessor.clone())).unwrap();
        let successor = keys.rotate(&predecessor, GRACE).await?.key.prefix;
        done.send(Acknowledged::Rotated { predecessor, successor }).unwrap();
        Ok(())
    };
    loop {
        if let Err(error) = round().await {
            return error;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_postgres_has_what_was_acknowledged_and_whole_rotations() {
    loses_nothing::<Postgres>("a_killed_postgres_has_what_was_acknowledged").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_mariadb_has_what_was_acknowledged_and_whole_rotations() {
    loses_nothing::<Mariadb>("a_killed_mariadb_has_what_was_acknowledged").await;
}
