//! SQL in SQLite's words.

use diesel::QueryResult;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sqlite::Sqlite;

use crate::model::sql::{Exactly, StartsWith};

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
