//! An application whose keys belong to organizations, on three databases and behind Axum.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails the test")]
#![expect(
    missing_docs,
    clippy::exhaustive_structs,
    reason = "the model is public, as in an application"
)]

#[path = "../crates/apikey-diesel/tests/servers/server.rs"]
#[allow(dead_code, reason = "the tests of the servers use the rest")]
mod server;

use apikey_axum::{AnyKey, ApiKey, scopes};
use apikey_conformance::report_skip;
use apikey_core::{ApiKeys, KeyRecord, KeyStore, ManageError, NewKey};
use apikey_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool};
use apikey_diesel::{ConnectionOptions, DieselStore, KeyModel, MysqlPool, Pool, PostgresPool};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use diesel::r2d2::ConnectionManager;
use tower::ServiceExt;

use crate::server::{Databases, Server};

diesel::table! { organizations (id) { id -> Integer, active -> Bool, } }
diesel::table! {
    organization_api_keys (id) {
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
        organization_id -> Integer,
    }
}
diesel::allow_tables_to_appear_in_same_query!(organizations, organization_api_keys);

scopes! { ReportsRead = "reports:read"; }

// From here to `handler`, what the application writes, word for word as the design of this crate has it.

#[rustfmt::skip]
#[derive(Debug, Clone, KeyModel)]
#[apikey(table = organization_api_keys, owner = organization_id)]
#[apikey(usable = organization_api_keys::organization_id.eq_any(
    organizations::table.filter(organizations::active).select(organizations::id)))]
pub struct OrganizationApiKey {
    pub record: KeyRecord,          // the built-in columns
    pub organization_id: i32,       // yours
}

type Key<P = AnyKey> = ApiKey<OrganizationApiKey, P>; // one alias per application

async fn handler(key: Key<ReportsRead>) -> String {
    format!("org {}", key.organization_id)
}

/// Runs the application on a pool, and `deactivate` to end organization 7.
async fn application<P, D>(pool: P, deactivate: D) -> Result<(), ManageError>
where
    P: Pool,
    D: AsyncFnOnce(),
    DieselStore<OrganizationApiKey, P>: KeyStore<OrganizationApiKey>,
{
    #[rustfmt::skip]
    let keys: ApiKeys<OrganizationApiKey> = ApiKeys::new(DieselStore::new(pool)); // your pool
    #[rustfmt::skip]
    let created = keys.create(NewKey::new("ci").with(NewOrganizationApiKey { organization_id: 7 })).await?;
    assert!(keys.check().await?.is_empty());

    let app = router(keys.clone());
    let any = created.plaintext.expose();
    let answers = [get_with(&app, "/any", any).await, get_with(&app, "/reports", any).await];
    assert_eq!(answers[0], (StatusCode::OK, "ci".to_owned()));
    assert_eq!(answers[1].0, StatusCode::FORBIDDEN);

    let new = NewKey::new("reader").scopes(["reports:read"]);
    let reader = keys.create(new.with(NewOrganizationApiKey { organization_id: 7 })).await?;
    let reader = reader.plaintext.expose();
    assert_eq!(get_with(&app, "/reports", reader).await, (StatusCode::OK, "org 7".to_owned()));

    deactivate().await;
    let answers = [get_with(&app, "/any", any).await.0, get_with(&app, "/reports", reader).await.0];
    assert_eq!(answers, [StatusCode::UNAUTHORIZED; 2]);
    Ok(())
}

fn router(keys: ApiKeys<OrganizationApiKey>) -> Router {
    Router::new()
        .route("/any", get(|key: Key| async move { key.name.clone() }))
        .route("/reports", get(handler))
        .with_state(keys)
}

async fn get_with(app: &Router, path: &str, key: &str) -> (StatusCode, String) {
    let request = Request::get(path).header("Authorization", format!("Api-Key {key}"));
    let request = request.body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

const DEACTIVATE: &str = "UPDATE organizations SET active = FALSE WHERE id = 7";

/// Completes what `apikey migration` prints by the application's own column.
fn tables(migration: &str) -> String {
    let keys = migration
        .replace("{table}", "organization_api_keys")
        .replace("-- organization_id INTEGER NOT NULL", "organization_id INTEGER NOT NULL")
        .replace("-- FOREIGN KEY", "FOREIGN KEY")
        // One `table!` for three databases, so no zone.
        .replace("TIMESTAMPTZ", "TIMESTAMP");
    format!(
        "CREATE TABLE organizations (id INTEGER PRIMARY KEY, active BOOLEAN NOT NULL); \
         INSERT INTO organizations VALUES (7, TRUE); {keys}"
    )
}

#[tokio::test]
async fn a_key_of_an_organization_works_while_it_is_active_on_sqlite() {
    let pool = diesel::r2d2::Pool::builder()
        .max_size(1)
        .connection_customizer(Box::new(ConnectionOptions::new()))
        .build(ConnectionManager::<SqliteConnection>::new(":memory:"))
        .unwrap();
    let sql = tables(include_str!("../crates/apikey-cli/templates/sqlite/up.sql"));
    pool.get().unwrap().batch_execute(&sql).unwrap();
    let deactivate = {
        let pool = pool.clone();
        async move || pool.get().unwrap().batch_execute(DEACTIVATE).unwrap()
    };
    application(pool, deactivate).await.unwrap();
}

#[test]
fn a_key_of_an_organization_works_while_it_is_active_on_postgres() {
    let sql = tables(include_str!("../crates/apikey-cli/templates/postgres/up.sql"));
    on_a_server(Server::Postgres, "postgres", &sql, async |databases, url| {
        let manager = AsyncDieselConnectionManager::new(url);
        let pool: PostgresPool = deadpool::Pool::builder(manager).build().unwrap();
        application(pool, async || databases.run(url, DEACTIVATE).await).await.unwrap();
    });
}

#[test]
fn a_key_of_an_organization_works_while_it_is_active_on_mysql() {
    let sql = tables(include_str!("../crates/apikey-cli/templates/mysql/up.sql"));
    on_a_server(Server::Mysql, "mysql", &sql, async |databases, url| {
        let manager = AsyncDieselConnectionManager::new(url);
        let pool: MysqlPool = deadpool::Pool::builder(manager).build().unwrap();
        application(pool, async || databases.run(url, DEACTIVATE).await).await.unwrap();
    });
}

/// Runs a test on a new database of a server, if there is one. The database is dropped outside of the
/// runtime.
fn on_a_server(server: Server, name: &str, sql: &str, test: impl AsyncFnOnce(&Databases, &str)) {
    if let Err(reason) = server.url() {
        return report_skip(&format!("organizations::{name}"), &reason);
    }
    let databases = Databases::on(server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = databases.create().await;
        databases.run(&url, sql).await;
        test(&databases, &url).await;
    });
}
