//! The tables: see `migrations`.

diesel::table! {
    organizations (id) {
        id -> Integer,
        name -> Text,
        active -> Bool,
    }
}

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
        organization_id -> Integer,
    }
}

diesel::table! {
    reports (id) {
        id -> Integer,
        title -> Text,
        organization_id -> Integer,
    }
}

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

diesel::joinable!(users -> organizations (organization_id));
diesel::allow_tables_to_appear_in_same_query!(organizations, users, organization_api_keys);
