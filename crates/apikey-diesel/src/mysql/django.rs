//! Django's table on MySQL and MariaDB.

use crate::django::model::django_model;

diesel::table! {
    rest_framework_api_key_apikey (id) {
        id -> Text,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        created -> Datetime,
        revoked -> Bool,
        expiry_date -> Nullable<Datetime>,
    }
}

django_model!(__on_mysql, crate::mysql::django::rest_framework_api_key_apikey);
