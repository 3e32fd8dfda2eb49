//! The built-in model in the built-in table, on each database.

/// Maps the built-in model to the built-in table of one database, by the macro of that database.
macro_rules! builtin_model {
    ($expand:ident, $schema:path) => {
        use $schema as table;

        /// Diesel's traits cannot be implemented for the core's type.
        struct Row(apikey_core::KeyRecord);

        impl From<Row> for apikey_core::KeyRecord {
            fn from(row: Row) -> Self {
                row.0
            }
        }

        use table::{
            created_at as c_created_at, disabled_at as c_disabled_at, expires_at as c_expires_at,
            hashed_key as c_hashed_key, id as c_id, last_used_at as c_last_used_at, name as c_name,
            prefix as c_prefix, revoked_at as c_revoked_at, rotated_from as c_rotated_from,
            scopes as c_scopes,
        };

        $crate::$expand! {
            {}
            model: apikey_core::KeyRecord, row: Row, id: i64,
            table: table "api_keys",
            columns: { c_id, c_prefix, c_hashed_key, c_name, c_created_at, c_revoked_at },
            scopes: [c_scopes v_scopes],
            expires_at: [c_expires_at v_expires_at],
            disabled_at: [c_disabled_at v_disabled_at],
            last_used_at: [c_last_used_at v_last_used_at],
            rotated_from: [c_rotated_from v_rotated_from],
            lacks: [],
            own: [],
            assemble: |record| Row(record),
            insert: |extra| [],
            owner: [],
            new_id: [],
            usable: [],
        }
    };
}

pub(crate) use builtin_model;
