//! Django's table on PostgreSQL.

use crate::django::model::django_model;

diesel::table! {
    rest_framework_api_key_apikey (id) {
        id -> Text,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        created -> Timestamptz,
        revoked -> Bool,
        expiry_date -> Nullable<Timestamptz>,
    }
}

django_model!(__on_postgres, crate::postgres::django::rest_framework_api_key_apikey);
