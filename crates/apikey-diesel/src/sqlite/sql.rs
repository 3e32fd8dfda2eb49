//! SQL in SQLite's words.

use diesel::QueryResult;
use diesel::expression::Expression;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sqlite::Sqlite;

use crate::model::sql::time::{Comparison, TimeCompared, TimeOrder};
use crate::model::sql::{Exactly, StartsWith};
use crate::sqlite::time::KeptTime;

impl<T, P> QueryFragment<Sqlite> for StartsWith<T, P>
where
    T: QueryFragment<Sqlite>,
    P: QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(instr(");
        self.text.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.part.walk_ast(out.reborrow())?;
        out.push_sql(") = 1)");
        Ok(())
    }
}

impl<C, V> QueryFragment<Sqlite> for Exactly<C, V>
where
    C: QueryFragment<Sqlite>,
    V: QueryFragment<Sqlite>,
{
    /// The second comparison has no index if the column's collation is another, and numbers have none at all.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        self.value.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        self.value.walk_ast(out.reborrow())?;
        out.push_sql(" COLLATE BINARY)");
        Ok(())
    }
}

impl<C, V> QueryFragment<Sqlite> for TimeCompared<C, V>
where
    C: Expression<SqlType: KeptTime> + QueryFragment<Sqlite>,
    V: QueryFragment<Sqlite>,
{
    /// Texts of other forms are brought into the one that the column has, in which the order of texts is that of
    /// times. All begin with the day, by which an index finds them.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let Self { column, how, value } = self;
        out.push_sql("(");
        if matches!(how, Comparison::Before | Comparison::Until) {
            column.walk_ast(out.reborrow())?;
            out.push_sql(" < substr(");
            value.walk_ast(out.reborrow())?;
            out.push_sql(", 1, 10) || '~' AND ");
        }
        out.push_sql("coalesce(");
        fill(C::SqlType::NORMAL, column, &mut out)?;
        out.push_sql(how.operator());
        value.walk_ast(out.reborrow())?;
        out.push_sql(if how.takes_what_is_no_time() { ", 1))" } else { ", 0))" });
        Ok(())
    }
}

impl<C> QueryFragment<Sqlite> for TimeOrder<C>
where
    C: Expression<SqlType: KeptTime> + QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(if self.is_kept { "(" } else { "(NOT " });
        out.push_sql("coalesce(");
        fill(C::SqlType::IS_KEPT, &self.column, &mut out)?;
        out.push_sql(", 0))");
        Ok(())
    }
}

/// Writes SQL with the column in its place.
fn fill<'b, C: QueryFragment<Sqlite>>(
    sql: &'static str,
    column: &'b C,
    out: &mut AstPass<'_, 'b, Sqlite>,
) -> QueryResult<()> {
    for (number, part) in sql.split('?').enumerate() {
        if number > 0 {
            column.walk_ast(out.reborrow())?;
        }
        out.push_sql(part);
    }
    Ok(())
}
