//! What Django's model holds its rows to.

use apikey_core::HashedKey;

use crate::import::DjangoTable;
use crate::model::rules::{TableRules, TextRule};

/// What Django's model uses as primary key. It stays when the hash is replaced, there as here.
#[must_use]
pub fn id_of(prefix: &str, hashed_key: &HashedKey) -> String {
    format!("{prefix}.{}", hashed_key.as_str())
}

/// The rules of `AbstractAPIKey`: what to do if there is no table, if it lacks a column, and if its texts are
/// shorter than they are by now.
const fn rules(
    missing: &'static str,
    missing_columns: &'static [(&'static str, &'static str)],
    shorter: &'static str,
) -> TableRules {
    TableRules {
        id: TextRule { column: "id", longest: 150, shorter },
        prefix: TextRule { column: "prefix", longest: 8, shorter },
        hashed_key: TextRule { column: "hashed_key", longest: 150, shorter },
        name: TextRule { column: "name", longest: 50, shorter },
        times: &["created", "expiry_date"],
        missing,
        missing_columns,
        encodings: &["sha512$$"],
        prefix_length: 8,
    }
}

/// The rules of the package's own table, whose migrations have names.
pub static OF_THE_PACKAGE: TableRules = rules(
    "check that this is the database of the Django site, and run there `python manage.py migrate \
     rest_framework_api_key`",
    &[
        (
            "expiry_date",
            "run the migration 0002_auto_20190529_2243 of djangorestframework-api-key: `python manage.py \
             migrate rest_framework_api_key`",
        ),
        ("prefix", DjangoTable::UPGRADE),
        ("hashed_key", DjangoTable::UPGRADE),
    ],
    "run the migration 0005_auto_20220110_1102 of djangorestframework-api-key 2.2: `python manage.py \
     migrate rest_framework_api_key`",
);

/// The rules of a table of the Django application's own, which migrates it itself.
pub static OF_AN_APPLICATION: TableRules = rules(
    "check that this is the database of the Django site, and run there `python manage.py migrate`",
    &[],
    "upgrade djangorestframework-api-key to version 3, and run `python manage.py makemigrations` and \
     `python manage.py migrate`",
);
