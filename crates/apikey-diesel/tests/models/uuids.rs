//! Another primary key, and columns of other names: a UUID on PostgreSQL, a text elsewhere.

use std::sync::Arc;

use apikey_conformance::{StoreFixture, async_trait, store_suite};
use apikey_core::{KeyRecord, KeyStore};
use apikey_diesel::{KeyModel, diesel};
use tempfile::TempDir;
use uuid::Uuid;

use crate::server::{Databases, Server};
use crate::tables::{self, Two, two};

diesel::table! {
    team_keys (key_id) {
        key_id -> Uuid,
        key_prefix -> Text,
        #[sql_name = "hash"]
        hashed_key -> Text,
        name -> Text,
        scopes -> Text,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        rotated_from -> Nullable<Text>,
        team -> Nullable<Uuid>,
    }
}

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = team_keys, owner = team_id, new_id = Uuid::new_v4(), backends(postgres))]
#[apikey(columns(id = key_id, prefix = key_prefix))]
struct TeamKey {
    record: KeyRecord<Uuid>,
    #[apikey(column = team)]
    team_id: Option<Uuid>,
}

struct Uuids(Databases);

const TEAM_KEYS: &str = "CREATE TABLE team_keys (key_id UUID PRIMARY KEY, \
     key_prefix TEXT COLLATE \"C\" NOT NULL UNIQUE, hash TEXT NOT NULL, name TEXT NOT NULL, \
     scopes TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL, expires_at TIMESTAMPTZ, \
     disabled_at TIMESTAMPTZ, revoked_at TIMESTAMPTZ, last_used_at TIMESTAMPTZ, rotated_from TEXT, \
     team UUID)";

#[async_trait]
impl StoreFixture for Uuids {
    type Model = TeamKey;

    fn available(&self) -> Result<(), String> {
        Server::Postgres.url().map(|_| ())
    }

    async fn store(&self) -> Arc<dyn KeyStore<TeamKey>> {
        let [store, _] = self.two_stores().await;
        store
    }

    async fn two_stores(&self) -> Two<TeamKey> {
        two(tables::postgres(&self.0, TEAM_KEYS).await)
    }

    fn extra(&self, owner: u8) -> NewTeamKey {
        NewTeamKey { team_id: self.owner(owner) }
    }

    fn owner(&self, owner: u8) -> Option<Uuid> {
        Some(Uuid::from_u128(owner.into()))
    }
}

store_suite!(postgres, Uuids(Databases::on(Server::Postgres)));

diesel::table! {
    text_keys (id) {
        id -> Text,
        key_prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        scopes -> Text,
        created_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        disabled_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
        rotated_from -> Nullable<Text>,
    }
}

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = text_keys, new_id = Uuid::new_v4().to_string(), columns(prefix = key_prefix))]
struct TextKey {
    record: KeyRecord<String>,
}

fn text_keys(text: &str, time: &str) -> String {
    format!(
        "CREATE TABLE text_keys (id {text} PRIMARY KEY, key_prefix {text} NOT NULL UNIQUE, \
         hashed_key {text} NOT NULL, name {text} NOT NULL, scopes TEXT NOT NULL, \
         created_at {time} NOT NULL, expires_at {time} NULL, disabled_at {time} NULL, \
         revoked_at {time} NULL, last_used_at {time} NULL, rotated_from {text})"
    )
}

enum Texts {
    Sqlite(TempDir),
    Mysql(Databases),
}

#[async_trait]
impl StoreFixture for Texts {
    type Model = TextKey;

    fn available(&self) -> Result<(), String> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Mysql(_) => Server::Mysql.url().map(|_| ()),
        }
    }

    async fn store(&self) -> Arc<dyn KeyStore<TextKey>> {
        match self {
            Self::Sqlite(_) => Arc::new(tables::sqlite(&text_keys("TEXT", "TIMESTAMP"))),
            Self::Mysql(_) => {
                let [store, _] = self.two_stores().await;
                store
            }
        }
    }

    async fn two_stores(&self) -> Two<TextKey> {
        match self {
            Self::Sqlite(folder) => {
                two(tables::two_of_sqlite(folder, &text_keys("TEXT", "TIMESTAMP")))
            }
            Self::Mysql(databases) => {
                let text = "VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
                two(tables::mysql(databases, &text_keys(text, "DATETIME(6)")).await)
            }
        }
    }

    fn extra(&self, _owner: u8) {}
}

store_suite!(texts_sqlite, Texts::Sqlite(tempfile::tempdir().unwrap()));
store_suite!(texts_mysql, Texts::Mysql(Databases::on(Server::Mysql)));
