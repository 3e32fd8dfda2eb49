//! What the user of a connection may do with a table.

use apikey_core::Finding;
use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use crate::model::TableNames;

/// The rights that this user has, by whichever grant, of the server, the database or the table. What comes by a role is
/// not told apart from it, so that a user with roles is not judged.
const RIGHTS: &str = "SELECT privilege_type AS name FROM ( \
         SELECT grantee, privilege_type FROM information_schema.user_privileges \
         UNION SELECT grantee, privilege_type FROM information_schema.schema_privileges \
             WHERE coalesce(?, DATABASE()) LIKE table_schema \
         UNION SELECT grantee, privilege_type FROM information_schema.table_privileges \
             WHERE table_schema = coalesce(?, DATABASE()) AND table_name = ? \
         UNION SELECT grantee, privilege_type FROM information_schema.column_privileges \
             WHERE table_schema = coalesce(?, DATABASE()) AND table_name = ? \
     ) rights \
     WHERE grantee = CONCAT('\\'', LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - 1 \
         - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1))), '\\'@\\'', \
         SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '\\'')";

const ROLES: &str = "SELECT COUNT(*) AS number FROM information_schema.applicable_roles";

#[derive(QueryableByName)]
struct Right {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Finds what this user may not do with the table.
pub(super) async fn missing<C>(conn: &mut C, names: TableNames) -> QueryResult<Vec<Finding>>
where
    C: AsyncConnection<Backend = Mysql>,
{
    // MySQL before 8.0 knows no roles, nor this table.
    let roles: QueryResult<Number> = diesel::sql_query(ROLES).get_result(conn).await;
    if roles.is_ok_and(|roles| roles.number > 0) {
        return Ok(Vec::new());
    }
    let rights: Vec<Right> = diesel::sql_query(RIGHTS)
        .bind::<Nullable<Text>, _>(names.schema)
        .bind::<Nullable<Text>, _>(names.schema)
        .bind::<Text, _>(names.table)
        .bind::<Nullable<Text>, _>(names.schema)
        .bind::<Text, _>(names.table)
        .load(conn)
        .await?;
    let table = names.full_name();
    let has = |name: &str| rights.iter().any(|right| right.name == name);
    let missing = ["SELECT", "INSERT", "UPDATE", "DELETE"].into_iter().filter(|name| !has(name));
    Ok(missing
        .map(|name| {
            Finding::new(
                format!("this user may not {name} in the table {table}"),
                format!("GRANT {name} ON {table} TO the user of the URL"),
            )
        })
        .collect())
}
