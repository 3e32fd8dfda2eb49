use apikey_core::KeyRecord;
use apikey_diesel::{KeyModel, diesel};

diesel::table! {
    projects_projectapikey (id) {
        id -> Text,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        created -> Timestamp,
        revoked -> Nullable<Timestamp>,
        expiry_date -> Nullable<Timestamp>,
        project_id -> BigInt,
    }
}

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = projects_projectapikey, layout = django, owner = project_id)]
pub struct ProjectApiKey {
    pub record: KeyRecord<String>,
    pub project_id: i64,
}

fn main() {}
