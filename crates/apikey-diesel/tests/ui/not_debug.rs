use apikey_core::KeyRecord;
use apikey_diesel::{KeyModel, diesel};

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

#[derive(Clone, KeyModel)]
#[apikey(table = organization_api_keys, owner = organization_id)]
pub struct OrganizationApiKey {
    pub record: KeyRecord,
    pub organization_id: i32,
}

fn handle(_: apikey_core::ApiKeys<OrganizationApiKey>) {}

fn main() {}
