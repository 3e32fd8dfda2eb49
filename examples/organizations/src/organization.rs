//! What an operator does to organizations, and those of the demonstration.

use diesel::prelude::*;

use crate::schema::{organizations, reports, users};

/// Lets an organization in or locks it out, with its members and keys: their next requests are judged by
/// this. Returns whether there is such an organization.
pub(crate) fn set_active(
    conn: &mut SqliteConnection,
    name: &str,
    active: bool,
) -> QueryResult<bool> {
    let named = organizations::table.filter(organizations::name.eq(name));
    let changed = diesel::update(named).set(organizations::active.eq(active)).execute(conn)?;
    Ok(changed > 0)
}

/// Fills an empty database: `ada` and `alan` are members of `acme`, `grace` of `globex`.
pub(crate) fn seed(conn: &mut SqliteConnection) -> QueryResult<()> {
    conn.immediate_transaction(|conn| {
        if organizations::table.count().get_result::<i64>(conn)? > 0 {
            return Ok(());
        }
        for (id, organization, members) in
            [(1, "acme", &["ada", "alan"][..]), (2, "globex", &["grace"])]
        {
            diesel::insert_into(organizations::table)
                .values((
                    organizations::id.eq(id),
                    organizations::name.eq(organization),
                    organizations::active.eq(true),
                ))
                .execute(conn)?;
            for member in members {
                diesel::insert_into(users::table)
                    .values((users::name.eq(member), users::organization_id.eq(id)))
                    .execute(conn)?;
            }
            let title = format!("The first quarter of {organization}");
            diesel::insert_into(reports::table)
                .values((reports::title.eq(title), reports::organization_id.eq(id)))
                .execute(conn)?;
        }
        Ok(())
    })
}
