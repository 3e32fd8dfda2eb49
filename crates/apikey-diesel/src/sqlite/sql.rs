//! SQL in SQLite's words.

use diesel::QueryResult;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sqlite::Sqlite;

use crate::model::sql::StartsWith;

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
