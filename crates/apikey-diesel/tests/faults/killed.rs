//! `kill -9` of a process that writes.

use std::collections::HashMap;

use apikey_core::KeyRecord;

use crate::child::{Acknowledged, Writers};
use crate::database::Database;

/// A process is killed after so many changes, and then some: the others writers are anywhere in theirs.
const KILLED_AFTER: [usize; 20] =
    [0, 1, 2, 3, 5, 7, 8, 9, 11, 13, 16, 17, 19, 23, 29, 31, 37, 41, 43, 47];

#[tokio::test]
async fn what_was_acknowledged_survives_and_every_rotation_is_whole() {
    let database = Database::new();
    let mut acknowledged = Vec::new();
    for changes in KILLED_AFTER {
        let mut writers = Writers::start(&database, u32::MAX);
        let first: Vec<_> = std::iter::from_fn(|| writers.next()).take(changes).collect();
        assert_eq!(first.len(), changes, "the process ended by itself");
        writers.process.kill().unwrap();
        acknowledged.extend(first);
        acknowledged.extend(writers.rest());
        writers.process.wait().unwrap();
        let keys = database.whole_keys().await;
        acknowledged.iter().for_each(|change| assert_done(change, &keys));
    }
    // The database goes on working.
    let keys = database.keys().await;
    let created = keys.create("after").await.unwrap();
    keys.verify(created.plaintext.expose()).await.unwrap();
}

pub(crate) fn assert_done(change: &Acknowledged, keys: &HashMap<String, KeyRecord>) {
    match change {
        Acknowledged::Created(prefix) => assert!(keys.contains_key(prefix), "{prefix} is lost"),
        Acknowledged::Rotated { predecessor, successor } => {
            assert_eq!(keys[successor].rotated_from.as_ref(), Some(predecessor));
        }
    }
}
