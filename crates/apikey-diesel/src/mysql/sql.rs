//! SQL in MySQL's words.

use diesel::QueryResult;
use diesel::expression::Expression;
use diesel::mysql::{Mysql, MysqlType};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::HasSqlType;

use crate::model::sql::time::{Comparison, TimeCompared, TimeOrder};
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

/// The first day of the calendar, before which there is what a lax server writes for what is no time.
const FIRST: &str = "'0001-01-01 00:00:00'";

impl<C, V> QueryFragment<Mysql> for TimeCompared<C, V>
where
    C: QueryFragment<Mysql>,
    V: QueryFragment<Mysql>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        let Self { column, how, value } = self;
        out.push_sql("(");
        column.walk_ast(out.reborrow())?;
        out.push_sql(how.operator());
        value.walk_ast(out.reborrow())?;
        if *how != Comparison::Same {
            out.push_sql(if how.takes_what_is_no_time() { " OR " } else { " AND " });
            column.walk_ast(out.reborrow())?;
            out.push_sql(if how.takes_what_is_no_time() { " < " } else { " >= " });
            out.push_sql(FIRST);
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<C> QueryFragment<Mysql> for TimeOrder<C>
where
    C: QueryFragment<Mysql>,
{
    /// Each row is kept or not: the month of what is no time at all is null.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql(if self.is_kept { "(" } else { "(NOT coalesce(" });
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" >= ");
        out.push_sql(FIRST);
        for function in ["month(", "dayofmonth("] {
            out.push_sql(" AND ");
            out.push_sql(function);
            self.column.walk_ast(out.reborrow())?;
            out.push_sql(") > 0");
        }
        out.push_sql(if self.is_kept { ")" } else { ", FALSE))" });
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
