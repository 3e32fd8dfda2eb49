//! What a server refuses.

use apikey_core::{ApiKeys, HashedKey, KeyStore, ManageError, StoreError};
use apikey_diesel::DieselStore;

use crate::database::on_each_server;
use crate::opening::full_text;
use crate::parallel::new_key;
use crate::server::Server;

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
            "BEGIN NOT ATOMIC IF (SELECT COUNT(*) FROM attempts) <> 1 THEN \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'it was tried again'; END IF; END",
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
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    });
}
