//! Somebody else's table in PostgreSQL.

use crate::import::words::Words;
use crate::postgres::connect::{PostgresPool, address, open};
use crate::server::foreign::foreign_database;

const WORDS: Words = Words {
    quote: '"',
    parameter: "$1",
    text: ["CAST(", " AS text)"],
    // `to_char` returns null for `infinity`, which would pass for a key that never ends.
    time: "coalesce(to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), CAST({column} AS text))",
    key_tables: "SELECT CAST(table_name AS text) AS name FROM information_schema.columns \
                 WHERE table_schema = ANY (current_schemas(false)) \
                 AND column_name IN ('prefix', 'hashed_key', 'revoked_at') \
                 GROUP BY table_schema, table_name HAVING count(*) = 3 ORDER BY name",
};

foreign_database!(PostgresPool);
