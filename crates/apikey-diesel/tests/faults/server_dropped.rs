//! Futures of `create` and `rotate` that are dropped at each of their awaits, on servers.

use futures::future::join_all;
use tokio::runtime::{Builder, Runtime};

use crate::database::whole_keys;
use crate::dropped::{AWAITS, drop_everywhere};
use crate::private::{Kind, Mariadb, Postgres, Private};

fn leaves_whole_changes<K: Kind>(test: &str) {
    let Some(server) = Private::<K>::start(test) else { return };
    let first = runtime();
    let keys = first.block_on(server.keys());
    let awaits = first.block_on(drop_everywhere(&keys));
    assert!((2..AWAITS - 1).contains(&awaits), "dropped at the awaits 0 to {awaits}");
    first.block_on(async {
        // More than there are connections: nothing holds one any more, or a lock.
        let created = join_all((0..32).map(|_| keys.create("after"))).await;
        assert!(created.iter().all(Result::is_ok), "{created:?}");
    });
    // The connections end with their runtime, and with them what is still under way.
    drop(first);
    let second = runtime();
    second.block_on(async { whole_keys(&server.keys().await).await });
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn dropped_on_postgres() {
    leaves_whole_changes::<Postgres>("dropped_on_postgres");
}

#[test]
fn dropped_on_mariadb() {
    leaves_whole_changes::<Mariadb>("dropped_on_mariadb");
}
