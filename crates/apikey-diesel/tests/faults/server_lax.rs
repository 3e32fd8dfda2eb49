//! A MariaDB that cuts what is too long instead of refusing it.

use std::process::Command;

use apikey_core::{ApiKeys, KeyRecord, KeyStore, ManageError, NewKey, NewRecord, Scopes};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool};
use apikey_diesel::diesel_async::{AsyncConnection, AsyncMysqlConnection, SimpleAsyncConnection};

use crate::database::GRACE;
use crate::private::{Home, Kind, Mariadb, Private};

struct LaxMariadb;

impl Kind for LaxMariadb {
    const NAME: &'static str = Mariadb::NAME;
    const STOP: &'static str = Mariadb::STOP;
    const ACCOUNTS: &'static [&'static str] = Mariadb::ACCOUNTS;

    fn missing() -> Option<String> {
        Mariadb::missing()
    }

    fn prepare(home: &Home) {
        Mariadb::prepare(home);
    }

    fn command(home: &Home) -> Command {
        let mut command = Mariadb::command(home);
        command.arg("--sql-mode=");
        command
    }

    fn is_ready(home: &Home, process: u32) -> bool {
        Mariadb::is_ready(home, process)
    }

    fn url(home: &Home) -> String {
        Mariadb::url(home)
    }
}

const SHORT: [&str; 3] = [
    "ALTER TABLE api_keys MODIFY scopes VARCHAR(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL",
    "ALTER TABLE api_keys MODIFY name VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL",
    "ALTER TABLE api_keys MODIFY rotated_from VARCHAR(4) CHARACTER SET ascii COLLATE ascii_bin",
];

/// What fits, and what is cut to another scope.
const FITS: &str = "reports:read tenants:admin";
const IS_CUT: &str = "reports:read tenants:admin-audit:read";

fn assert_rejected<T: std::fmt::Debug>(outcome: Result<T, ManageError>, case: &str) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, ManageError::Rejected(_)), "{case}: {error:?}");
}

/// No key gets what it was not given, whoever made the connections.
async fn keeps_what_is_written(store: impl KeyStore<KeyRecord> + Clone, pool: &str) {
    let keys = ApiKeys::new(store.clone());
    let cut: Vec<_> = IS_CUT.split(' ').collect();
    assert_rejected(keys.create(NewKey::new("cut").scopes(cut.clone())).await, pool);
    assert_rejected(keys.create("n".repeat(21)).await, pool);
    let fits: Vec<_> = FITS.split(' ').collect();
    let key = keys.create(NewKey::new("fits").scopes(fits)).await.unwrap().key;
    let update = apikey_core::KeyPatch::default().scopes(Scopes::collect(cut).unwrap());
    assert!(store.update(&key.id, None, &update).await.is_err(), "{pool}");
    // The prefix of the predecessor is too long for its column.
    assert_rejected(keys.rotate(&key.prefix, GRACE).await, pool);
    let kept = keys.get(&key.prefix).await.unwrap();
    assert_eq!(kept, Some(key), "{pool}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lax_mariadb_gives_no_key_what_it_was_not_given() {
    let Some(server) = Private::<LaxMariadb>::start("a_lax_mariadb") else { return };
    let own = DieselStore::connect(&server.url()).await.unwrap();
    own.migrate().await.unwrap();
    let mut admin = AsyncMysqlConnection::establish(&server.url()).await.unwrap();
    for sql in SHORT {
        admin.batch_execute(sql).await.unwrap();
    }
    keeps_what_is_written(own.clone(), "own").await;
    let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new(server.url());
    let pool = deadpool::Pool::builder(manager).build().unwrap();
    let theirs = DieselStore::<KeyRecord, _>::new(pool);
    keeps_what_is_written(theirs.clone(), "deadpool").await;
    // A prefix and a hash that are cut.
    let long = "p".repeat(32);
    admin.batch_execute("ALTER TABLE api_keys MODIFY prefix VARCHAR(8) NOT NULL").await.unwrap();
    let now = apikey_core::chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let new = NewRecord::new(long, apikey_core::HashedKey::new("sha256$$a"), "name", now, ());
    let outcome = theirs.insert(&new, None).await;
    assert!(matches!(outcome, Err(apikey_core::StoreError::Rejected(_))), "{outcome:?}");

    let problems = |findings: Vec<apikey_core::Finding>| -> Vec<String> {
        findings.into_iter().map(|finding| finding.problem).collect()
    };
    let found = problems(theirs.check().await.unwrap());
    for part in ["is not strict", "api_keys.scopes", "api_keys.name", "api_keys.rotated_from"] {
        assert!(found.iter().any(|problem| problem.contains(part)), "{part}: {found:#?}");
    }
    let found = problems(own.check().await.unwrap());
    assert!(!found.iter().any(|problem| problem.contains("is not strict")), "{found:#?}");
}
