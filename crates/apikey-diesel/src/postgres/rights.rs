//! Who may do what with a table.

use apikey_core::Finding;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::dialect::quoted;
use crate::model::TableNames;

/// What this user may not do. A right on some columns counts.
const MISSING: &str = "SELECT r.name FROM (VALUES (1, 'SELECT'), (2, 'INSERT'), (3, 'UPDATE'), (4, 'DELETE')) \
     AS r (place, name) \
     WHERE NOT has_table_privilege(to_regclass($1)::oid, r.name) \
     AND NOT (r.name <> 'DELETE' AND has_any_column_privilege(to_regclass($1)::oid, \
         CASE r.name WHEN 'DELETE' THEN 'SELECT' ELSE r.name END)) \
     ORDER BY r.place";

/// Whether row-level security keeps rows from this user, unless a policy lets it see all.
const FILTERED: &str = "SELECT row_security_active(to_regclass($1)::oid) AND ( \
         EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = to_regclass($1) AND NOT p.polpermissive) \
         OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = to_regclass($1) AND p.polpermissive \
             AND p.polcmd IN ('r', '*') AND pg_get_expr(p.polqual, p.polrelid) = 'true' \
             AND (0 = ANY (p.polroles) OR EXISTS (SELECT FROM unnest(p.polroles) role \
                 WHERE pg_has_role(role, 'MEMBER'))))) AS answer, current_user::text AS name";

/// Who else may write keys, or read their hashes: not this user, the owner of the table, nor who may do everything,
/// nor, if this user has its rights from groups alone, a group that it is a member of. Who may not enter the schema has
/// no use of a right in it.
const OTHERS: &str = "SELECT DISTINCT \
         CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname::text) END AS name, \
         g.privilege_type AS privilege, g.privilege_type <> 'SELECT' AS answer \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     CROSS JOIN LATERAL ( \
         SELECT a.grantee, a.privilege_type FROM aclexplode(c.relacl) a \
         UNION ALL SELECT a.grantee, a.privilege_type FROM pg_attribute t, aclexplode(t.attacl) a \
             WHERE t.attrelid = c.oid AND (a.privilege_type <> 'SELECT' OR t.attname = $2) \
     ) g LEFT JOIN pg_roles r ON r.oid = g.grantee \
     WHERE c.oid = to_regclass($1) AND g.privilege_type IN ('SELECT', 'INSERT', 'UPDATE') \
     AND g.grantee <> c.relowner AND NOT coalesce(r.rolsuper, false) \
     AND (g.grantee = 0 OR r.rolname <> current_user) \
     AND (g.grantee = 0 OR NOT pg_has_role(g.grantee, 'MEMBER') OR pg_has_role(c.relowner, 'MEMBER') \
         OR EXISTS (SELECT FROM aclexplode(c.relacl) d WHERE d.grantee = to_regrole(quote_ident(current_user)))) \
     AND EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) s \
         WHERE s.privilege_type = 'USAGE' AND (s.grantee = 0 OR s.grantee = g.grantee \
             OR g.grantee = 0 OR pg_has_role(g.grantee, s.grantee, 'MEMBER'))) \
     ORDER BY 3 DESC, 1, 2";

#[derive(QueryableByName)]
struct Right {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Grant {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    privilege: String,
    /// Whether it is a right to write.
    #[diesel(sql_type = Bool)]
    answer: bool,
}

/// Finds what keeps this user from the keys, and who else is not kept from them.
pub(super) async fn findings<C>(conn: &mut C, names: TableNames) -> QueryResult<Vec<Finding>>
where
    C: AsyncConnection<Backend = Pg>,
{
    let table = names.full_name();
    let missing: Vec<Right> =
        diesel::sql_query(MISSING).bind::<Text, _>(quoted(names)).load(conn).await?;
    let security: Answer =
        diesel::sql_query(FILTERED).bind::<Text, _>(quoted(names)).get_result(conn).await?;
    let grants: Vec<Grant> = diesel::sql_query(OTHERS)
        .bind::<Text, _>(quoted(names))
        .bind::<Text, _>(names.hashed_key)
        .load(conn)
        .await?;
    let user = &security.name;
    let mut findings: Vec<_> = missing
        .iter()
        .map(|Right { name: right }| {
            Finding::new(
                format!("the user {user} may not {right} in the table {table}"),
                format!("GRANT {right} ON {table} TO {user}"),
            )
        })
        .collect();
    if security.answer {
        findings.push(Finding::new(
            format!(
                "row-level security filters the table {table} for the user {user}: a key that it hides is refused as \
                 unknown, and none may be written"
            ),
            format!(
                "make {user} the owner of the table, ALTER ROLE {user} BYPASSRLS, or CREATE POLICY {user}_keys ON \
                 {table} TO {user} USING (true) WITH CHECK (true)"
            ),
        ));
    }
    findings.extend(others(&grants, &table));
    Ok(findings)
}

/// One finding for those who may write, and one for those who may only read.
fn others(grants: &[Grant], table: &str) -> Vec<Finding> {
    let writers: Vec<_> = grants.iter().filter(|grant| grant.answer).collect();
    let writes = |grant: &&Grant| writers.iter().any(|writer| writer.name == grant.name);
    let readers: Vec<_> = grants.iter().filter(|grant| !grant.answer && !writes(grant)).collect();
    let finding = |grants: &[&Grant], problem: &str| {
        let distinct = |values: Vec<&str>| {
            let mut distinct: Vec<&str> = Vec::new();
            for value in values {
                if !distinct.contains(&value) {
                    distinct.push(value);
                }
            }
            distinct.join(", ")
        };
        let roles = distinct(grants.iter().map(|grant| grant.name.as_str()).collect());
        let rights = distinct(grants.iter().map(|grant| grant.privilege.as_str()).collect());
        let revoke = format!("REVOKE {rights} ON {table} FROM {roles}");
        Finding::new(
            format!("{problem} {table}, beside its owner and this user: {roles}"),
            format!(
                "{revoke}, unless it is the user of your service: checked by that user, whose rights come from one \
                 group for all who shall have them, nothing is found"
            ),
        )
    };
    let mut findings = Vec::new();
    if !writers.is_empty() {
        let problem = "others may write to the table, and so make keys of their own in";
        findings.push(finding(&writers, problem));
    }
    if !readers.is_empty() {
        findings.push(finding(&readers, "others may read the hashes in the table"));
    }
    findings
}
