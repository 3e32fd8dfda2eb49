//! Django's table, as `sqlmigrate` of the package's migrations prints it.

/// The statements for SQLite.
pub(crate) const SQLITE: &str = "\
    CREATE TABLE \"rest_framework_api_key_apikey\" (\"created\" datetime NOT NULL, \
    \"name\" varchar(50) NOT NULL, \"revoked\" bool NOT NULL, \"expiry_date\" datetime NULL, \
    \"hashed_key\" varchar(150) NOT NULL, \"prefix\" varchar(8) NOT NULL UNIQUE, \
    \"id\" varchar(150) NOT NULL PRIMARY KEY); \
    CREATE INDEX \"rest_framework_api_key_apikey_created_c61872d9\" \
    ON \"rest_framework_api_key_apikey\" (\"created\");";

/// The statements for PostgreSQL.
pub(crate) const POSTGRES: &str = "\
    CREATE TABLE \"rest_framework_api_key_apikey\" (\"id\" varchar(150) NOT NULL PRIMARY KEY, \
    \"created\" timestamp with time zone NOT NULL, \"name\" varchar(50) NOT NULL, \
    \"revoked\" boolean NOT NULL, \"expiry_date\" timestamp with time zone NULL, \
    \"hashed_key\" varchar(150) NOT NULL, \"prefix\" varchar(8) NOT NULL UNIQUE); \
    CREATE INDEX \"rest_framework_api_key_apikey_created_c61872d9\" \
    ON \"rest_framework_api_key_apikey\" (\"created\");";

/// The statements for MySQL and MariaDB, with the collation that a database has unless told otherwise.
pub(crate) const MYSQL: &str = "\
    CREATE TABLE `rest_framework_api_key_apikey` (`id` varchar(150) NOT NULL PRIMARY KEY, \
    `created` datetime(6) NOT NULL, `name` varchar(50) NOT NULL, `revoked` bool NOT NULL, \
    `expiry_date` datetime(6) NULL, `hashed_key` varchar(150) NOT NULL, \
    `prefix` varchar(8) NOT NULL UNIQUE) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; \
    CREATE INDEX `rest_framework_api_key_apikey_created_c61872d9` \
    ON `rest_framework_api_key_apikey` (`created`);";
