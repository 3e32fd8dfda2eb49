//! SQL in MySQL's words.

use diesel::QueryResult;
use diesel::expression::Expression;
use diesel::mysql::{Mysql, MysqlType};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::HasSqlType;

use crate::model::sql::{Exactly, StartsWith};

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

impl<C, V> QueryFragment<Mysql> for Exactly<C, V>
where
    C: Expression + QueryFragment<Mysql>,
    V: QueryFragment<Mysql>,
    Mysql: HasSqlType<C::SqlType>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("(");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        self.value.walk_ast(out.reborrow())?;
        if matches!(<Mysql as HasSqlType<C::SqlType>>::metadata(&mut ()), MysqlType::String) {
            out.push_sql(" AND cast(");
            self.column.walk_ast(out.reborrow())?;
            out.push_sql(" AS binary) = cast(");
            self.value.walk_ast(out.reborrow())?;
            out.push_sql(" AS binary)");
        }
        out.push_sql(")");
        Ok(())
    }
}
