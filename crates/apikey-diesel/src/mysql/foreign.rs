//! Somebody else's table in MySQL and MariaDB.

use crate::import::words::Words;
use crate::mysql::connect::{MysqlPool, address, open};
use crate::server::foreign::foreign_database;

const WORDS: Words = Words {
    quote: '`',
    parameter: "?",
    text: ["CAST(", " AS CHAR)"],
    time: "date_format({column}, '%Y-%m-%d %H:%i:%s.%f')",
    key_tables: "SELECT CAST(table_name AS char) AS name FROM information_schema.columns \
                 WHERE table_schema = DATABASE() \
                 AND column_name IN ('prefix', 'hashed_key', 'revoked_at') \
                 GROUP BY table_name HAVING count(*) = 3 ORDER BY name",
};

foreign_database!(MysqlPool);
