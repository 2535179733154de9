//! One look at the portal for `doctor`: it answers, the queries run, and what the role could do beyond reading.

use super::address::Address;
use super::connect::Conn;
use super::customers::Customers;
use super::failure::Failure;
use super::lex::Dialect;
use super::round::Plan;
use super::row::Cell;
use crate::domain::Text;
use crate::sources::SourceError;

/// Server version and in how many tables the role could write.
const POSTGRES: &str = "select current_setting('server_version'), \
    (select count(*) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
     where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') \
     and has_table_privilege(c.oid, 'insert, update, delete'))";

/// A line such as `PostgreSQL 16.2, 9 columns, read-only; the role could write to 12 tables`.
pub(super) async fn line(address: &Address, plan: &Plan) -> Result<Text, SourceError> {
    look(address, plan).await.map_err(|failure| failure.error)
}

async fn look(address: &Address, plan: &Plan) -> Result<Text, Failure> {
    let mut conn = Conn::open(address).await?;
    let place = plan.customers.place.as_str();
    let columns = conn.columns(&plan.customers.sql, place).await?;
    Customers::new(&columns, &plan.customers).map_err(Failure::settings)?;
    conn.page(&format!("select * from ({}\n) t", plan.customers.sql), 1, place).await?;
    let (version, rights) = match address.dialect() {
        Dialect::Postgres => {
            let page = conn.page(POSTGRES, 1, "portal.url").await?;
            let row = page.rows.first();
            let version = row.and_then(|row| row.first()).and_then(Cell::text).unwrap_or_default();
            let writable = row.and_then(|row| row.get(1)).and_then(Cell::int).unwrap_or(0);
            let rights = match writable {
                0 => "; the role may only read".to_owned(),
                n => format!(
                    "; the role could write to {n} tables, which these transactions forbid: a SELECT-only role is safer"
                ),
            };
            (format!("PostgreSQL {}", version.split(' ').next().unwrap_or_default()), rights)
        }
        Dialect::Sqlite => {
            let page = conn.page("select sqlite_version()", 1, "portal.url").await?;
            let version = page.rows.first().and_then(|row| row.first()).and_then(Cell::text).unwrap_or_default();
            (format!("SQLite {version}"), String::new())
        }
    };
    conn.close().await;
    Ok(Text::new(format!("{version}, {} columns, read-only{rights}", columns.len())))
}
