//! The built-in table.

diesel::table! {
    api_keys (id) {
        id -> BigInt,
        prefix -> Text,
        hashed_key -> Text,
        name -> Text,
        scopes -> Text,
        created_at -> Datetime,
        expires_at -> Nullable<Datetime>,
        disabled_at -> Nullable<Datetime>,
        revoked_at -> Nullable<Datetime>,
        last_used_at -> Nullable<Datetime>,
        rotated_from -> Nullable<Text>,
    }
}
