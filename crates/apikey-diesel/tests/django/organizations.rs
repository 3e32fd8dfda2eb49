//! A model that the site derives from `AbstractAPIKey`: keys that belong to organizations.

use apikey_core::{ApiKeys, DenyReason, Django, Hashers, KeyModel, KeyStore, NewKey};
use apikey_diesel::diesel::SqliteConnection;
use apikey_diesel::diesel::r2d2::{ConnectionManager, Pool};
use apikey_diesel::diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool};
use apikey_diesel::diesel_async::{AsyncMysqlConnection, AsyncPgConnection};
use apikey_diesel::{ConnectionOptions, DieselStore};
use serde_json::json;

use crate::database::Kind;
use crate::server::Server;
use crate::site::{Site, on_each_site};

const MODEL: &str = "organization";

/// The model on one kind of database: only the SQL types of the times differ.
// An attribute on several lines in a macro is moved to the right by each run of rustfmt.
#[rustfmt::skip]
macro_rules! model_on {
    ($backend:ident, $time:ident) => {
        mod $backend {
            use apikey_core::KeyRecord;
            use apikey_diesel::{KeyModel, diesel};

            diesel::table! {
                tenants_organization (id) { id -> BigInt, name -> Text, active -> Bool, }
            }
            diesel::table! {
                tenants_organizationapikey (id) {
                    id -> Text,
                    prefix -> Text,
                    hashed_key -> Text,
                    name -> Text,
                    created -> $time,
                    revoked -> Bool,
                    expiry_date -> Nullable<$time>,
                    organization_id -> BigInt,
                }
            }
            diesel::allow_tables_to_appear_in_same_query!(
                tenants_organization,
                tenants_organizationapikey
            );

            #[derive(Debug, Clone, KeyModel)]
            #[apikey(table = tenants_organizationapikey, layout = django, backends($backend))]
            #[apikey(owner = organization_id)]
            #[apikey(usable = tenants_organizationapikey::organization_id.eq_any(
                tenants_organization::table
                    .filter(tenants_organization::active)
                    .select(tenants_organization::id)))]
            pub(super) struct OrganizationApiKey {
                pub(super) record: KeyRecord<String>,
                pub(super) organization_id: i64,
            }
        }
    };
}

model_on!(sqlite, Timestamp);
model_on!(postgres, Timestamptz);
model_on!(mysql, Datetime);

#[test]
fn keys_of_organizations_are_shared() {
    on_each_site("keys_of_organizations_are_shared", async |kind, url, site| match kind {
        Kind::Sqlite => {
            let path = url.strip_prefix("sqlite://").unwrap();
            let pool = Pool::builder()
                .connection_customizer(Box::new(ConnectionOptions::new().keep_journal_mode()))
                .build(ConnectionManager::<SqliteConnection>::new(path))
                .unwrap();
            let store = DieselStore::<sqlite::OrganizationApiKey, _>::new(pool);
            let extra = |organization_id| sqlite::NewOrganizationApiKey { organization_id };
            shared::<sqlite::OrganizationApiKey>(store, extra, site).await;
        }
        Kind::Server(Server::Postgres) => {
            let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
            let pool = deadpool::Pool::builder(manager).build().unwrap();
            let store = DieselStore::<postgres::OrganizationApiKey, _>::new(pool);
            let extra = |organization_id| postgres::NewOrganizationApiKey { organization_id };
            shared::<postgres::OrganizationApiKey>(store, extra, site).await;
        }
        Kind::Server(Server::Mysql) => {
            let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new(url);
            let pool = deadpool::Pool::builder(manager).build().unwrap();
            let store = DieselStore::<mysql::OrganizationApiKey, _>::new(pool);
            let extra = |organization_id| mysql::NewOrganizationApiKey { organization_id };
            shared::<mysql::OrganizationApiKey>(store, extra, site).await;
        }
    });
}

async fn shared<M>(store: impl KeyStore<M>, extra: fn(i64) -> M::Extra, site: &mut Site)
where
    M: KeyModel<Id = String, Owner = i64>,
{
    let (one, gone) = (organization(site, "one", true), organization(site, "gone", false));
    let keys = ApiKeys::builder(store).hashers(Hashers::new(Django::default())).build().unwrap();
    assert!(keys.check().await.unwrap().is_empty());

    let made = keys.create(NewKey::new("here").with(extra(one))).await.unwrap();
    assert_eq!(made.key.owner(), Some(&one));
    assert!(site.opens(MODEL, made.plaintext.expose()));
    // Keys of one model open nothing that wants the other.
    assert!(!site.opens("package", made.plaintext.expose()));

    made_there(&keys, site, one, gone).await;
    site.accepts_rows(MODEL, 3);
}

/// Keys of the site, of an organization that is active and of one that is not.
async fn made_there<M>(keys: &ApiKeys<M>, site: &mut Site, one: i64, gone: i64)
where
    M: KeyModel<Id = String, Owner = i64>,
{
    let there = |organization: i64, hasher: &str| {
        json!({ "do": "create", "model": MODEL, "name": "there", "hasher": hasher,
            "organization": organization })
    };
    let answer = site.tell(there(one, "argon2"));
    let (prefix, text) = (answer["prefix"].as_str().unwrap(), answer["key"].as_str().unwrap());
    let key = keys.verify(text).await.unwrap();
    assert_eq!(key.owner(), Some(&one));
    assert!(keys.owned_by(gone).get(prefix).await.unwrap().is_none());
    keys.owned_by(one).revoke(prefix).await.unwrap();
    assert_eq!(site.row(MODEL, prefix)["revoked"], true);

    // The site's `get_usable_keys` is the model's filter here.
    let answer = site.tell(there(gone, "pbkdf2_sha256"));
    let text = answer["key"].as_str().unwrap();
    assert!(!site.opens(MODEL, text));
    assert_eq!(keys.verify(text).await.unwrap_err().reason(), DenyReason::OwnerNotUsable);
}

/// Adds an organization to the site, and returns its id.
fn organization(site: &mut Site, name: &str, active: bool) -> i64 {
    let added = json!({ "do": "organization", "name": name, "active": active });
    site.tell(added).as_i64().unwrap()
}
