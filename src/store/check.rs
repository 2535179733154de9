//! Checks: the runs as history, and the confirmed rows with their uptime and recent latencies.
//!
//! What must stay true: a row is cheap to read, so uptime and recent latencies are carried along as runs are appended;
//! `unknown` counts neither for nor against an uptime, and `warn` is up. Checks that a source tells are replaced as a
//! whole, and a run of theirs that says nothing new is kept only now and then.

use std::collections::{HashMap, HashSet};

use serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;

use super::db::{Tx, Type, args, column, lines, table};
use super::row::{Put, delete, put, undoc};
use super::{Store, key};
use crate::domain::{Check, CheckRun, CheckState, Dataset, Problem, Row, Time};

/// Most recent latencies that a row carries.
const RECENT: usize = 60;

/// A run of a source's check that says the same as the last one is kept this long after it at the earliest.
const SAME_AGAIN_MS: i64 = 5 * 60 * 1000;

/// The columns of `check_row` that are no fields.
const EXTRA: [(&str, Type); 2] = [("runs", Type::Int), ("passed", Type::Int)];

/// A row with the counts of its kept history.
struct Counted {
    check: Check,
    runs: i64,
    passed: i64,
}

impl Store {
    /// Appends runs of checks and saves the confirmed rows (without `uptime` and `recent`, which are read from the
    /// runs). A row that was there before and is not named here stays.
    pub async fn save_checks(&self, runs: &[CheckRun], checks: &[Check], now: Time) -> Result<(), Problem> {
        let mut tx = self.inner.db.begin().await?;
        let changed = take(&mut tx, runs, checks, now).await?;
        self.finish(tx, changed > 0).await
    }

    /// Makes the checks that `owner` tells equal to `checks`: a state that is the same keeps its `since`, what is not
    /// told any more goes (its history stays for as long as history is kept). Returns how many rows changed.
    pub async fn replace_checks(&self, owner: &str, checks: &[Check], now: Time) -> Result<usize, Problem> {
        let mut tx = self.inner.db.begin().await?;
        let changed = replace(&mut tx, owner, checks, now).await?;
        self.finish(tx, changed > 0).await?;
        Ok(changed)
    }
}

/// Appends runs and saves rows; returns how many rows changed.
async fn take(tx: &mut Tx, runs: &[CheckRun], checks: &[Check], now: Time) -> Result<usize, Problem> {
    let mut rows = load(tx).await?;
    let before: HashMap<String, Check> = rows.iter().map(|(at, row)| (at.clone(), row.check.clone())).collect();
    for check in checks {
        let at = key(check.name.as_str());
        let row = rows.entry(at).or_insert_with(|| Counted {
            check: Check { recent: Vec::new(), ..check.clone() },
            runs: 0,
            passed: 0,
        });
        let recent = std::mem::take(&mut row.check.recent);
        let seen_at = check.seen_at.or(row.check.seen_at);
        row.check = Check { recent, seen_at, uptime: row.check.uptime, ..check.clone() };
    }
    for (run, added) in runs.iter().zip(append(tx, runs).await?) {
        let Some(row) = rows.get_mut(&key(run.name.as_str())).filter(|_| added) else { continue };
        let (counts, up) = weight(run.state);
        (row.runs, row.passed) = (row.runs + counts, row.passed + up);
        let latency = run.latency_ms.filter(|_| run.state != CheckState::Fail);
        row.check.recent.push(latency.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX)));
        row.check.seen_at = row.check.seen_at.max(Some(run.at.min(now)));
    }
    let mut changed = Vec::new();
    for (at, mut row) in rows {
        let extra = row.check.recent.len().saturating_sub(RECENT);
        row.check.recent.drain(..extra);
        row.check.uptime = uptime(row.runs, row.passed);
        if before.get(&at) != Some(&row.check) {
            changed.push(row);
        }
    }
    save(tx, &changed).await?;
    Ok(changed.len())
}

/// As [`Store::replace_checks`], inside a transaction.
pub(super) async fn replace(tx: &mut Tx, owner: &str, checks: &[Check], now: Time) -> Result<usize, Problem> {
    let sql = "select row_key, doc from check_row where owner = $1";
    let mut known = HashMap::new();
    for line in tx.rows(sql, args![owner]).await? {
        if let Row::Check(check) = undoc(Dataset::Checks, &line.text(1)?)? {
            known.insert(line.text(0)?, *check);
        }
    }
    let (mut runs, mut rows) = (Vec::new(), Vec::new());
    for check in checks {
        let old = known.remove(&key(check.name.as_str()));
        let same = old.as_ref().filter(|old| old.state == check.state);
        let told = |c: &Check| (c.kind.clone(), c.target.clone(), c.reason.clone(), c.fix.clone(), c.latency_ms);
        let quiet = same
            .is_some_and(|old| told(old) == told(check) && old.seen_at.is_some_and(|at| now.since(at) < SAME_AGAIN_MS));
        if quiet {
            continue;
        }
        let since = same.map_or(Some(now), |old| old.since);
        let (reason, latency_ms) = (check.reason.clone(), check.latency_ms);
        runs.push(CheckRun { name: check.name.clone(), at: now, state: check.state, latency_ms, reason });
        rows.push(Check { since, seen_at: Some(now), ..check.clone() });
    }
    let gone: Vec<String> = known.into_keys().collect();
    delete(tx, Dataset::Checks, &gone).await?;
    if rows.is_empty() {
        return Ok(gone.len());
    }
    let changed = take(tx, &runs, &rows, now).await?;
    let named = table(tx.engine(), 2, &[("key", Type::Text)]);
    let sql = format!("update check_row set owner = $1 where row_key in (select n.key from {named})");
    let mut values = args![owner];
    values.push(column(rows.iter().map(|check| key(check.name.as_str()))));
    tx.run(AssertSqlSafe(sql), values).await?;
    Ok(changed + gone.len())
}

/// Whether a state counts for an uptime, and whether it counts as up.
const fn weight(state: CheckState) -> (i64, i64) {
    match state {
        CheckState::Pass | CheckState::Warn => (1, 1),
        CheckState::Fail => (1, 0),
        CheckState::Unknown => (0, 0),
    }
}

/// In hundredths of a percent; `None` before the first run that tells.
fn uptime(runs: i64, passed: i64) -> Option<i64> {
    (runs > 0).then(|| passed.saturating_mul(10_000) / runs)
}

async fn load(tx: &mut Tx) -> Result<HashMap<String, Counted>, Problem> {
    let mut rows = HashMap::new();
    for line in tx.rows("select row_key, doc, runs, passed from check_row", Vec::new()).await? {
        if let Row::Check(check) = undoc(Dataset::Checks, &line.text(1)?)? {
            rows.insert(line.text(0)?, Counted { check: *check, runs: line.int(2)?, passed: line.int(3)? });
        }
    }
    Ok(rows)
}

async fn save(tx: &mut Tx, rows: &[Counted]) -> Result<(), Problem> {
    let puts: Vec<Put> = rows
        .iter()
        .map(|row| Put::new(Row::Check(Box::new(row.check.clone())), vec![json!(row.runs), json!(row.passed)]))
        .collect();
    put(tx, Dataset::Checks, &EXTRA, &puts).await
}

/// Appends to the history; tells of each run whether it was new.
async fn append(tx: &mut Tx, runs: &[CheckRun]) -> Result<Vec<bool>, Problem> {
    let mut seen = HashSet::new();
    let mut values: Vec<Vec<Json>> = Vec::new();
    for run in runs {
        if seen.insert((key(run.name.as_str()), run.at.ms())) {
            let name = key(run.name.as_str());
            values.push(vec![
                json!(name),
                json!(run.at.ms()),
                json!(run.state),
                json!(run.latency_ms),
                json!(run.reason),
            ]);
        }
    }
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let columns = [
        ("name", Type::Text),
        ("at", Type::Int),
        ("state", Type::Text),
        ("latency_ms", Type::Int),
        ("reason", Type::Text),
    ];
    let rows = table(tx.engine(), 1, &columns);
    let sql = format!(
        "insert into check_run (name, at, state, latency_ms, reason)
         select n.name, n.at, n.state, n.latency_ms, n.reason from {rows} where true
         on conflict (name, at) do nothing returning name, at"
    );
    let mut added = HashSet::new();
    for line in tx.rows(AssertSqlSafe(sql), vec![lines(values)]).await? {
        added.insert((line.text(0)?, line.int(1)?));
    }
    Ok(runs.iter().map(|run| added.remove(&(key(run.name.as_str()), run.at.ms()))).collect())
}

/// Counts the kept history again, after a part of it was dropped.
pub(super) async fn recount(tx: &mut Tx) -> Result<(), Problem> {
    let sql = "select name, sum(case when state = 'unknown' then 0 else 1 end),
                 sum(case when state in ('pass', 'warn') then 1 else 0 end) from check_run group by name";
    let mut counts = HashMap::new();
    for line in tx.rows(sql, Vec::new()).await? {
        counts.insert(line.text(0)?, (line.int(1)?, line.int(2)?));
    }
    let mut rows = load(tx).await?;
    for (at, row) in &mut rows {
        (row.runs, row.passed) = counts.get(at).copied().unwrap_or_default();
        row.check.uptime = uptime(row.runs, row.passed);
    }
    save(tx, &rows.into_values().collect::<Vec<_>>()).await
}
