//! What Django's model holds its rows to.

use apikey_core::HashedKey;

use crate::import::DjangoTable;
use crate::model::rules::{TableRules, TextRule};

/// What Django's model uses as primary key. It stays when the hash is replaced, there as here.
#[must_use]
pub fn id_of(prefix: &str, hashed_key: &HashedKey) -> String {
    format!("{prefix}.{}", hashed_key.as_str())
}

/// The texts of `AbstractAPIKey`, and what makes them as long where they are not.
const fn texts(shorter: &'static str) -> [TextRule; 4] {
    [
        TextRule { column: "id", longest: 150, shorter },
        TextRule { column: "prefix", longest: 8, shorter },
        TextRule { column: "hashed_key", longest: 150, shorter },
        TextRule { column: "name", longest: 50, shorter },
    ]
}

const ENCODINGS: &[&str] = &["sha512$$"];

const PREFIX_LENGTH: usize = 8;

/// The rules of the package's own table, whose migrations have names.
pub static OF_THE_PACKAGE: TableRules = TableRules {
    id: "id",
    missing: "check that this is the database of the Django site, and run there `python manage.py \
              migrate rest_framework_api_key`",
    texts: &texts(
        "run the migration 0005_auto_20220110_1102 of djangorestframework-api-key 2.2: `python manage.py \
         migrate rest_framework_api_key`",
    ),
    missing_columns: &[
        (
            "expiry_date",
            "run the migration 0002_auto_20190529_2243 of djangorestframework-api-key: `python manage.py \
             migrate rest_framework_api_key`",
        ),
        ("prefix", DjangoTable::UPGRADE),
        ("hashed_key", DjangoTable::UPGRADE),
    ],
    encodings: ENCODINGS,
    prefix_length: PREFIX_LENGTH,
};

/// The rules of a table of the Django application's own, which migrates it itself.
pub static OF_AN_APPLICATION: TableRules = TableRules {
    id: "id",
    missing: "check that this is the database of the Django site, and run there `python manage.py migrate`",
    texts: &texts(MIGRATE),
    missing_columns: &[],
    encodings: ENCODINGS,
    prefix_length: PREFIX_LENGTH,
};

const MIGRATE: &str = "upgrade djangorestframework-api-key to version 3, and run `python manage.py \
     makemigrations` and `python manage.py migrate`";
