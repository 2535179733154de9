//! What tables there are: columns, keys, enum labels, and a small sample of rows.
//!
//! What must stay true: only catalogues and a few hundred rows of each table are read; a table that may not be read is
//! left out and counted. Names are kept as they stand and quoted wherever they enter SQL.

use super::super::connect::Conn;
use super::super::failure::Failure;
use super::super::lex::Dialect;
use super::super::row::Cell;

/// Rows of each table that are looked at.
const SAMPLE: usize = 400;
/// Most tables that are looked at.
const MAX_TABLES: usize = 300;
/// Parts of names of tables that frameworks keep for themselves.
const HOUSEKEEPING: &[&str] =
    &["migration", "sqlite_", "knex_", "schema_version", "flyway", "spatial_ref", "ar_internal", "alembic", "pg_stat"];

/// A column of a table.
#[derive(Clone, Debug)]
pub(super) struct TableColumn {
    pub(super) name: String,
    /// The engine's name of its type, lower case.
    pub(super) kind: String,
    /// Labels, when it is an enum.
    pub(super) labels: Vec<String>,
    pub(super) primary: bool,
    /// Alone unique.
    pub(super) unique: bool,
}

/// A table with a sample of its rows.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) columns: Vec<TableColumn>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A declared foreign key of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ForeignKey {
    pub(super) from: (usize, usize),
    pub(super) to: (usize, usize),
}

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    pub(super) tables: Vec<Table>,
    pub(super) keys: Vec<ForeignKey>,
    /// Tables that could not be read.
    pub(super) unread: usize,
}

impl Table {
    /// The name as SQL needs it.
    pub(super) fn sql(&self) -> String {
        match self.schema.as_str() {
            "" | "public" | "main" => name(&self.name),
            schema => format!("{}.{}", name(schema), name(&self.name)),
        }
    }

    /// The column that identifies a row.
    pub(super) fn key(&self) -> Option<usize> {
        let find = |test: &dyn Fn(&TableColumn) -> bool| self.columns.iter().position(test);
        let single = self.columns.iter().filter(|c| c.primary).count() == 1;
        find(&|c| c.primary && single)
            .or_else(|| find(&|c| c.name.eq_ignore_ascii_case("id")))
            .or_else(|| find(&|c| c.name.eq_ignore_ascii_case("uuid")))
            .or_else(|| find(&|c| c.unique))
    }

    /// The position of a column.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

/// A name as SQL needs it.
pub(super) fn name(raw: &str) -> String {
    super::super::columns::quoted(raw)
}

/// A string as SQL needs it.
pub(super) fn literal(raw: &str) -> String {
    format!("'{}'", raw.replace('\'', "''").replace('\0', ""))
}

const POSTGRES_COLUMNS: &str = "select n.nspname::text, c.relname::text, a.attname::text, \
    lower(format_type(a.atttypid, null)), \
    (select string_agg(e.enumlabel::text, chr(31) order by e.enumsortorder) from pg_catalog.pg_enum e \
     where e.enumtypid = a.atttypid), \
    exists (select 1 from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any(i.indkey)), \
    exists (select 1 from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisunique and i.indpred is null \
     and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) \
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
    where c.relkind in ('r', 'p') and not c.relispartition and has_table_privilege(c.oid, 'select') \
    and n.nspname not in ('pg_catalog', 'information_schema', 'trueup', 'cron', 'vault', 'storage', 'realtime', 'net', \
    'extensions', 'pgsodium', 'drizzle') order by 1, 2, a.attnum";

const POSTGRES_KEYS: &str = "select n.nspname::text, c.relname::text, a.attname::text, m.nspname::text, \
    d.relname::text, b.attname::text from pg_catalog.pg_constraint k \
    join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    join pg_catalog.pg_class d on d.oid = k.confrelid join pg_catalog.pg_namespace m on m.oid = d.relnamespace \
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1] \
    join pg_catalog.pg_attribute b on b.attrelid = d.oid and b.attnum = k.confkey[1] \
    where k.contype = 'f' and array_length(k.conkey, 1) = 1";

const SQLITE_COLUMNS: &str = "select 'main', m.name, p.name, lower(p.type), null, p.pk > 0, \
    exists (select 1 from pragma_index_list(m.name) l where l.\"unique\" = 1 and l.partial = 0 and \
     (select count(*) from pragma_index_info(l.name)) = 1 and \
     (select i.name from pragma_index_info(l.name) i) = p.name) \
    from sqlite_master m join pragma_table_info(m.name) p where m.type = 'table' order by m.name, p.cid";

const SQLITE_KEYS: &str = "select 'main', m.name, f.\"from\", 'main', f.\"table\", \
    coalesce(f.\"to\", (select p.name from pragma_table_info(f.\"table\") p where p.pk = 1)) \
    from sqlite_master m join pragma_foreign_key_list(m.name) f where m.type = 'table' \
    and (select count(*) from pragma_foreign_key_list(m.name) g where g.id = f.id) = 1";

impl Schema {
    /// Reads catalogues and samples.
    pub(super) async fn read(conn: &mut Conn, dialect: Dialect) -> Result<Self, Failure> {
        let (columns, keys) = match dialect {
            Dialect::Postgres => (POSTGRES_COLUMNS, POSTGRES_KEYS),
            Dialect::Sqlite => (SQLITE_COLUMNS, SQLITE_KEYS),
        };
        let mut schema = Self::default();
        for row in conn.page(columns, 20_000, "portal.url").await?.rows {
            schema.add_column(&row);
        }
        let text = |row: &[Cell], at: usize| row.get(at).and_then(Cell::text).unwrap_or_default();
        for row in conn.page(keys, 5_000, "portal.url").await?.rows {
            let from = schema.find(&text(&row, 0), &text(&row, 1), &text(&row, 2));
            let to = schema.find(&text(&row, 3), &text(&row, 4), &text(&row, 5));
            if let (Some(from), Some(to)) = (from, to) {
                schema.keys.push(ForeignKey { from, to });
            }
        }
        for index in 0..schema.tables.len() {
            let sql = sample(&schema.tables[index], dialect);
            match conn.page(&sql, SAMPLE, "portal.url").await {
                Ok(page) => schema.tables[index].rows = page.rows,
                Err(failure) if failure.lost => return Err(failure),
                Err(_) => schema.unread += 1,
            }
        }
        Ok(schema)
    }

    fn add_column(&mut self, row: &[Cell]) {
        let text = |at: usize| row.get(at).and_then(Cell::text).unwrap_or_default();
        let truth = |at: usize| row.get(at).and_then(Cell::int) == Some(1);
        let (schema, table) = (text(0), text(1));
        let low = table.to_lowercase();
        if HOUSEKEEPING.iter().any(|part| low.contains(part)) {
            return;
        }
        let is_same = self.tables.last().is_some_and(|last| last.schema == schema && last.name == table);
        if !is_same {
            if self.tables.len() == MAX_TABLES {
                self.unread += 1;
                return;
            }
            self.tables.push(Table { schema, name: table, columns: Vec::new(), rows: Vec::new() });
        }
        if let Some(table) = self.tables.last_mut() {
            table.columns.push(TableColumn {
                name: text(2),
                kind: text(3),
                labels: text(4).split('\u{1f}').filter(|label| !label.is_empty()).map(str::to_owned).collect(),
                primary: truth(5),
                unique: truth(6),
            });
        }
    }

    fn find(&self, schema: &str, table: &str, column: &str) -> Option<(usize, usize)> {
        // SQLite matches names whatever their case.
        let same = |a: &str, b: &str| a == b || (schema == "main" && a.eq_ignore_ascii_case(b));
        let index = self.tables.iter().position(|t| t.schema == schema && same(&t.name, table))?;
        let column = self.tables[index].columns.iter().position(|c| same(&c.name, column))?;
        Some((index, column))
    }
}

/// A few rows, long values cut where they are read.
fn sample(table: &Table, dialect: Dialect) -> String {
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            let name = format!("\"{}\"", column.name.replace('"', "\"\""));
            match dialect {
                Dialect::Postgres => format!("left({name}::text, 4000)"),
                Dialect::Sqlite => {
                    format!("case when typeof({name}) in ('text', 'blob') then substr({name}, 1, 4000) else {name} end")
                }
            }
        })
        .collect();
    format!("select {} from {} limit {SAMPLE}", columns.join(", "), table.sql())
}
