//! Taking a batch in: records, deliveries, deploys, jobs and the cursor, in one transaction.
//!
//! What must stay true: either all of a batch is there with its cursor, or nothing of it. A delivery only moves
//! forward: an old view that arrives late takes nothing back. The portal's queue is what the last answer says, whole.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;
use sqlx::AssertSqlSafe;

use super::db::{Tx, Type, args, column, table};
use super::row::{Put, delete, doc, put, undoc};
use super::{Store, check, key, record};
use crate::domain::{Batch, Dataset, Delivery, DeliveryState, Deploy, Job, Problem, Row, System, Time};

impl Store {
    /// Stores a batch with its cursor in one transaction. An older version never replaces a newer one; the same
    /// content changes nothing but `seen_at`. Returns how many records, deliveries, deploys, jobs and checks really changed.
    pub async fn commit(&self, system: System, batch: &Batch, now: Time) -> Result<usize, Problem> {
        let mut tx = self.inner.db.begin().await?;
        let mut marks = BTreeSet::new();
        let mut changed = record::save(&mut tx, &batch.records, &mut marks).await?;
        for (kind, began) in &batch.finished {
            changed += record::sweep(&mut tx, system, *kind, *began, &mut marks).await?;
        }
        record::enqueue(&mut tx, &marks).await?;
        changed += save_deliveries(&mut tx, &batch.deliveries).await?;
        changed += save_deploys(&mut tx, &batch.deploys).await?;
        if let Some(jobs) = &batch.jobs {
            changed += replace_jobs(&mut tx, system, jobs).await?;
        }
        if let Some(checks) = &batch.checks {
            changed += check::replace(&mut tx, system.as_str(), checks, now).await?;
        }
        if let Some(cursor) = &batch.cursor {
            let sql = "insert into source_cursor (system, cursor) values ($1, $2)
                       on conflict (system) do update set cursor = excluded.cursor
                       where source_cursor.cursor <> excluded.cursor";
            tx.run(sql, args![system.as_str(), cursor.as_str()]).await?;
        }
        self.finish(tx, changed > 0).await?;
        Ok(changed)
    }

    /// The stored cursor of a source.
    pub async fn cursor(&self, system: System) -> Result<Option<String>, Problem> {
        let sql = "select cursor from source_cursor where system = $1";
        self.inner.db.rows(sql, args![system.as_str()]).await?.first().map(|line| line.text(0)).transpose()
    }

    /// Forgets a source's cursor, so that its next collection is a full one.
    pub async fn forget_cursor(&self, system: System) -> Result<(), Problem> {
        let mut tx = self.inner.db.begin().await?;
        tx.run("delete from source_cursor where system = $1", args![system.as_str()]).await?;
        self.finish(tx, false).await
    }
}

/// The stored docs of these rows.
async fn stored(tx: &mut Tx, name: &str, keys: Vec<String>) -> Result<HashMap<String, String>, Problem> {
    let rows = table(tx.engine(), 1, &[("key", Type::Text)]);
    let sql = format!("select r.row_key, r.doc from {rows} cross join {name} r where r.row_key = n.key");
    let found = tx.rows(AssertSqlSafe(sql), vec![column(keys)]).await?;
    found.iter().map(|line| Ok((line.text(0)?, line.text(1)?))).collect()
}

/// Stores rows whose content differs from what is there; of several with one key the last counts.
async fn save_changed(tx: &mut Tx, dataset: Dataset, rows: impl Iterator<Item = Row>) -> Result<usize, Problem> {
    let rows: HashMap<String, Put> = rows.map(|row| Put::new(row, vec![])).map(|put| (put.key.clone(), put)).collect();
    let (Some(name), false) = (super::row::table_of(dataset), rows.is_empty()) else { return Ok(0) };
    let known = stored(tx, name, rows.keys().cloned().collect()).await?;
    let mut changed = Vec::new();
    for (key, put) in rows {
        if known.get(&key) != Some(&doc(&put.row)?) {
            changed.push(put);
        }
    }
    put(tx, dataset, &[], &changed).await?;
    Ok(changed.len())
}

async fn save_deliveries(tx: &mut Tx, deliveries: &[Delivery]) -> Result<usize, Problem> {
    if deliveries.is_empty() {
        return Ok(0);
    }
    let keys = deliveries.iter().map(|delivery| key(delivery.id.as_str())).collect();
    let known = stored(tx, "delivery", keys).await?;
    let mut latest: HashMap<String, Delivery> = HashMap::new();
    for (at, doc) in &known {
        if let Row::Delivery(delivery) = undoc(Dataset::Deliveries, doc)? {
            latest.insert(at.clone(), *delivery);
        }
    }
    for delivery in deliveries {
        let at = key(delivery.id.as_str());
        let merged = match latest.remove(&at) {
            Some(old) => forward(old, delivery),
            None => delivery.clone(),
        };
        latest.insert(at, merged);
    }
    save_changed(tx, Dataset::Deliveries, latest.into_values().map(|d| Row::Delivery(Box::new(d)))).await
}

/// Stores deploys, keeping the verdict that the host knows nothing of.
async fn save_deploys(tx: &mut Tx, deploys: &[Deploy]) -> Result<usize, Problem> {
    if deploys.is_empty() {
        return Ok(0);
    }
    let keys = deploys.iter().map(|deploy| key(deploy.id.as_str())).collect();
    let known = stored(tx, "deploy", keys).await?;
    let mut rows = Vec::with_capacity(deploys.len());
    for deploy in deploys {
        let mut deploy = deploy.clone();
        if let Some(doc) = known.get(&key(deploy.id.as_str()))
            && let Row::Deploy(old) = undoc(Dataset::Deploys, doc)?
            && deploy.verdict.is_none()
            && old.verdict.is_some()
        {
            deploy.verdict = old.verdict;
            deploy.reason = deploy.reason.or(old.reason);
        }
        rows.push(Row::Deploy(Box::new(deploy)));
    }
    save_changed(tx, Dataset::Deploys, rows.into_iter()).await
}

/// How far along a delivery is when the number of tries does not tell.
const fn progress(state: DeliveryState) -> u8 {
    match state {
        DeliveryState::Pending => 0,
        DeliveryState::Retrying => 1,
        DeliveryState::NeverArrived => 2,
        DeliveryState::Failed | DeliveryState::Quarantined => 3,
        DeliveryState::Delivered => 4,
    }
}

/// The later of two views of one delivery, keeping what only the other knows.
fn forward(old: Delivery, new: &Delivery) -> Delivery {
    let further = match (old.attempts, new.attempts) {
        (Some(before), Some(after)) if before != after => after > before,
        _ => progress(new.state) >= progress(old.state),
    };
    let (later, earlier) = if further { (new.clone(), old) } else { (old, new.clone()) };
    // Who saw an answer's status saw the event itself; a provider's list may name only the endpoint.
    let kind = if later.status.is_none() && earlier.status.is_some() { &earlier.kind } else { &later.kind };
    Delivery {
        kind: kind.clone(),
        attempts: later.attempts.or(earlier.attempts),
        status: later.status.or(earlier.status),
        latency_ms: later.latency_ms.or(earlier.latency_ms),
        customer: later.customer.or(earlier.customer),
        deploy: later.deploy.or(earlier.deploy),
        reason: later.reason.or(earlier.reason).filter(|_| later.state != DeliveryState::Delivered),
        received_at: later.received_at.min(earlier.received_at),
        ..later
    }
}

/// Makes the rows of one queue equal to `jobs`; returns how many were added, changed or went.
async fn replace_jobs(tx: &mut Tx, system: System, jobs: &[Job]) -> Result<usize, Problem> {
    let found = tx.rows("select row_key, doc from job where owner = $1", args![system.as_str()]).await?;
    let mut known = HashMap::new();
    for line in &found {
        known.insert(line.text(0)?, line.text(1)?);
    }
    // A queue may hold several jobs of one kind and key; none of them may hide another.
    let mut times: HashMap<String, usize> = HashMap::new();
    let mut changed = Vec::new();
    for job in jobs {
        let mut put = Put::new(Row::Job(Box::new(job.clone())), vec![Json::from(system.as_str())]);
        let time = times.entry(put.key.clone()).or_default();
        *time += 1;
        if *time > 1 {
            put.key = format!("{}#{time}", put.key);
        }
        if known.remove(&put.key).is_none_or(|old| doc(&put.row).is_ok_and(|new| new != old)) {
            changed.push(put);
        }
    }
    let gone: Vec<String> = known.into_keys().collect();
    delete(tx, Dataset::Jobs, &gone).await?;
    put(tx, Dataset::Jobs, &[("owner", Type::Text)], &changed).await?;
    Ok(changed.len() + gone.len())
}
