//! Many at once.

use std::sync::Arc;

use apikey_core::chrono::DateTime;
use apikey_core::{
    HashedKey, KeyPatch, KeyQuery, KeyStore, NewRecord, Rotation, StoreError, Timestamp,
};
use tokio::task::JoinSet;

use crate::database::on_each_server;

pub(crate) fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 123_456_000).unwrap()
}

pub(crate) fn new_key(prefix: &str) -> NewRecord<()> {
    NewRecord::new(prefix, HashedKey::new(format!("sha256$${prefix}")), "name", at(0), ())
}

#[test]
fn one_of_a_hundred_rotations_wins() {
    on_each_server("one_of_a_hundred_rotations_wins", async |_, databases| {
        let store = Arc::new(databases.store().await);
        let id = store.insert(&new_key("original"), None).await.unwrap().id;
        let mut tasks = JoinSet::new();
        for number in 0..100 {
            let store = Arc::clone(&store);
            let rotation = Rotation::new(None, at(60), new_key(&format!("next{number:04}")));
            tasks.spawn(async move { store.rotate(&id, None, &rotation).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(error, StoreError::Conflict), "{error:?}");
        }
        assert_eq!(store.count(&KeyQuery::new(), at(0)).await.unwrap(), 2);
    });
}

/// Two pools, as two processes would have.
#[test]
fn a_limit_holds_under_parallel_inserts_from_two_pools() {
    on_each_server("a_limit_holds_under_parallel_inserts", async |_, databases| {
        let url = databases.create().await;
        let one = Arc::new(apikey_diesel::DieselStore::connect(&url).await.unwrap());
        let two = Arc::new(apikey_diesel::DieselStore::connect(&url).await.unwrap());
        one.migrate().await.unwrap();
        let mut tasks = JoinSet::new();
        for number in 0..60 {
            let store = Arc::clone(if number % 2 == 0 { &one } else { &two });
            let new = new_key(&format!("key{number:05}"));
            tasks.spawn(async move { store.insert(&new, Some(7)).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 7);
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(error, StoreError::LimitReached { limit: 7 }), "{error:?}");
        }
        assert_eq!(one.count(&KeyQuery::new(), at(0)).await.unwrap(), 7);

        let query = KeyQuery::new().limit(1);
        let key = one.list(&query, at(0)).await.unwrap().keys.pop().unwrap();
        let expires = |end| KeyPatch::default().expires_at(end);
        two.update(&key.id, None, &expires(Some(at(60)))).await.unwrap().unwrap();
        let refused = two.update_within(&key.id, None, &expires(None), 6, at(1)).await;
        assert!(matches!(refused, Err(StoreError::LimitReached { limit: 6 })), "{refused:?}");
        let kept = two.update_within(&key.id, None, &expires(None), 7, at(1)).await;
        assert_eq!(kept.unwrap().unwrap().expires_at, None);
        two.touch_each(&[(key.id, at(2))]).await.unwrap();
        let key = one.get(&key.prefix, None).await.unwrap().unwrap();
        assert_eq!(key.last_used_at, Some(at(2)));
    });
}
