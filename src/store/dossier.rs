//! What was last judged of each cluster, for judging everybody again without gathering everything.
//!
//! What must stay true: a dossier is written in the transaction that stores its judgement, and a change to any record
//! of the cluster leaves a mark ([`super::dirty`]). So a dossier is what gathering would give, or a mark waits.

use serde_json::Value as Json;
use sqlx::AssertSqlSafe;

use super::Store;
use super::db::{Tx, Type, args, column, lines, table};
use super::dirty::cluster_of;
use super::pack::{FORM, pack, unpack};
use crate::domain::{Cluster, ClusterKey, Judgement, Problem};

/// Under this name the store remembers that every cluster that was ever judged has a dossier.
const MARK: &str = "dossiers";

/// What was last judged of one cluster.
#[derive(Clone, Debug)]
pub struct Dossier {
    /// Whom it is about.
    pub key: ClusterKey,
    /// The digest of the outcome ([`Judgement::digest`]).
    pub digest: i64,
    packed: Option<Vec<u8>>,
}

impl Dossier {
    /// The cluster as it was gathered then; `None` when it has to be gathered anew.
    pub fn cluster(&self) -> Option<Cluster> {
        unpack(self.key.clone(), self.packed.as_deref()?)
    }
}

/// A page of dossiers in the order of their keys.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The dossiers.
    pub dossiers: Vec<Dossier>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

impl Store {
    /// Up to `limit` dossiers after a place that an earlier page named.
    pub async fn dossiers(&self, after: Option<&str>, limit: i64) -> Result<Page, Problem> {
        let sql = "select cluster, digest, body from dossier where cluster > $1 order by cluster limit $2";
        let found = self.inner.db.rows(sql, args![after.unwrap_or_default(), limit]).await?;
        let mut page = Page::default();
        for line in &found {
            let cluster = line.text(0)?;
            if let Some(key) = cluster_of(&cluster) {
                page.dossiers.push(Dossier { key, digest: line.int(1)?, packed: line.maybe_bytes(2)? });
            }
            page.next = Some(cluster);
        }
        page.next = page.next.filter(|_| i64::try_from(found.len()).is_ok_and(|count| count == limit));
        Ok(page)
    }

    /// Whether every cluster that was ever judged has a dossier in today's form.
    pub async fn has_dossiers(&self) -> Result<bool, Problem> {
        Ok(self.mark(MARK).await? == Some(FORM))
    }

    /// Remembers that everybody has been gathered and judged, so that all dossiers are there.
    pub async fn all_have_dossiers(&self) -> Result<(), Problem> {
        self.set_mark(MARK, FORM).await
    }
}

/// What is stored of a judged cluster.
pub(super) struct Filed {
    /// The digest of the outcome.
    pub(super) digest: i64,
    /// The packed cluster.
    pub(super) packed: Option<Vec<u8>>,
}

/// The dossiers of these clusters, in their order.
pub(super) async fn filed(tx: &mut Tx, clusters: &[String]) -> Result<Vec<Option<Filed>>, Problem> {
    let rows = table(tx.engine(), 1, &[("cluster", Type::Text)]);
    let sql =
        format!("select d.cluster, d.digest, d.body from {rows} cross join dossier d where d.cluster = n.cluster");
    let mut known = std::collections::HashMap::new();
    for line in tx.rows(AssertSqlSafe(sql), vec![column(clusters.iter().cloned())]).await? {
        known.insert(line.text(0)?, Filed { digest: line.int(1)?, packed: line.maybe_bytes(2)? });
    }
    Ok(clusters.iter().map(|cluster| known.remove(cluster)).collect())
}

/// Writes the dossiers of clusters that were judged; those of clusters about which nothing is left to say go.
pub(super) async fn file(
    tx: &mut Tx,
    judged: &[(&Judgement, &String, Option<&Cluster>)],
    known: &[Option<Filed>],
) -> Result<(), Problem> {
    let (mut gone, mut rows) = (Vec::new(), Vec::new());
    for ((judgement, cluster, gathered), known) in judged.iter().zip(known) {
        let nobody = judgement.customer.is_none() && judgement.mismatches.is_empty();
        let Some(gathered) = gathered.filter(|_| !nobody) else {
            if known.is_some() {
                gone.push(cluster.as_str());
            }
            continue;
        };
        let (digest, packed) = (judgement.digest(), pack(gathered));
        if known.as_ref().is_none_or(|known| known.digest != digest || known.packed != packed) {
            rows.push(vec![Json::from(cluster.as_str()), Json::from(packed.map(hex)), Json::from(digest)]);
        }
    }
    if !gone.is_empty() {
        let names = table(tx.engine(), 1, &[("cluster", Type::Text)]);
        let sql = format!("delete from dossier where cluster in (select n.cluster from {names})");
        tx.run(AssertSqlSafe(sql), vec![column(gone)]).await?;
    }
    if !rows.is_empty() {
        let columns = [("cluster", Type::Text), ("body", Type::Bytes), ("digest", Type::Int)];
        let sql = format!(
            "insert into dossier (cluster, body, digest) select n.cluster, n.body, n.digest from {} where true
             on conflict (cluster) do update set body = excluded.body, digest = excluded.digest",
            table(tx.engine(), 1, &columns)
        );
        tx.run(AssertSqlSafe(sql), vec![lines(rows)]).await?;
    }
    Ok(())
}

/// Bytes as they travel inside a JSON argument.
fn hex(bytes: Vec<u8>) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
