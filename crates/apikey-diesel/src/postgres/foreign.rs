//! Somebody else's table in PostgreSQL.

use crate::import::words::Words;
use crate::postgres::connect::{PostgresPool, address, open};
use crate::server::foreign::foreign_database;

const WORDS: Words = Words {
    quote: '"',
    parameter: "$1",
    text: ["CAST(", " AS text)"],
    time: ["to_char(", " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"],
};

foreign_database!(PostgresPool);
