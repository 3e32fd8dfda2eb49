use apikey_core::KeyRecord;
use apikey_diesel::{KeyModel, diesel};


#[derive(Debug, Clone, KeyModel)]
#[apikey(table = organization_api_keys, owner = organization_id)]
pub struct OrganizationApiKey {
    pub record: KeyRecord,
    pub organization_id: i32,
}

fn main() {}
