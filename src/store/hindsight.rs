//! What looking back needs: the newest releases to everybody, the deliveries around each, and the endpoints.
//!
//! What must stay true: few rows are read however long the history is. A delivery that needed a second try counts as
//! one that failed, before a deploy as after it: otherwise a deploy that was mended in time would look harmless.

use std::collections::BTreeMap;

use super::db::args;
use super::row::{Put, put, undoc};
use super::{Store, key};
use crate::domain::{Dataset, Deploy, Problem, Record, Row, System, Time};

/// What became of one source's deliveries: before (failed, all), and after, oldest first, whether each failed.
pub type Outcomes = BTreeMap<System, ((usize, usize), Vec<bool>)>;

const FAILED: &str = "(state in ('failed', 'retrying', 'never_arrived', 'quarantined') or coalesce(attempts, 1) > 1)";

impl Store {
    /// The newest deploys to production that were ready, newest first.
    pub async fn releases(&self, most: i64) -> Result<Vec<Deploy>, Problem> {
        let sql = "select doc from deploy where target = 'production' and ready_at is not null
                   and state in ('live', 'ready') order by ready_at desc, row_key limit $1";
        let mut releases = Vec::new();
        for line in self.inner.db.rows(sql, args![most]).await? {
            if let Row::Deploy(deploy) = undoc(Dataset::Deploys, &line.text(0)?)? {
                releases.push(*deploy);
            }
        }
        Ok(releases)
    }

    /// Deliveries from `before_ms` before a moment until another moment, at most `most` after it of all sources.
    pub async fn around(&self, at: Time, until: Time, before_ms: i64, most: i64) -> Result<Outcomes, Problem> {
        let mut outcomes = Outcomes::new();
        let before = format!(
            "select source, count(*), sum(case when {FAILED} then 1 else 0 end) from delivery
             where received_at > $1 and received_at <= $2 and state <> 'pending' group by source"
        );
        let asked = args![at.plus_ms(-before_ms), at];
        for line in self.inner.db.rows(sqlx::AssertSqlSafe(before), asked).await? {
            if let Some(system) = System::parse(&line.text(0)?) {
                let count = |n: i64| usize::try_from(n).unwrap_or(0);
                outcomes.entry(system).or_default().0 = (count(line.int(2)?), count(line.int(1)?));
            }
        }
        let after = format!(
            "select source, cast(case when {FAILED} then 1 else 0 end as bigint) from delivery
             where received_at > $1 and received_at <= $2 and state <> 'pending' order by received_at, row_key limit $3"
        );
        for line in self.inner.db.rows(sqlx::AssertSqlSafe(after), args![at, until, most]).await? {
            if let Some(system) = System::parse(&line.text(0)?) {
                outcomes.entry(system).or_default().1.push(line.int(1)? == 1);
            }
        }
        Ok(outcomes)
    }

    /// Stores deploys with what was found out about them.
    pub async fn save_outcomes(&self, deploys: &[Deploy]) -> Result<(), Problem> {
        let mut tx = self.inner.db.begin().await?;
        let mut puts = Vec::new();
        for deploy in deploys {
            // The host may have told something newer meanwhile: only the outcome is ours.
            let at = key(deploy.id.as_str());
            let found = tx.rows("select doc from deploy where row_key = $1", args![at]).await?;
            let Some(line) = found.first() else { continue };
            if let Row::Deploy(mut stored) = undoc(Dataset::Deploys, &line.text(0)?)? {
                (stored.verdict, stored.reason) = (deploy.verdict.clone(), deploy.reason.clone());
                puts.push(Put::new(Row::Deploy(stored), vec![]));
            }
        }
        put(&mut tx, Dataset::Deploys, &[], &puts).await?;
        self.finish(tx, !puts.is_empty()).await
    }

    /// Every webhook endpoint that a provider tells.
    pub async fn endpoints(&self) -> Result<Vec<Record>, Problem> {
        let sql = "select doc from record where kind = 'endpoint' and deleted = 0 order by system, id";
        let found = self.inner.db.rows(sql, args![]).await?;
        found
            .iter()
            .map(|line| {
                serde_json::from_str(&line.text(0)?)
                    .map_err(|e| Problem::bug("a stored record cannot be read").why(e.to_string()))
            })
            .collect()
    }
}
