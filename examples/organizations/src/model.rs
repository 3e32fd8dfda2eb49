//! The keys of this service: each belongs to an organization, and works while that is active.

use apikey_axum::{AnyKey, ApiKey, KeyRecord, scopes};
use apikey_core::{ApiKeys, ApiKeysBuilder};
use apikey_diesel::{DieselStore, KeyModel};

use crate::database::Database;
use crate::schema::{organization_api_keys, organizations};

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = organization_api_keys, owner = organization_id, backends(sqlite))]
#[apikey(usable = organization_api_keys::organization_id.eq_any(
    organizations::table.filter(organizations::active).select(organizations::id)))]
pub(crate) struct OrganizationApiKey {
    pub(crate) record: KeyRecord,
    pub(crate) organization_id: i32,
}

/// A good key of an active organization, as an argument of a handler.
pub(crate) type Key<P = AnyKey> = ApiKey<OrganizationApiKey, P>;

scopes! {
    pub(crate) ReportsRead = "reports:read";
}

/// How many keys that are neither revoked nor expired an organization may have.
const MAX_KEYS: u32 = 20;

/// Keeps the keys beside the application's own tables, on the same connections.
pub(crate) fn keys(database: &Database) -> ApiKeysBuilder<OrganizationApiKey> {
    // A cache would delay what `deactivate` does in another process: see `ApiKeys::invalidate_owner`.
    ApiKeys::builder(DieselStore::new(database.pool())).max_keys_per_owner(MAX_KEYS)
}
