//! Somebody else's table in MySQL and MariaDB.

use crate::import::words::Words;
use crate::mysql::connect::{MysqlPool, address, open};
use crate::server::foreign::foreign_database;

const WORDS: Words = Words {
    quote: '`',
    parameter: "?",
    text: ["CAST(", " AS CHAR)"],
    time: "date_format({column}, '%Y-%m-%d %H:%i:%s.%f')",
};

foreign_database!(MysqlPool);
