use apikey_core::KeyRecord;
use apikey_diesel::diesel;

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

pub struct OrganizationApiKey {
    pub record: KeyRecord,
    pub organization_id: i32,
}

pub struct State {
    pub keys: apikey_core::ApiKeys<OrganizationApiKey>,
}

fn main() {}
