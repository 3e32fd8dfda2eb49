//! What is said about a table that is missing, or of an old version of the package.

use std::error::Error;

use apikey_core::chrono::DateTime;
use apikey_core::{HashedKey, KeyStore, NewRecord};
use apikey_diesel::DieselStore;
use serde_json::json;

use crate::database::{Kind, on_each};
use crate::server::Server;
use crate::site::on_each_site_at;

const TABLE: &str = "rest_framework_api_key_apikey";

#[test]
fn finds_nothing_in_a_table_that_is_up_to_date() {
    on_each("finds_nothing_in_a_table_that_is_up_to_date", async |kind, place| {
        let store = place.store(kind.schema()).await;
        let found = store.check().await.unwrap();
        assert!(found.is_empty(), "{found:?}");
    });
}

#[test]
fn a_missing_table_is_the_sites_to_make() {
    on_each("a_missing_table_is_the_sites_to_make", async |_, place| {
        let store = place.store("CREATE TABLE theirs (id INTEGER)").await;
        let found = store.check().await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].problem, format!("the table {TABLE} does not exist"));
        assert!(found[0].fix.contains("manage.py migrate rest_framework_api_key"), "{found:?}");
        let text = chain(&store.find_by_prefix("abcdefgh").await.unwrap_err());
        assert!(text.contains("manage.py migrate rest_framework_api_key"), "{text}");
    });
}

/// The table as it was after each of the package's migrations that is not the last.
fn after(migration: &str, kind: Kind) -> String {
    let (time, bool_type) = match kind {
        Kind::Sqlite => ("datetime", "bool"),
        Kind::Server(Server::Postgres) => ("timestamp with time zone", "boolean"),
        Kind::Server(Server::Mysql) => ("datetime(6)", "bool"),
    };
    let mut columns = format!(
        "id varchar(100) NOT NULL PRIMARY KEY, created {time} NOT NULL, name varchar(50) NOT NULL, \
         revoked {bool_type} NOT NULL"
    );
    if migration > "0001" {
        columns += &format!(", expiry_date {time} NULL");
    }
    if migration > "0003" {
        columns += ", hashed_key varchar(100) NOT NULL, prefix varchar(8) NOT NULL UNIQUE";
    }
    format!("CREATE TABLE {TABLE} ({columns})")
}

#[test]
fn names_the_migration_that_an_old_table_lacks() {
    on_each("names_the_migration_that_an_old_table_lacks", async |kind, place| {
        for (migration, lacking) in [
            (
                "0001",
                ["0002_auto_20190529_2243", "0004_prefix_hashed_key", "0005_auto_20220110_1102"]
                    .as_slice(),
            ),
            ("0003", ["0004_prefix_hashed_key", "0005_auto_20220110_1102"].as_slice()),
            ("0004", ["0005_auto_20220110_1102"].as_slice()),
        ] {
            let store = place.store(&after(migration, kind)).await;
            let found = store.check().await.unwrap();
            for name in lacking {
                let is_named = found.iter().any(|finding| finding.fix.contains(name));
                assert!(is_named, "after {migration}, {name} is lacking: {found:?}");
            }
            for finding in &found {
                let names_one = lacking.iter().any(|name| finding.fix.contains(name));
                assert!(names_one, "after {migration}: {finding:?}");
                assert!(finding.fix.contains("manage.py migrate rest_framework_api_key"));
            }
        }
    });
}

/// Who does not ask is told by the first error.
#[test]
fn an_operation_on_an_old_table_names_the_migration() {
    on_each("an_operation_on_an_old_table_names_the_migration", async |kind, place| {
        let new = NewRecord::new(
            "abcdefgh",
            HashedKey::new(format!("sha512$${}", "0".repeat(128))),
            "name",
            DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            (),
        );
        let store = place.store(&after("0003", kind)).await;
        for error in [
            store.find_by_prefix("abcdefgh").await.map(drop).unwrap_err(),
            store.insert(&new, None).await.map(drop).unwrap_err(),
        ] {
            let text = chain(&error);
            assert!(text.contains("0004_prefix_hashed_key"), "{text}");
        }
        let store = place.store(&after("0004", kind)).await;
        let inserted = store.insert(&new, None).await;
        if kind == Kind::Sqlite {
            // It takes texts of any length, whatever the column says.
            inserted.unwrap();
        } else {
            let text = chain(&inserted.unwrap_err());
            assert!(text.contains("0005_auto_20220110_1102"), "{text}");
        }
    });
}

/// The real package, at each of its migrations that changed the table.
#[test]
fn a_site_that_lags_behind_is_told_which_migration_to_run() {
    for (migration, lacking) in [
        ("0001", "0002_auto_20190529_2243"),
        ("0003", "0004_prefix_hashed_key"),
        ("0004", "0005_auto_20220110_1102"),
    ] {
        let test = format!("a_site_that_lags_behind_is_told: {migration}");
        on_each_site_at(&test, Some(migration), async |_, url, site| {
            let store = DieselStore::django(url).await.unwrap();
            let found = store.check().await.unwrap();
            let is_named = found.iter().any(|finding| finding.fix.contains(lacking));
            assert!(is_named, "after {migration}, {lacking} is lacking: {found:?}");
            site.tell(json!({ "do": "migrate" }));
            let found = store.check().await.unwrap();
            assert!(found.is_empty(), "that helps: {found:?}");
        });
    }
}

/// All that an error and its causes say.
fn chain(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
