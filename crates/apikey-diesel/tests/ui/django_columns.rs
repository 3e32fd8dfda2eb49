use apikey_diesel::KeyModel;
use apikey_diesel::apikey_core::KeyRecord;

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = projects_projectapikey, layout = django, lacks(expires_at))]
struct ProjectApiKey {
    record: KeyRecord<String>,
}

fn main() {}
