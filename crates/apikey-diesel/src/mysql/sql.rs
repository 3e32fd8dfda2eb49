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
    /// As bytes of UTF-8, whatever the character set and the collation of the column are.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("(instr(");
        bytes(&self.text, out.reborrow())?;
        out.push_sql(", ");
        bytes(&self.part, out.reborrow())?;
        out.push_sql(") = 1)");
        Ok(())
    }
}

impl<C, V> QueryFragment<Mysql> for Exactly<C, V>
where
    C: Expression + QueryFragment<Mysql>,
    V: QueryFragment<Mysql>,
    Mysql: HasSqlType<C::SqlType>,
{
    /// The first comparison uses an index, the second is exact.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("(");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        self.value.walk_ast(out.reborrow())?;
        if matches!(<Mysql as HasSqlType<C::SqlType>>::metadata(&mut ()), MysqlType::String) {
            out.push_sql(" AND ");
            bytes(&self.column, out.reborrow())?;
            out.push_sql(" = ");
            bytes(&self.value, out.reborrow())?;
        }
        out.push_sql(")");
        Ok(())
    }
}

/// The bytes of a text in UTF-8: two columns of different character sets have different bytes for the same text.
fn bytes<'b, T>(text: &'b T, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()>
where
    T: QueryFragment<Mysql>,
{
    out.push_sql("cast(convert(");
    text.walk_ast(out.reborrow())?;
    out.push_sql(" USING utf8mb4) AS binary)");
    Ok(())
}
