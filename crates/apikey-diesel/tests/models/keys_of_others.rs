//! Names in the application that the generated code could stumble over.

#![expect(dead_code, reason = "they are only there to be in the way")]

use apikey_core::KeyRecord;
use apikey_diesel::KeyModel;

mod schema {
    use apikey_diesel::diesel;

    diesel::table! {
        keys (id) {
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
            #[sql_name = "type"]
            type_ -> Text,
            status -> Bool,
        }
    }
}

#[expect(unused_imports, reason = "a column of each name is in scope")]
use keys::dsl::*;
use schema::keys;

type Time = String;
struct Error;
struct Text;
mod sqlite {}
mod blocking {}
fn select() {}

#[derive(Debug, Clone, KeyModel)]
#[apikey(table = schema::keys, usable = keys::status)]
pub(crate) struct Crowded {
    record: KeyRecord,
    #[apikey(column = type_)]
    r#type: Time,
    status: bool,
}
