//! SQL in PostgreSQL's words.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};

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

impl<C, V> QueryFragment<Pg> for Exactly<C, V>
where
    C: QueryFragment<Pg>,
    V: QueryFragment<Pg>,
{
    /// Texts are equal if their bytes are, but for types and collations that `check` finds.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        self.value.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}
