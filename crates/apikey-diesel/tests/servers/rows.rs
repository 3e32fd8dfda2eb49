//! What a server refuses.

use apikey_conformance::report_skip;
use apikey_core::chrono::{DateTime, TimeDelta};
use apikey_core::{
    ApiKeys, HashedKey, KeyPatch, KeyQuery, KeyRecord, KeyStore, ManageError, Rotation, Scopes,
    StoreError,
};
use apikey_diesel::diesel::ConnectionError;
use apikey_diesel::diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, deadpool,
};
use apikey_diesel::diesel_async::{AsyncConnection, AsyncMysqlConnection, SimpleAsyncConnection};
use apikey_diesel::{DieselStore, MysqlPool};
use futures::FutureExt;

use crate::database::on_each_server;
use crate::opening::full_text;
use crate::parallel::{at, new_key};
use crate::server::{Databases, Server};

#[test]
fn tells_a_taken_prefix_from_another_violated_constraint() {
    on_each_server("tells_a_taken_prefix", async |_, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        databases.run(&url, "CREATE UNIQUE INDEX one_hash ON api_keys (hashed_key)").await;
        store.insert(&new_key("abcdefgh"), None).await.unwrap();

        let mut same_prefix = new_key("abcdefgh");
        same_prefix.hashed_key = HashedKey::new("sha256$$other");
        let taken = store.insert(&same_prefix, None).await;
        assert!(matches!(taken, Err(StoreError::Duplicate)), "{taken:?}");

        let mut same_hash = new_key("ABCDEFGH");
        same_hash.hashed_key = HashedKey::new("sha256$$abcdefgh");
        let rejected = store.insert(&same_hash, None).await.unwrap_err();
        assert!(matches!(rejected, StoreError::Rejected(_)), "{rejected:?}");
        assert!(!full_text(&rejected).contains("sha256$$"), "{}", full_text(&rejected));
    });
}

#[test]
fn refuses_what_is_too_long_for_a_column() {
    on_each_server("refuses_what_is_too_long", async |_, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let sql = match url.starts_with("mysql") {
            true => "ALTER TABLE api_keys MODIFY name VARCHAR(3) NOT NULL",
            false => "ALTER TABLE api_keys ALTER COLUMN name TYPE varchar(3)",
        };
        databases.run(&url, sql).await;
        let rejected = store.insert(&new_key("abcdefgh"), None).await;
        assert!(matches!(rejected, Err(StoreError::Rejected(_))), "{rejected:?}");
    });
}

/// What a trigger makes of a key is not what was asked for.
#[test]
fn a_change_that_a_trigger_changes_is_undone() {
    on_each_server("a_change_that_a_trigger_changes_is_undone", async |server, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let key = store.insert(&new_key("abcdefgh"), None).await.unwrap();
        let triggers: &[&str] = match server {
            Server::Postgres => &[
                "CREATE FUNCTION give() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN NEW.scopes = ''admin''; RETURN NEW; END'",
                "CREATE TRIGGER giving BEFORE INSERT OR UPDATE ON api_keys \
                 FOR EACH ROW EXECUTE FUNCTION give()",
            ],
            Server::Mysql => &[
                "CREATE TRIGGER giving BEFORE INSERT ON api_keys \
                 FOR EACH ROW SET NEW.scopes = 'admin'",
                "CREATE TRIGGER changing BEFORE UPDATE ON api_keys \
                 FOR EACH ROW SET NEW.scopes = 'admin'",
            ],
        };
        for trigger in triggers {
            databases.run(&url, trigger).await;
        }
        let inserted = store.insert(&new_key("ijklmnop"), None).await;
        assert!(matches!(inserted, Err(StoreError::Rejected(_))), "{inserted:?}");
        let patch = KeyPatch::default().scopes(Scopes::collect(["reports:read"]).unwrap());
        let updated = store.update(&key.id, None, &patch).await;
        assert!(matches!(updated, Err(StoreError::Rejected(_))), "{updated:?}");
        let rotation = Rotation::new(None, at(60), new_key("qrstuvwx"));
        assert!(store.rotate(&key.id, None, &rotation).await.is_err());
        let kept = store.get("abcdefgh", None).await.unwrap();
        assert_eq!(kept, Some(key));
        assert_eq!(store.count(&KeyQuery::new(), at(0)).await.unwrap(), 1);
    });
}

/// A column that is computed from the hash says so when that fails.
#[test]
fn no_error_repeats_a_hash() {
    on_each_server("no_error_repeats_a_hash", async |server, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let number = match server {
            Server::Postgres => {
                "ALTER TABLE api_keys ADD COLUMN number INTEGER \
                 GENERATED ALWAYS AS (substr(hashed_key, 9)::integer) STORED"
            }
            Server::Mysql => {
                "ALTER TABLE api_keys ADD COLUMN number INTEGER \
                 GENERATED ALWAYS AS (substr(hashed_key, 9)) STORED"
            }
        };
        databases.run(&url, number).await;
        let mut new = new_key("abcdefgh");
        let digest = "0f".repeat(32);
        new.hashed_key = HashedKey::new(format!("sha256$${digest}"));
        let error = store.insert(&new, None).await.unwrap_err();
        assert!(!full_text(&error).contains("0f0f"), "{}", full_text(&error));
    });
}

/// What counts attempts is not undone with them: a sequence, and a table without transactions.
fn rules(server: Server) -> [&'static str; 3] {
    match server {
        Server::Postgres => [
            "CREATE SEQUENCE attempts; \
             CREATE FUNCTION check_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             PERFORM nextval('attempts'); \
             IF NEW.name = 'bad' THEN RAISE EXCEPTION 'it''s no name for 100%%: %', NEW.name; END IF; \
             RETURN NEW; END $$",
            "CREATE TRIGGER names BEFORE INSERT ON api_keys FOR EACH ROW EXECUTE FUNCTION check_name()",
            "DO $$ BEGIN ASSERT (SELECT last_value FROM attempts) = 1; END $$",
        ],
        Server::Mysql => [
            "CREATE TABLE attempts (number INTEGER) ENGINE = MyISAM",
            "CREATE TRIGGER names BEFORE INSERT ON api_keys FOR EACH ROW BEGIN \
             INSERT INTO attempts VALUES (1); \
             IF NEW.name = 'bad' THEN SET @said = CONCAT('it''s no name for 100%: ', NEW.name); \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = @said, MYSQL_ERRNO = 30001; END IF; END",
            // Fails if there are more rows than one.
            "DO (SELECT number FROM attempts)",
        ],
    }
}

#[test]
fn a_trigger_of_the_applications_own_rejects_in_its_words_and_once() {
    on_each_server("a_trigger_of_the_applications_own", async |server, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let [first, second, was_tried_once] = rules(server);
        databases.run(&url, first).await;
        databases.run(&url, second).await;
        let rejected = ApiKeys::new(store.clone()).create("bad").await.unwrap_err();
        assert!(matches!(rejected, ManageError::Rejected(_)), "{rejected:?}");
        assert!(full_text(&rejected).contains("it's no name for 100%: bad"), "{rejected:?}");
        databases.run(&url, was_tried_once).await;
        ApiKeys::new(store).create("good").await.unwrap();
    });
}

#[test]
fn a_check_of_the_applications_own_rejects() {
    on_each_server("a_check_of_the_applications_own", async |_, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let check = "ALTER TABLE api_keys ADD CONSTRAINT good_name CHECK (name <> 'bad')";
        databases.run(&url, check).await;
        let rejected = ApiKeys::new(store).create("bad").await.unwrap_err();
        assert!(matches!(rejected, ManageError::Rejected(_)), "{rejected:?}");
        assert!(full_text(&rejected).contains("good_name"), "{rejected:?}");
    });
}

#[test]
fn what_no_rule_says_is_not_rejected() {
    on_each_server("what_no_rule_says", async |_, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        databases.run(&url, "ALTER TABLE api_keys RENAME COLUMN name TO label").await;
        let outcome = store.insert(&new_key("abcdefgh"), None).await;
        assert_unavailable(outcome, "the table api_keys has no column name");
        databases.run(&url, "DROP TABLE api_keys").await;
        let outcome = store.find_by_prefix("abcdefgh").await;
        assert_unavailable(outcome, "the table api_keys does not exist");
    });
}

/// What a trigger hands on is what the server says, whatever that is.
#[test]
fn a_trigger_that_says_anything_is_no_rule() {
    on_each_server("a_trigger_that_says_anything_is_no_rule", async |server, databases| {
        if server == Server::Mysql {
            return;
        }
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let function = "CREATE FUNCTION hand_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             PERFORM missing FROM nowhere; RETURN NEW; \
             EXCEPTION WHEN OTHERS THEN RAISE EXCEPTION '%', SQLERRM; END $$";
        let trigger = "CREATE TRIGGER names BEFORE INSERT ON api_keys \
             FOR EACH ROW EXECUTE FUNCTION hand_on()";
        databases.run(&url, function).await;
        databases.run(&url, trigger).await;
        let outcome = store.insert(&new_key("abcdefgh"), None).await;
        assert_unavailable(outcome, "\"nowhere\" does not exist");
    });
}

#[track_caller]
fn assert_unavailable<T: std::fmt::Debug>(outcome: Result<T, StoreError>, because: &str) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(full_text(&error).contains(because), "{}", full_text(&error));
}

/// Connections to MySQL or MariaDB whose errors are in German.
fn speaking_german() -> ManagerConfig<AsyncMysqlConnection> {
    let mut config = ManagerConfig::default();
    config.custom_setup = Box::new(|url| {
        async move {
            let mut conn = AsyncMysqlConnection::establish(url).await?;
            let set = conn.batch_execute("SET lc_messages = 'de_DE'").await;
            set.map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        }
        .boxed()
    });
    config
}

#[test]
fn recognizes_failures_in_another_language() {
    if let Err(reason) = Server::Mysql.url() {
        return report_skip("servers::recognizes_failures_in_another_language", &reason);
    }
    let databases = Databases::on(Server::Mysql);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = databases.create().await;
        let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new_with_config(
            &url,
            speaking_german(),
        );
        let pool = deadpool::Pool::builder(manager).build().unwrap();
        let store = DieselStore::<KeyRecord, MysqlPool>::new(pool);
        let outcome = store.find_by_prefix("abcdefgh").await;
        assert_unavailable(outcome, "the table api_keys does not exist");
        store.migrate().await.unwrap();
        databases
            .run(&url, "ALTER TABLE api_keys ADD CONSTRAINT good CHECK (name <> 'name')")
            .await;
        let rejected = store.insert(&new_key("abcdefgh"), None).await;
        assert!(matches!(rejected, Err(StoreError::Rejected(_))), "{rejected:?}");
    });
}

/// An expiry that is rounded back to what it was guards nothing: a second rotation would find it as it was.
#[test]
fn a_rotation_that_moves_no_expiry_is_refused() {
    on_each_server("a_rotation_that_moves_no_expiry", async |server, databases| {
        let url = databases.create().await;
        let store = DieselStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let whole = match server {
            Server::Postgres => "ALTER TABLE api_keys ALTER expires_at TYPE timestamptz(0)",
            Server::Mysql => "ALTER TABLE api_keys MODIFY expires_at DATETIME NULL",
        };
        databases.run(&url, whole).await;
        let end = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        let new = new_key("abcdefgh").with_expires_at(Some(end));
        let old = store.insert(&new, None).await.unwrap();
        assert_eq!(old.expires_at, Some(end));
        let moved = end - TimeDelta::microseconds(1);
        let mut rotation = Rotation::new(Some(end), moved, new_key("ijklmnop"));
        rotation.seen_name.clone_from(&old.name);
        let rotated = store.rotate(&old.id, None, &rotation).await;
        if server == Server::Mysql && rotated.is_ok() {
            // MariaDB rounds down, which moves it.
            let moved = store.get("abcdefgh", None).await.unwrap().unwrap();
            assert_ne!(moved.expires_at, Some(end));
            return;
        }
        assert!(matches!(rotated, Err(StoreError::Rejected(_))), "{rotated:?}");
        assert!(store.get("ijklmnop", None).await.unwrap().is_none());
        assert_eq!(store.get("abcdefgh", None).await.unwrap(), Some(old));
    });
}
