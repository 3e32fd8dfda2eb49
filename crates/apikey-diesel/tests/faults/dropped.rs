//! Futures of `create` and `rotate` that are dropped at each of their awaits.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use apikey_core::ApiKeys;
use futures::future::join_all;
use tokio::runtime::{Builder, Runtime};

use crate::database::{Database, GRACE};

/// More awaits than there are on the way through a store.
pub(crate) const AWAITS: usize = 20;

/// Runs a future to its n-th await and drops it there, or to its end if that comes first. Polls it only when it
/// asks to be, as a runtime does, so that each poll gets to another await.
async fn drop_at<T>(awaits: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = awaits;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Drops each operation at each await several times: the threads that do the work are ahead or behind. On a busy
/// machine they may be ahead each time, so it goes on until something was dropped later than at its first await.
/// Returns how many awaits there are.
pub(crate) async fn drop_everywhere(keys: &ApiKeys) -> usize {
    let mut most = 0;
    for round in 0..50 * AWAITS {
        if round >= 5 * AWAITS && most >= 2 {
            break;
        }
        let awaits = round % AWAITS;
        let created = drop_at(awaits, keys.create("dropped")).await;
        let old = keys.create("old").await.unwrap().key;
        let rotated = drop_at(awaits, keys.rotate(&old.prefix, GRACE)).await;
        if rotated.is_none() || created.is_none() {
            most = most.max(awaits);
        }
        if awaits == 0 {
            let untouched = keys.get(&old.prefix).await.unwrap().unwrap();
            assert_eq!(untouched.expires_at, None, "it was never polled");
        }
    }
    most
}

fn leaves_whole_changes(build: impl Fn() -> Runtime) {
    let database = Database::new();
    let first = build();
    let keys = first.block_on(database.keys());
    let awaits = first.block_on(drop_everywhere(&keys));
    assert!((2..AWAITS - 1).contains(&awaits), "dropped at the awaits 0 to {awaits}");
    // Waits for the threads that finish what was dropped.
    drop(first);
    build().block_on(async {
        database.whole_keys().await;
        // Nothing holds a connection any more, or a turn for one.
        let created = join_all((0..16).map(|_| keys.create("after"))).await;
        assert!(created.iter().all(Result::is_ok), "{created:?}");
    });
}

#[test]
fn on_one_thread() {
    leaves_whole_changes(|| Builder::new_current_thread().enable_all().build().unwrap());
}

#[test]
fn on_several_threads() {
    leaves_whole_changes(|| Builder::new_multi_thread().enable_all().build().unwrap());
}
