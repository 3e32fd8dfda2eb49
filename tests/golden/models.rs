//! The tables of a copy: the built-in one, two of an application's own, and that of a Django site.

use std::fmt::Display;
use std::sync::Arc;

use apikey_core::{KeyModel, KeyRecord, KeyStore};
use apikey_diesel::diesel::SqliteConnection;
use apikey_diesel::diesel::r2d2::{ConnectionManager, Pool};
use apikey_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool};
use apikey_diesel::diesel_async::{AsyncMysqlConnection, AsyncPgConnection};
use apikey_diesel::{ConnectionOptions, DieselStore, DjangoApiKey};

pub(crate) const BUILT_IN: &str = "api_keys";
pub(crate) const ORGANIZATIONS: &str = "organization_api_keys";
pub(crate) const TEAMS: &str = "team_api_keys";
pub(crate) const DJANGO: &str = "rest_framework_api_key_apikey";

/// A kind of database, of which a copy holds one each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Mysql,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Sqlite, Kind::Postgres, Kind::Mysql];

impl Kind {
    /// What its keys are listed under.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
        }
    }
}

/// The models on one kind of database: only the SQL types of the times differ.
// An attribute on several lines in a macro is moved to the right by each run of rustfmt.
#[rustfmt::skip]
macro_rules! models_on {
    ($backend:ident, $time:ident) => {
        mod $backend {
            use apikey_core::KeyRecord;
            use apikey_diesel::{KeyModel, diesel};

            diesel::table! { organizations (id) { id -> Integer, name -> Text, active -> Bool, } }
            diesel::table! {
                organization_api_keys (id) {
                    id -> BigInt,
                    prefix -> Text,
                    hashed_key -> Text,
                    name -> Text,
                    scopes -> Text,
                    created_at -> $time,
                    expires_at -> Nullable<$time>,
                    disabled_at -> Nullable<$time>,
                    revoked_at -> Nullable<$time>,
                    last_used_at -> Nullable<$time>,
                    rotated_from -> Nullable<Text>,
                    organization_id -> Integer,
                }
            }
            diesel::table! {
                team_api_keys (id) {
                    id -> BigInt,
                    prefix -> Text,
                    hashed_key -> Text,
                    name -> Text,
                    created_at -> $time,
                    expires_at -> Nullable<$time>,
                    revoked_at -> Nullable<$time>,
                    team -> Text,
                    note -> Nullable<Text>,
                }
            }
            diesel::allow_tables_to_appear_in_same_query!(organizations, organization_api_keys);

            /// Every built-in column, a number as owner, and a filter.
            #[derive(Debug, Clone, KeyModel)]
            #[apikey(table = organization_api_keys, owner = organization_id, backends($backend))]
            #[apikey(usable = organization_api_keys::organization_id.eq_any(
                organizations::table.filter(organizations::active).select(organizations::id)))]
            pub(super) struct OrganizationApiKey {
                pub(super) record: KeyRecord,
                pub(super) organization_id: i32,
            }

            /// Few columns, and a text as owner.
            #[derive(Debug, Clone, KeyModel)]
            #[apikey(table = team_api_keys, owner = team, backends($backend))]
            #[apikey(lacks(scopes, disabled_at, last_used_at, rotated_from))]
            pub(super) struct TeamApiKey {
                pub(super) record: KeyRecord,
                pub(super) team: String,
                pub(super) note: Option<String>,
            }
        }
    };
}

models_on!(sqlite, Timestamp);
models_on!(postgres, Timestamptz);
models_on!(mysql, Datetime);

/// What is done with each table of a database.
pub(crate) trait Visitor {
    /// Does it; `extra` makes the values of the model's own columns from an owner.
    async fn table<M>(
        &mut self,
        table: &str,
        store: Arc<dyn KeyStore<M>>,
        extra: impl Fn(&str) -> M::Extra,
    ) where
        M: KeyModel<Owner: Display>;
}

/// Opens a database, and hands over its tables one after the other.
pub(crate) async fn each_table(kind: Kind, url: &str, visitor: &mut impl Visitor) {
    let store = DieselStore::connect(url).await.unwrap();
    store.migrate().await.unwrap();
    visitor.table::<KeyRecord>(BUILT_IN, Arc::new(store), |_| ()).await;
    let django = DieselStore::django(url).await.unwrap();
    visitor.table::<DjangoApiKey>(DJANGO, Arc::new(django), |_| ()).await;
    match kind {
        Kind::Sqlite => each_own_of_sqlite(url, visitor).await,
        Kind::Postgres => each_own_of_postgres(url, visitor).await,
        Kind::Mysql => each_own_of_mysql(url, visitor).await,
    }
}

/// The same few lines for each database, since each has models of its own.
macro_rules! each_own {
    ($visitor:ident, $backend:ident, $pool:ident) => {
        let store = DieselStore::<$backend::OrganizationApiKey, _>::new($pool.clone());
        let extra = |owner: &str| $backend::NewOrganizationApiKey {
            organization_id: owner.parse().unwrap(),
        };
        $visitor.table::<$backend::OrganizationApiKey>(ORGANIZATIONS, Arc::new(store), extra).await;
        let store = DieselStore::<$backend::TeamApiKey, _>::new($pool);
        let extra = |owner: &str| $backend::NewTeamApiKey {
            team: owner.to_owned(),
            note: Some(format!("of {owner}")),
        };
        $visitor.table::<$backend::TeamApiKey>(TEAMS, Arc::new(store), extra).await;
    };
}

async fn each_own_of_sqlite(url: &str, visitor: &mut impl Visitor) {
    let pool = Pool::builder()
        .max_size(2)
        .connection_customizer(Box::new(ConnectionOptions::new()))
        .build(ConnectionManager::<SqliteConnection>::new(url.strip_prefix("sqlite://").unwrap()))
        .unwrap();
    each_own!(visitor, sqlite, pool);
}

async fn each_own_of_postgres(url: &str, visitor: &mut impl Visitor) {
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
    let pool = deadpool::Pool::builder(manager).build().unwrap();
    each_own!(visitor, postgres, pool);
}

async fn each_own_of_mysql(url: &str, visitor: &mut impl Visitor) {
    let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new(url);
    let pool = deadpool::Pool::builder(manager).build().unwrap();
    each_own!(visitor, mysql, pool);
}
