//! The built-in table.

diesel::table! {
    api_keys (id) {
        id -> BigInt,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        scopes -> Text,
        created_at -> Text,
        expires_at -> Nullable<Text>,
        disabled_at -> Nullable<Text>,
        revoked_at -> Nullable<Text>,
        last_used_at -> Nullable<Text>,
        rotated_from -> Nullable<Text>,
    }
}
