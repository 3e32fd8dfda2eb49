//! SQL in PostgreSQL's words.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};

use crate::model::sql::time::{Comparison, TimeCompared, TimeOrder};
use crate::model::sql::{Exactly, StartsWith};

impl<T, P> QueryFragment<Pg> for StartsWith<T, P>
where
    T: QueryFragment<Pg>,
    P: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("starts_with(");
        self.text.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.part.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// `interval`, `numeric` and `jsonb`: one value is written in several ways.
const OF_SEVERAL_TEXTS: &str = "(1186, 1700, 3802)";

impl<C, V> QueryFragment<Pg> for Exactly<C, V>
where
    C: QueryFragment<Pg>,
    V: QueryFragment<Pg>,
{
    /// The first comparison uses an index, the second is exact whatever the type and the collation.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        self.value.walk_ast(out.reborrow())?;
        out.push_sql(" AND ((");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(")::text COLLATE \"C\" = (");
        self.value.walk_ast(out.reborrow())?;
        out.push_sql(")::text COLLATE \"C\" OR pg_typeof(");
        self.value.walk_ast(out.reborrow())?;
        out.push_sql(")::oid IN ");
        out.push_sql(OF_SEVERAL_TEXTS);
        out.push_sql("))");
        Ok(())
    }
}

impl<C, V> QueryFragment<Pg> for TimeCompared<C, V>
where
    C: QueryFragment<Pg>,
    V: QueryFragment<Pg>,
{
    /// What is infinite is read as the end of the calendar.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self { column, how, value } = self;
        out.push_sql("(");
        if *how == Comparison::Same {
            out.push_sql("CASE WHEN isfinite(");
            column.walk_ast(out.reborrow())?;
            out.push_sql(") THEN ");
            column.walk_ast(out.reborrow())?;
            out.push_sql(" WHEN ");
            column.walk_ast(out.reborrow())?;
            out.push_sql(" < '2000-01-01 00:00:00+00' THEN '0001-01-01 00:00:00+00' ");
            out.push_sql("ELSE '9999-12-31 23:59:59.999999+00' END");
        } else {
            column.walk_ast(out.reborrow())?;
        }
        out.push_sql(how.operator());
        value.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C> QueryFragment<Pg> for TimeOrder<C>
where
    C: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [first, between, last] = if self.is_kept {
            [" >= ", " AND ", " <= "]
        } else {
            out.push_sql("(");
            self.column.walk_ast(out.reborrow())?;
            out.push_sql(" IS NULL OR ");
            [" < ", " OR ", " > "]
        };
        out.push_sql("(");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(first);
        out.push_sql("'0001-01-01 00:00:00+00'");
        out.push_sql(between);
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(last);
        out.push_sql("'9999-12-31 23:59:59.999999+00'");
        out.push_sql(if self.is_kept { ")" } else { "))" });
        Ok(())
    }
}
