//! Owners that are texts, in columns that take some of them for one.

use apikey_core::chrono::DateTime;
use apikey_core::{
    HashedKey, KeyModel as _, KeyPatch, KeyQuery, KeyRecord, KeyStore, NewRecord, Rotation,
    StoreError, Timestamp,
};
use apikey_diesel::diesel_async::{
    AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _,
};
use apikey_diesel::{KeyModel, diesel};

use crate::server::{Databases, Server};
use crate::tables;

diesel::table! {
    tenant_keys (id) {
        id -> BigInt,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        scopes -> Text,
        created_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        disabled_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
        rotated_from -> Nullable<Text>,
        tenant -> Text,
    }
}

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = tenant_keys, owner = tenant)]
pub(crate) struct TenantKey {
    pub(crate) record: KeyRecord,
    pub(crate) tenant: String,
}

fn table(id: &str, text: &str, time: &str, tenant: &str) -> String {
    format!(
        "CREATE TABLE tenant_keys (id {id}, prefix {text} NOT NULL UNIQUE, hashed_key {text} NOT NULL, \
         name {text} NOT NULL, scopes {text} NOT NULL, created_at {time} NOT NULL, expires_at {time} NULL, \
         disabled_at {time} NULL, revoked_at {time} NULL, last_used_at {time} NULL, rotated_from {text}, \
         tenant {tenant} NOT NULL);"
    )
}

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 123_456_000).unwrap()
}

fn new_key(prefix: &str, tenant: &str) -> NewRecord<NewTenantKey> {
    let extra = NewTenantKey { tenant: tenant.to_owned() };
    NewRecord::new(prefix, HashedKey::new(format!("sha256$${prefix}")), "name", at(0), extra)
}

/// To a tenant the keys of another are as absent, whatever the column takes for equal.
async fn tells_apart(store: &impl KeyStore<TenantKey>, tenant: &str, other: &str) {
    let key = store.insert(&new_key("abcdefgh", tenant), None).await.unwrap();
    let (tenant, other) = (tenant.to_owned(), other.to_owned());
    sees(store, &other, 0).await;
    sees(store, &tenant, 1).await;
    let id = &key.record().id;
    let rename = KeyPatch::default().name("new");
    assert!(store.update(id, Some(&other), &rename).await.unwrap().is_none());
    let rotation = Rotation::new(None, at(60), new_key("ijklmnop", &tenant));
    let rotated = store.rotate(id, Some(&other), &rotation).await;
    assert!(matches!(rotated, Err(StoreError::Conflict)), "{rotated:?}");
    store.insert(&new_key("qrstuvwx", &other), Some(1)).await.unwrap();
    assert!(store.update(id, Some(&tenant), &rename).await.unwrap().is_some());
}

/// The key of one tenant, as seen by this one.
async fn sees(store: &impl KeyStore<TenantKey>, tenant: &String, number: usize) {
    let got = store.get("abcdefgh", Some(tenant)).await.unwrap();
    let query = KeyQuery::new().owner(tenant.clone());
    let listed = store.list(&query, at(0)).await.unwrap().keys;
    let counted = store.count(&query, at(0)).await.unwrap();
    let seen = (got.iter().len(), listed.len(), counted);
    assert_eq!(seen, (number, number, number as u64), "{tenant:?}");
}

async fn problems(store: &impl KeyStore<TenantKey>) -> Vec<String> {
    let found = store.check().await.unwrap();
    found.into_iter().map(|finding| finding.problem).collect()
}

#[tokio::test]
async fn sqlite_tells_tenants_apart() {
    for (tenant, number) in
        [("TEXT COLLATE NOCASE", 1), ("TEXT COLLATE RTRIM", 1), ("TEXT", 0), ("VARCHAR(9)", 0)]
    {
        for (one, other) in [("acme", "Acme"), ("acme", "acme ")] {
            let id = "INTEGER PRIMARY KEY AUTOINCREMENT";
            let store = tables::sqlite::<TenantKey>(&table(id, "TEXT", "TIMESTAMP", tenant));
            tells_apart(&store, one, other).await;
            assert_eq!(problems(&store).await.len(), number, "{tenant}");
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a closure in the call reads better")]
fn on(server: Server, test: impl AsyncFn(&Databases)) {
    let case = format!("models::owners on {server:?}");
    let available = server.url().map(drop);
    let databases = Databases::on(server);
    apikey_conformance::run(&case, &[], available, async { test(&databases).await });
}

#[test]
fn mysql_tells_tenants_apart() {
    on(Server::Mysql, async |databases| {
        for (tenant, number) in [
            ("VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", 1),
            ("VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", 0),
        ] {
            for (one, other) in [("acme", "Acme"), ("acme", "acme "), ("straße", "strasse")] {
                let id = "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY";
                let text = "VARCHAR(512) CHARACTER SET ascii COLLATE ascii_bin";
                let sql = table(id, text, "DATETIME(6)", tenant)
                    .replace(&format!("scopes {text}"), "scopes TEXT");
                let [store, _] = tables::mysql::<TenantKey>(databases, &sql).await;
                tells_apart(&store, one, other).await;
                assert_eq!(problems(&store).await.len(), number, "{tenant}");
            }
        }
    });
}

/// Tenants in columns whose character set is not that of the connection.
const OTHER_SETS: [(&str, &str); 4] =
    [("latin1", "müller"), ("utf16", "acme"), ("ucs2", "acme"), ("utf16", "müller")];

#[test]
fn mysql_finds_tenants_in_any_character_set() {
    on(Server::Mysql, async |databases| {
        for (set, tenant) in OTHER_SETS {
            let id = "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY";
            let column = format!("VARCHAR(64) CHARACTER SET {set} COLLATE {set}_bin");
            // Prefixes are in the same set.
            let text = format!("VARCHAR(255) CHARACTER SET {set} COLLATE {set}_bin");
            let sql = table(id, &text, "DATETIME(6)", &column)
                .replace("scopes VARCHAR(255)", "scopes TEXT");
            let [store, _] = tables::mysql::<TenantKey>(databases, &sql).await;
            tells_apart(&store, tenant, "other").await;
            let full = store.insert(&new_key("yzabcdef", tenant), Some(1)).await;
            assert!(matches!(full, Err(StoreError::LimitReached { limit: 1 })), "{set}: {full:?}");
            for text in ["abcdefgh", "new"] {
                let query = KeyQuery::new().search(text);
                assert_eq!(store.count(&query, at(0)).await.unwrap(), 1, "{set}: {text}");
            }
            let found = problems(&store).await;
            let problem = format!("the column tenant_keys.tenant is {set}, which is not UTF-8");
            assert!(found.iter().any(|found| found.starts_with(&problem)), "{set}: {found:?}");
        }
    });
}

#[test]
fn the_advice_for_an_owner_on_mysql_helps() {
    on(Server::Mysql, async |databases| {
        let url = databases.create().await;
        let tenant = "VARCHAR(64) CHARACTER SET latin1 COLLATE latin1_swedish_ci";
        let text = "VARCHAR(512) CHARACTER SET ascii COLLATE ascii_bin";
        let id = "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY";
        let sql = table(id, text, "DATETIME(6)", tenant)
            .replace(&format!("scopes {text}"), "scopes TEXT");
        databases.run(&url, &sql).await;
        let store = tables::mysql_at::<TenantKey>(&url);
        for finding in store.check().await.unwrap() {
            databases.run(&url, &finding.fix).await;
        }
        assert!(store.check().await.unwrap().is_empty());
    });
}

/// A collation that takes letters for equal shows in the comparison itself, so `check` has to find it.
#[test]
fn postgres_is_found_to_take_tenants_for_one() {
    on(Server::Postgres, async |databases| {
        let id = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY";
        let text = "TEXT COLLATE \"C\"";
        let sql = table(id, text, "TIMESTAMP", "TEXT");
        let [store, _] = tables::postgres::<TenantKey>(databases, &sql).await;
        tells_apart(&store, "acme", "Acme").await;
        assert!(problems(&store).await.is_empty());
        let collation = "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', \
                         deterministic = false);";
        let sql = format!("{collation} {}", table(id, text, "TIMESTAMP", "TEXT COLLATE any_case"));
        let [store, _] = tables::postgres::<TenantKey>(databases, &sql).await;
        let found = store.check().await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            found[0].problem,
            "the column tenant_keys.tenant takes owners for one that differ in case"
        );
    });
}

/// Takes texts for equal that differ in case, by the rules of ICU.
const CASELESS: &str =
    "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";

#[test]
fn postgres_tells_tenants_apart() {
    on(Server::Postgres, async |databases| {
        let url = databases.create().await;
        if !has_icu(databases).await {
            apikey_conformance::report_skip("models::owners on Postgres", "it has no ICU");
            return;
        }
        let id = "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY";
        let sql = table(id, "text", "timestamp", "text COLLATE ci");
        databases.run(&url, &format!("{CASELESS}; {sql}")).await;
        let store = tables::postgres_at::<TenantKey>(&url);
        assert_eq!(problems(&store).await.len(), 1);
        tells_apart(&store, "acme", "Acme").await;

        let (ours, theirs) = ("acme".to_owned(), "Acme".to_owned());
        databases.run(&url, "UPDATE tenant_keys SET scopes = '\"' WHERE prefix = 'qrstuvwx'").await;
        let listed = async |tenant: &String| {
            let query = KeyQuery::new().owner(tenant.clone());
            store.list(&query, at(0)).await.unwrap().unreadable.len()
        };
        assert_eq!((listed(&ours).await, listed(&theirs).await), (0, 1));
        let revoke = KeyPatch::default().revoked_at(at(1));
        assert!(!store.end("qrstuvwx", Some(&ours), &revoke).await.unwrap());
        assert!(store.end("qrstuvwx", Some(&theirs), &revoke).await.unwrap());
        assert!(!store.delete_ended("qrstuvwx", Some(&ours), at(2)).await.unwrap());
        assert!(store.delete_ended("qrstuvwx", Some(&theirs), at(2)).await.unwrap());
    });
}

async fn has_icu(databases: &Databases) -> bool {
    let url = databases.create().await;
    let mut conn = AsyncPgConnection::establish(&url).await.unwrap();
    conn.batch_execute(CASELESS).await.is_ok()
}
