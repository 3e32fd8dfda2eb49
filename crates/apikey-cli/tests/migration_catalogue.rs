//! The table that `apikey migration` creates is the built-in one, but for its name: the catalogues of the
//! databases say the same of both.

use apikey_diesel::diesel_async;
use apikey_diesel::diesel_async::{AsyncConnection, AsyncMysqlConnection, AsyncPgConnection};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::fixture::Folder;
use crate::migration;
use crate::servers::{Server, block_on, on_each_server};

const OWN: &str = "organization_api_keys";

/// What a catalogue says, a fact on each line.
#[derive(QueryableByName)]
struct Fact {
    #[diesel(sql_type = Text)]
    fact: String,
}

/// Asks a catalogue about `{table}`, and leaves its name out of the answers.
fn about(table: &str, query: &str, ask: impl FnOnce(&str) -> Vec<Fact>) -> Vec<String> {
    let facts = ask(&query.replace("{table}", table)).into_iter();
    let mut facts: Vec<_> = facts.map(|fact| fact.fact.replace(table, "{table}")).collect();
    facts.sort();
    assert!(facts.len() > 15, "there are 11 columns and 5 indexes: {facts:?}");
    facts
}

const SQLITE: &str = "SELECT concat_ws(' ', 'column', name, type, \"notnull\", dflt_value, pk, hidden) AS fact \
         FROM pragma_table_xinfo('{table}') \
     UNION ALL SELECT concat_ws(' ', 'index', l.name, l.\"unique\", l.origin, l.partial, s.sql, \
             (SELECT group_concat(concat_ws(' ', name, coll, desc, key)) FROM pragma_index_xinfo(l.name))) \
         FROM pragma_index_list('{table}') l JOIN sqlite_schema s ON s.name = l.name \
     UNION ALL SELECT concat_ws(' ', 'table', type, wr, strict, \
             (SELECT instr(sql, 'AUTOINCREMENT') > 0 FROM sqlite_schema WHERE name = '{table}')) \
         FROM pragma_table_list('{table}')";

#[test]
fn on_sqlite() {
    let folder = Folder::new();
    folder.execute(&migration::sql("sqlite", OWN).0);
    let conn = &mut folder.connection();
    let mut ask = |table| {
        about(table, SQLITE, |query| RunQueryDsl::load(diesel::sql_query(query), conn).unwrap())
    };
    assert_eq!(ask(OWN), ask("api_keys"));
}

const POSTGRES: &str = "SELECT concat_ws(' ', 'column', a.attname, format_type(a.atttypid, a.atttypmod), \
             a.attnotnull, c.collname, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)) AS fact \
         FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = a.attcollation \
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 \
     UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '{table}'::regclass \
     UNION ALL SELECT concat_ws(' ', 'constraint', conname, pg_get_constraintdef(oid)) \
         FROM pg_constraint WHERE conrelid = '{table}'::regclass";

const MYSQL: &str = "SELECT CONCAT_WS(' ', 'column', column_name, column_type, is_nullable, column_default, \
             character_set_name, collation_name, extra) AS fact \
         FROM information_schema.columns \
         WHERE table_schema = DATABASE() AND table_name = '{table}' \
     UNION ALL SELECT CONCAT_WS(' ', 'index', index_name, non_unique, seq_in_index, column_name, collation, \
             sub_part, index_type) \
         FROM information_schema.statistics \
         WHERE table_schema = DATABASE() AND table_name = '{table}' \
     UNION ALL SELECT CONCAT_WS(' ', 'table', engine, row_format) FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_name = '{table}'";

#[test]
fn on_each_kind_of_server() {
    on_each_server("migration_catalogue", |server| {
        server.run(&["migrate"]).done();
        let is_postgres = server.is_postgres();
        let (backend, query) = if is_postgres { ("postgres", POSTGRES) } else { ("mysql", MYSQL) };
        let (up, down) = migration::sql(backend, OWN);
        server.apply(&up);
        let own = about(OWN, query, |query| load(server, query));
        assert_eq!(own, about("api_keys", query, |query| load(server, query)));
        server.apply(&down);
    });
}

fn load(server: &Server, query: &str) -> Vec<Fact> {
    let url = server.url(None);
    let query = diesel::sql_query(query);
    block_on(async {
        if url.starts_with("postgres") {
            let mut conn = AsyncPgConnection::establish(&url).await.unwrap();
            diesel_async::RunQueryDsl::load(query, &mut conn).await.unwrap()
        } else {
            let mut conn = AsyncMysqlConnection::establish(&url).await.unwrap();
            diesel_async::RunQueryDsl::load(query, &mut conn).await.unwrap()
        }
    })
}
