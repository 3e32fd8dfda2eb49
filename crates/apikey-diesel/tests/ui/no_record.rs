use apikey_diesel::{KeyModel, diesel};

diesel::table! { organizations (id) { id -> Integer, active -> Bool, } }
diesel::table! {
    organization_api_keys (id) {
        id -> BigInt,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        scopes -> Text,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        rotated_from -> Nullable<Text>,
        organization_id -> Integer,
        note -> Nullable<Text>,
    }
}
diesel::allow_tables_to_appear_in_same_query!(organizations, organization_api_keys);

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = organization_api_keys, owner = organization_id, backends(postgres))]
pub struct OrganizationApiKey {
    pub organization_id: i32,
}

fn main() {}
