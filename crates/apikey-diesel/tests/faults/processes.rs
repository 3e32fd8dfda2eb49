//! Two processes that write to one file at once.

use crate::child::Writers;
use crate::database::Database;

const ROUNDS: u32 = 10;

#[tokio::test]
async fn sixteen_writers_in_two_processes_all_succeed() {
    let database = Database::new();
    // There is no file yet: both migrate it.
    let mut processes = [(); 2].map(|()| Writers::start(&database, ROUNDS));
    for writers in &mut processes {
        assert_eq!(writers.rest().len(), 2 * 8 * 10);
        assert!(writers.process.wait().unwrap().success());
    }
    let keys = database.whole_keys().await;
    let rotated = keys.values().filter(|key| key.rotated_from.is_some()).count();
    assert_eq!((keys.len(), rotated), (2 * 2 * 8 * 10, 2 * 8 * 10));
}
