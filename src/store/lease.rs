//! Leases: who of several processes does a thing that only one may do.
//!
//! What must stay true: one holder at a time, by the store's clock, so that two machines with different clocks agree;
//! a holder that died loses its lease by time alone. Taking a lease is no change that anybody is told of.

use sqlx::AssertSqlSafe;

use super::db::{Engine, args};
use super::{Lease, Store};
use crate::domain::{Problem, Text};

impl Store {
    /// Takes or renews a lease; returns who holds it now.
    pub async fn lease(&self, name: &str, holder: &Text, ttl_ms: i64) -> Result<Lease, Problem> {
        let mut tx = self.inner.db.begin().await?;
        let now = match tx.engine() {
            Engine::Sqlite => "cast(unixepoch('subsec') * 1000 as integer)",
            Engine::Postgres => "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)",
        };
        let sql = format!(
            "insert into lease (name, holder, until) values ($1, $2, {now} + $3)
             on conflict (name) do update set holder = excluded.holder, until = excluded.until
             where lease.holder = excluded.holder or lease.until <= {now}"
        );
        tx.run(AssertSqlSafe(sql), args![name, holder, ttl_ms.max(0)]).await?;
        let found = tx.rows("select holder, until from lease where name = $1", args![name]).await?;
        let line = found.first().ok_or_else(|| Problem::bug("a lease that was just taken is not there"))?;
        let (held, until) = (Text::new(line.text(0)?), line.time(1)?);
        tx.commit().await?;
        Ok(Lease { mine: held == *holder, holder: held, until })
    }

    /// Gives a lease back, if it is ours.
    pub async fn release(&self, name: &str, holder: &Text) -> Result<(), Problem> {
        let mut tx = self.inner.db.begin().await?;
        tx.run("delete from lease where name = $1 and holder = $2", args![name, holder]).await?;
        tx.commit().await
    }
}
