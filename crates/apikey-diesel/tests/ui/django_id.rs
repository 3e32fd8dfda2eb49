use apikey_diesel::KeyModel;
use apikey_diesel::apikey_core::KeyRecord;

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = projects_projectapikey, layout = django)]
struct ProjectApiKey {
    record: KeyRecord,
}

fn main() {}
