//! SQL in MySQL's words.

use diesel::QueryResult;
use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, QueryFragment};

use crate::model::sql::StartsWith;

impl<T, P> QueryFragment<Mysql> for StartsWith<T, P>
where
    T: QueryFragment<Mysql>,
    P: QueryFragment<Mysql>,
{
    /// As bytes, whatever the collation of the column is.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("(instr(cast(");
        self.text.walk_ast(out.reborrow())?;
        out.push_sql(" AS binary), cast(");
        self.part.walk_ast(out.reborrow())?;
        out.push_sql(" AS binary)) = 1)");
        Ok(())
    }
}
