//! What we have seen and done, kept safely: one store on SQLite or Postgres.

use crate::domain::{
    Batch, Check, CheckRun, Cluster, ClusterKey, Dataset, Evidence, Judgement, Moment, Problem, Row, SourceHealth,
    SourceRow, Status, System, Text, Time, Traffic,
};
use crate::query::{Expr, Sort};

/// A handle on the store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {}

/// Clusters that a change touched, with a token that [`Store::save_judgements`] needs to cross them off.
#[derive(Clone, Debug, Default)]
pub struct Dirty {
    /// Whom to judge again.
    pub keys: Vec<ClusterKey>,
    /// Highest queue position read.
    pub upto: i64,
    /// Whether more wait.
    pub more: bool,
}

/// A hit of [`Store::find`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The customer row.
    pub row: Row,
    /// What matched: `e-mail`, `name`, `stripe id`, `invoice`, `ticket`, `domain` ...
    pub by: Text,
}

/// Who holds a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The holder (host and process).
    pub holder: Text,
    /// Until when, by the store's clock.
    pub until: Time,
    /// Whether it is the asker.
    pub mine: bool,
}

fn unbuilt<T>() -> Result<T, Problem> {
    Err(Problem::bug("the store is not built"))
}

#[allow(unused_variables, clippy::unused_async)]
impl Store {
    /// Opens `sqlite:/absolute/path.db` (created when missing) or `postgres://...` (schema `trueup`), and migrates.
    /// Refuses a SQLite file that it cannot write, a newer schema than it knows, Postgres `synchronous_commit = off`.
    pub async fn open(url: &str) -> Result<Self, Problem> {
        unbuilt()
    }
    /// Closes all connections; SQLite's write-ahead log is checkpointed.
    pub async fn close(&self) {}
    /// The current revision: grows with every committed change.
    pub async fn revision(&self) -> Result<i64, Problem> {
        unbuilt()
    }
    /// Wakes when the revision may have grown: in-process at once, other processes by poll or NOTIFY.
    pub fn subscribe(&self) -> tokio::sync::watch::Receiver<i64> {
        tokio::sync::watch::channel(0).1
    }
    /// Stores a batch with its cursor in one transaction. An older version never replaces a newer one; the same
    /// content changes nothing but `seen_at`. Returns how many records, deliveries, deploys and jobs really changed.
    pub async fn commit(&self, system: System, batch: &Batch, now: Time) -> Result<usize, Problem> {
        unbuilt()
    }
    /// The stored cursor of a source.
    pub async fn cursor(&self, system: System) -> Result<Option<String>, Problem> {
        unbuilt()
    }
    /// Forgets a source's cursor, so that its next collection is a full one.
    pub async fn forget_cursor(&self, system: System) -> Result<(), Problem> {
        unbuilt()
    }
    /// Saves how a source stands (row of `list sources` and what comparison needs). `rate_left` goes into the row.
    pub async fn save_source(&self, health: &SourceHealth, rate_left: Option<i64>, now: Time) -> Result<(), Problem> {
        unbuilt()
    }
    /// How all known sources stand.
    pub async fn sources(&self) -> Result<Vec<SourceRow>, Problem> {
        unbuilt()
    }
    /// What comparison needs to know of the sources.
    pub async fn evidence(&self) -> Result<Evidence, Problem> {
        unbuilt()
    }
    /// Takes up to `limit` clusters that a change touched, or whose `again_at` has passed.
    pub async fn dirty(&self, limit: i64, now: Time) -> Result<Dirty, Problem> {
        unbuilt()
    }
    /// Marks every cluster for judging (a rule, a policy or a source's health changed), streaming: call with the last
    /// key returned until it returns none.
    pub async fn keys_after(&self, after: Option<&ClusterKey>, limit: i64) -> Result<Vec<ClusterKey>, Problem> {
        unbuilt()
    }
    /// Gathers clusters, batched: a handful of statements for any number of keys (at most 5,000).
    pub async fn clusters(&self, keys: &[ClusterKey]) -> Result<Vec<Cluster>, Problem> {
        unbuilt()
    }
    /// Replaces the derived rows of these clusters and crosses the dirty ones off, in one transaction. Keeps the
    /// `since` of a mismatch that was open before. Returns how many rows changed.
    pub async fn save_judgements(
        &self,
        judged: &[Judgement],
        dirty: Option<&Dirty>,
        now: Time,
    ) -> Result<usize, Problem> {
        unbuilt()
    }
    /// Rows of a dataset. `offset` counts in the given order. Default order: mismatches by rank, deliveries newest
    /// first, the others by key.
    pub async fn list(
        &self,
        dataset: Dataset,
        expr: &Expr,
        sort: Option<Sort>,
        limit: i64,
        offset: i64,
        now: Time,
    ) -> Result<Vec<Row>, Problem> {
        unbuilt()
    }
    /// How many rows of a dataset hold.
    pub async fn count(&self, dataset: Dataset, expr: &Expr, now: Time) -> Result<i64, Problem> {
        unbuilt()
    }
    /// One row by its key ([`crate::domain::Fields::key`]).
    pub async fn get(&self, dataset: Dataset, key: &str) -> Result<Option<Row>, Problem> {
        unbuilt()
    }
    /// One box: e-mail, name part, any system's id, domain, invoice or ticket number. Exact ids and e-mails first.
    pub async fn find(&self, text: &str, limit: i64) -> Result<Vec<Found>, Problem> {
        unbuilt()
    }
    /// What happened to a customer, newest first, merged from records, deliveries and deploys.
    pub async fn timeline(&self, customer: &str, limit: i64) -> Result<Vec<Moment>, Problem> {
        unbuilt()
    }
    /// Delivery health per source over a window that ends now, in `buckets` equal parts.
    pub async fn traffic(&self, window_ms: i64, buckets: usize, now: Time) -> Result<Vec<Traffic>, Problem> {
        unbuilt()
    }
    /// The figures of the header; `environment` and `name` are left empty for the caller.
    pub async fn status(&self, now: Time) -> Result<Status, Problem> {
        unbuilt()
    }
    /// Appends runs of checks and saves the confirmed rows (without `uptime` and `recent`, which are read from the runs).
    pub async fn save_checks(&self, runs: &[CheckRun], checks: &[Check], now: Time) -> Result<(), Problem> {
        unbuilt()
    }
    /// Takes or renews a lease; returns who holds it now.
    pub async fn lease(&self, name: &str, holder: &Text, ttl_ms: i64) -> Result<Lease, Problem> {
        unbuilt()
    }
    /// Gives a lease back, if it is ours.
    pub async fn release(&self, name: &str, holder: &Text) -> Result<(), Problem> {
        unbuilt()
    }
    /// Drops history older than these ages. Returns how many rows went.
    pub async fn retain(&self, deliveries_ms: i64, checks_ms: i64, now: Time) -> Result<u64, Problem> {
        unbuilt()
    }
}
