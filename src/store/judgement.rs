//! Derived rows: what comparison says of each cluster, in place of what it said before.
//!
//! What must stay true: a cluster's rows are replaced as a whole, in one transaction with crossing its marks off; a
//! mismatch that stays open keeps its beginning; what says the same as before is not written and wakes nobody.

use std::collections::{HashMap, HashSet};

use serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;

use super::db::{Tx, Type, args, column, lines, table};
use super::dirty::cluster_text;
use super::row::{Put, delete, put, undoc};
use super::{Dirty, Store, dossier, folded};
use crate::domain::{Cluster, Customer, Dataset, Judgement, Problem, Row, Text, Time};

/// Most clusters whose old rows are read at once.
const CHUNK: usize = 2000;

impl Store {
    /// Replaces the derived rows of these clusters and crosses the dirty ones off, in one transaction. Keeps the
    /// `since` of a mismatch that was open before. Returns how many rows changed.
    pub async fn save_judgements(
        &self,
        judged: &[Judgement],
        dirty: Option<&Dirty>,
        _now: Time,
    ) -> Result<usize, Problem> {
        let judged: Vec<(&Judgement, Option<&Cluster>)> = judged.iter().map(|judged| (judged, None)).collect();
        self.save(&judged, dirty).await
    }

    /// As [`Store::save_judgements`], and keeps what was gathered, so that judging everybody again is quick. `judged`
    /// is the outcome of `gathered`, in its order.
    pub async fn save_judged(
        &self,
        gathered: &[Cluster],
        judged: &[Judgement],
        dirty: Option<&Dirty>,
    ) -> Result<usize, Problem> {
        let judged: Vec<(&Judgement, Option<&Cluster>)> = judged.iter().zip(gathered.iter().map(Some)).collect();
        self.save(&judged, dirty).await
    }

    async fn save(&self, judged: &[(&Judgement, Option<&Cluster>)], dirty: Option<&Dirty>) -> Result<usize, Problem> {
        let mut tx = self.inner.db.begin().await?;
        let mut changed = 0;
        for chunk in judged.chunks(CHUNK) {
            changed += save(&mut tx, chunk).await?;
        }
        if let Some(dirty) = dirty {
            tx.run("delete from dirty where position <= $1", args![dirty.upto]).await?;
        }
        self.finish(tx, changed > 0).await?;
        Ok(changed)
    }
}

async fn save(tx: &mut Tx, judged: &[(&Judgement, Option<&Cluster>)]) -> Result<usize, Problem> {
    let names: Vec<String> = judged.iter().map(|(judgement, _)| cluster_text(&judgement.key)).collect();
    let filed = dossier::filed(tx, &names).await?;
    let about: Vec<(&Judgement, &String, Option<&Cluster>)> =
        judged.iter().zip(&names).map(|((judgement, gathered), name)| (*judgement, name, *gathered)).collect();
    dossier::file(tx, &about, &filed).await?;
    // What was said before and is said again needs no second look at its rows.
    let moved = about.iter().zip(&filed);
    let moved = moved.filter(|((judgement, ..), filed)| filed.as_ref().is_none_or(|f| f.digest != judgement.digest()));
    let (judged, clusters): (Vec<&Judgement>, Vec<String>) =
        moved.map(|((judgement, name, _), _)| (*judgement, (*name).clone())).unzip();
    if judged.is_empty() {
        return Ok(0);
    }
    let mut customers = stored(tx, Dataset::Customers, "customer", &clusters).await?;
    let mut mismatches = stored(tx, Dataset::Mismatches, "mismatch", &clusters).await?;

    let (mut new_customers, mut new_mismatches) = (HashMap::new(), HashMap::new());
    for (judgement, cluster) in judged.iter().zip(&clusters) {
        let extra = || vec![json!(cluster)];
        if let Some(customer) = &judgement.customer {
            let new = Put::new(Row::Customer(Box::new(customer.clone())), extra());
            if customers.remove(&new.key).is_none_or(|old| !same(&old, &new.row)) {
                new_customers.insert(new.key.clone(), new);
            }
        }
        for mismatch in &judgement.mismatches {
            let mut mismatch = mismatch.clone();
            let at = super::key(mismatch.id.as_str());
            let old = mismatches.remove(&at);
            if let Some(Row::Mismatch(old)) = &old {
                mismatch.since = mismatch.since.min(old.since);
            }
            let new = Put::new(Row::Mismatch(Box::new(mismatch)), extra());
            if old.is_none_or(|old| old != new.row) {
                new_mismatches.insert(at, new);
            }
        }
    }
    // What was not said again is gone; unless another cluster of this batch has just taken the same key over.
    let gone: Vec<String> = customers.into_keys().filter(|key| !new_customers.contains_key(key)).collect();
    let closed: Vec<String> = mismatches.into_keys().filter(|key| !new_mismatches.contains_key(key)).collect();
    let changed = gone.len() + closed.len() + new_customers.len() + new_mismatches.len();
    delete(tx, Dataset::Customers, &gone).await?;
    delete(tx, Dataset::Mismatches, &closed).await?;
    let (customers, mismatches): (Vec<Put>, Vec<Put>) =
        (new_customers.into_values().collect(), new_mismatches.into_values().collect());
    put(tx, Dataset::Customers, &[("cluster", Type::Text)], &customers).await?;
    put(tx, Dataset::Mismatches, &[("cluster", Type::Text)], &mismatches).await?;
    save_lines(tx, &gone, &customers).await?;
    save_again(tx, &judged, &clusters).await?;
    Ok(changed)
}

/// The stored rows of these clusters, by key.
async fn stored(
    tx: &mut Tx,
    dataset: Dataset,
    name: &str,
    clusters: &[String],
) -> Result<HashMap<String, Row>, Problem> {
    let rows = table(tx.engine(), 1, &[("cluster", Type::Text)]);
    let sql = format!("select r.row_key, r.doc from {rows} cross join {name} r where r.cluster = n.cluster");
    let found = tx.rows(AssertSqlSafe(sql), vec![column(clusters.iter().cloned())]).await?;
    found.iter().map(|line| Ok((line.text(0)?, undoc(dataset, &line.text(1)?)?))).collect()
}

/// Whether a customer's row says the same as before, apart from when each system was read: that is filled in fresh
/// when the row is shown.
fn same(old: &Row, new: &Row) -> bool {
    let bare = |row: &Row| match row {
        Row::Customer(customer) => {
            let mut customer: Customer = customer.as_ref().clone();
            customer.systems.iter_mut().for_each(|view| view.seen_at = None);
            Some(customer)
        }
        _ => None,
    };
    bare(old) == bare(new)
}

/// The line that `find` scans.
pub(super) fn find_line(customer: &Customer) -> String {
    let text = |text: &Option<Text>| text.as_ref().map(|text| folded(text.as_str())).unwrap_or_default();
    format!("{}\t{}\t{}", folded(customer.id.as_str()), text(&customer.email), text(&customer.name))
}

async fn save_lines(tx: &mut Tx, gone: &[String], customers: &[Put]) -> Result<(), Problem> {
    if !gone.is_empty() {
        let rows = table(tx.engine(), 1, &[("key", Type::Text)]);
        let sql = format!("delete from find_line where row_key in (select n.key from {rows})");
        tx.run(AssertSqlSafe(sql), vec![column(gone.iter().cloned())]).await?;
    }
    let new: Vec<Vec<Json>> = customers
        .iter()
        .filter_map(|put| match &put.row {
            Row::Customer(customer) => Some(vec![json!(put.key), json!(find_line(customer))]),
            _ => None,
        })
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    // The revision that this transaction will have; the writer is alone.
    let rows = table(tx.engine(), 1, &[("row_key", Type::Text), ("line", Type::Text)]);
    let sql = format!(
        "insert into find_line (row_key, line, changed)
         select n.row_key, n.line, (select value + 1 from meta where name = 'revision') from {rows} where true
         on conflict (row_key) do update set line = excluded.line, changed = excluded.changed
         where find_line.line <> excluded.line"
    );
    tx.run(AssertSqlSafe(sql), vec![lines(new)]).await.map(|_| ())
}

/// When time alone may change an outcome.
async fn save_again(tx: &mut Tx, judged: &[&Judgement], clusters: &[String]) -> Result<(), Problem> {
    let rows = table(tx.engine(), 1, &[("cluster", Type::Text)]);
    let sql = format!("delete from again where cluster in (select n.cluster from {rows})");
    tx.run(AssertSqlSafe(sql), vec![column(clusters.iter().cloned())]).await?;
    let mut seen = HashSet::new();
    let due: Vec<Vec<Json>> = judged
        .iter()
        .zip(clusters)
        .filter_map(|(judgement, cluster)| Some(vec![json!(cluster), json!(judgement.again_at?.ms())]))
        .filter(|row| seen.insert(row[0].clone()))
        .collect();
    if due.is_empty() {
        return Ok(());
    }
    let rows = table(tx.engine(), 1, &[("cluster", Type::Text), ("at", Type::Int)]);
    let sql = format!(
        "insert into again (cluster, at) select n.cluster, n.at from {rows} where true
         on conflict (cluster) do update set at = excluded.at"
    );
    tx.run(AssertSqlSafe(sql), vec![lines(due)]).await.map(|_| ())
}
