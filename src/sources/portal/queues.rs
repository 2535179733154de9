//! The tables of known queues (pg-boss, Graphile Worker), whatever version made them.
//!
//! What must stay true: the columns that are there decide; none is assumed. Sources: pg-boss 9 and 10 `plans.js`
//! (`pgboss.job`), Graphile Worker 0.13 and 0.16 migrations (`jobs`, `_private_jobs`, `_private_tasks`).

use super::connect::Conn;
use super::failure::Failure;
use crate::domain::Problem;

/// A queue whose tables are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// `pgboss.job`.
    PgBoss,
    /// `graphile_worker.jobs`, or the private tables behind it.
    GraphileWorker,
}

impl Queue {
    /// The name that the configuration uses.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::PgBoss => "pg-boss",
            Self::GraphileWorker => "graphile-worker",
        }
    }

    const fn schema(self) -> &'static str {
        match self {
            Self::PgBoss => "pgboss",
            Self::GraphileWorker => "graphile_worker",
        }
    }

    /// A query with the columns of `[portal.jobs]` for the tables that are there; the ones that hurt come first.
    pub(super) async fn query(self, conn: &mut Conn, place: &str) -> Result<String, Failure> {
        let schema = self.schema();
        let sql = format!(
            "select table_name::text as t, column_name::text as c from information_schema.columns \
             where table_schema = '{schema}'"
        );
        let page = conn.page(&sql, 2_000, place).await?;
        let text = |row: &[super::row::Cell], at: usize| row.get(at).and_then(super::row::Cell::text);
        let there: Vec<(String, String)> =
            page.rows.iter().filter_map(|row| Some((text(row, 0)?, text(row, 1)?))).collect();
        let sql = match self {
            Self::PgBoss => pg_boss(&there),
            Self::GraphileWorker => graphile_worker(&there),
        };
        sql.ok_or_else(|| {
            Failure::settings(
                Problem::usage(format!("the portal has no tables of {} that can be read", self.word())).at(place).hint(
                    format!("check that schema `{schema}` exists and may be read, or give [portal.jobs] a query"),
                ),
            )
        })
    }
}

/// The first of these columns that a table has.
fn pick(there: &[(String, String)], table: &str, names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| there.iter().any(|(t, c)| t == table && c == name))
}

fn pg_boss(there: &[(String, String)]) -> Option<String> {
    let pick = |names: &[&'static str]| pick(there, "job", names);
    let (id, name, state) = (pick(&["id"])?, pick(&["name"])?, pick(&["state"])?);
    let tries = pick(&["retry_count", "retrycount"]).unwrap_or("0");
    let limit = pick(&["retry_limit", "retrylimit"]).map_or("null".to_owned(), |c| format!("{c} + 1"));
    let run_at = pick(&["start_after", "startafter"]).unwrap_or("null::timestamptz");
    let created = pick(&["created_on", "createdon"]).unwrap_or("null::timestamptz");
    let output = pick(&["output"]).unwrap_or("null::jsonb");
    let data = pick(&["data"]).unwrap_or("null::jsonb");
    Some(format!(
        "select {id}::text as id, {name}::text as kind, {state}::text as state, \
         case when {state}::text = 'created' then {tries} else {tries} + 1 end as attempts, {limit} as max_attempts, \
         {run_at} as run_at, case when {state}::text in ('retry', 'failed', 'expired') then {output}::text end \
         as last_error, {data} as payload, {created} as created_at \
         from pgboss.job where {state}::text not in ('completed', 'cancelled') \
         order by ({state}::text in ('failed', 'expired')) desc, {created} desc limit 10001"
    ))
}

fn graphile_worker(there: &[(String, String)]) -> Option<String> {
    let private = pick(there, "_private_jobs", &["task_id"]).is_some()
        && pick(there, "_private_tasks", &["identifier"]).is_some();
    let (table, from, kind) = if private {
        (
            "_private_jobs",
            "graphile_worker._private_jobs j join graphile_worker._private_tasks k on k.id = j.task_id",
            "k.identifier",
        )
    } else {
        ("jobs", "graphile_worker.jobs j", "j.task_identifier")
    };
    let pick = |names: &[&'static str]| pick(there, table, names);
    pick(&["id"])?;
    let column = |name: &'static str, other: &'static str| {
        pick(&[name]).map_or_else(|| other.to_owned(), |name| format!("j.{name}"))
    };
    let locked = column("locked_at", "null::timestamptz");
    let (attempts, most) = (column("attempts", "0"), column("max_attempts", "25"));
    let (run_at, created) = (column("run_at", "null::timestamptz"), column("created_at", "null::timestamptz"));
    let (key, error, payload) =
        (column("key", "null::text"), column("last_error", "null::text"), column("payload", "null::json"));
    Some(format!(
        "select j.id::text as id, {kind}::text as kind, {key} as key, \
         case when {locked} is not null then 'leased' when {attempts} >= {most} then 'dead' else 'due' end as state, \
         {attempts} as attempts, {most} as max_attempts, {run_at} as run_at, {error} as last_error, \
         {payload} as payload, {created} as created_at from {from} \
         order by ({attempts} >= {most}) desc, {run_at} limit 10001"
    ))
}
