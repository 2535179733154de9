//! How each source of evidence stands.
//!
//! What must stay true: what comparison may conclude from (`complete`, `complete_at`) survives a restart. A source
//! that merely answered again wakes watchers at most twice a minute: an idle console stays asleep.

use serde_json::{Value as Json, json};

use super::Store;
use super::db::{Type, args};
use super::row::{Put, put, undoc};
use crate::domain::{Dataset, Evidence, Kind, Problem, Row, SourceHealth, SourceRow, System, Time};

/// How far `seen_at` may move before watchers are told of that alone.
const TELL_MS: i64 = 30_000;

/// The columns of `source` that are no fields.
const EXTRA: [(&str, Type); 3] = [("complete_at", Type::Int), ("complete", Type::Text), ("told_at", Type::Int)];

impl Store {
    /// Saves how a source stands (row of `list sources` and what comparison needs). `rate_left` goes into the row.
    pub async fn save_source(&self, health: &SourceHealth, rate_left: Option<i64>, now: Time) -> Result<(), Problem> {
        let mut tx = self.inner.db.begin().await?;
        let sql = "select doc, complete_at, complete, told_at from source where row_key = $1";
        let found = tx.rows(sql, args![health.system.as_str()]).await?;
        let old = match found.first() {
            None => None,
            Some(line) => match undoc(Dataset::Sources, &line.text(0)?)? {
                Row::Source(row) => Some((*row, line.maybe_int(1)?, line.text(2)?, line.maybe_int(3)?)),
                _ => None,
            },
        };
        let seen_before = old.as_ref().and_then(|(row, ..)| row.seen_at);
        let row = SourceRow {
            name: health.system,
            kind: health.system.kind(),
            state: health.state,
            // After a hiccup it still counts as answering, but it was not seen.
            seen_at: if health.answers() && health.retry_at.is_none() {
                Some(now).max(seen_before)
            } else {
                seen_before
            },
            lag_ms: health.lag_ms,
            rate_left,
            problem: health.problem.clone(),
            failing_since: health.failing_since,
            retry_at: health.retry_at,
        };
        let complete_at = health.complete_at.map(Time::ms);
        let kinds: Vec<&str> = health.complete.iter().map(|kind| kind.as_str()).collect();
        let complete = kinds.join(" ");
        let told_before = old.as_ref().and_then(|(.., told)| *told);
        let unchanged = old.as_ref().is_some_and(|(was, at, kinds, _)| {
            (was.state, &was.problem, kinds) == (row.state, &row.problem, &complete)
                && at.is_some() == complete_at.is_some()
        });
        let far = row.seen_at.is_some_and(|at| told_before.is_none_or(|told| at.ms() - told >= TELL_MS));
        let changed = !unchanged || far;
        let told = if changed { row.seen_at.map(Time::ms) } else { told_before };
        let extra: Vec<Json> = vec![json!(complete_at), json!(complete), json!(told)];
        put(&mut tx, Dataset::Sources, &EXTRA, &[Put::new(Row::Source(Box::new(row)), extra)]).await?;
        self.finish(tx, changed).await
    }

    /// How all known sources stand.
    pub async fn sources(&self) -> Result<Vec<SourceRow>, Problem> {
        Ok(self.known_sources().await?.into_iter().map(|(row, ..)| row).collect())
    }

    /// What comparison needs to know of the sources.
    pub async fn evidence(&self) -> Result<Evidence, Problem> {
        let sources = self.known_sources().await?.into_iter().map(|(row, complete_at, complete)| SourceHealth {
            system: row.name,
            state: row.state,
            complete_at,
            complete,
            lag_ms: row.lag_ms,
            problem: row.problem,
            failing_since: row.failing_since,
            retry_at: row.retry_at,
        });
        Ok(Evidence { sources: sources.collect() })
    }

    /// Every source in the order of [`System::ALL`].
    async fn known_sources(&self) -> Result<Vec<(SourceRow, Option<Time>, Vec<Kind>)>, Problem> {
        let mut known = Vec::new();
        for line in self.inner.db.rows("select doc, complete_at, complete from source", args![]).await? {
            if let Row::Source(row) = undoc(Dataset::Sources, &line.text(0)?)? {
                let kinds = line.text(2)?.split(' ').filter_map(Kind::parse).collect();
                known.push((*row, line.maybe_int(1)?.map(Time::from_ms), kinds));
            }
        }
        known.sort_by_key(|(row, ..)| System::ALL.iter().position(|system| *system == row.name));
        Ok(known)
    }
}
