//! The model of the package's own table, on each database.

/// Maps [`DjangoApiKey`] to the table of one database, by the macro of that database.
macro_rules! django_model {
    ($expand:ident, $schema:path) => {
        use $schema as table;

        /// Diesel's traits are implemented once for each database.
        struct Row($crate::django::DjangoApiKey);

        impl From<Row> for $crate::django::DjangoApiKey {
            fn from(row: Row) -> Self {
                row.0
            }
        }

        use table::{
            created as c_created, expiry_date as c_expiry_date, hashed_key as c_hashed_key,
            id as c_id, name as c_name, prefix as c_prefix, revoked as c_revoked,
        };

        $crate::$expand! {
            {} @__django_queries
            model: $crate::django::DjangoApiKey, row: Row,
            table: table $crate::import::DjangoTable::NAME,
            rules: &$crate::django::rules::OF_THE_PACKAGE,
            columns: { c_id, c_prefix, c_hashed_key, c_name, c_created, c_revoked, c_expiry_date },
            own: [],
            assemble: |record| Row($crate::django::DjangoApiKey { record }),
            insert: |extra| [],
            owner: [],
            usable: [],
        }
    };
}

pub(crate) use django_model;
