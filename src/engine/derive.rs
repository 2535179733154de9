//! From records to verdicts: judges the clusters that a change touched, or all of them.

use std::sync::Arc;

use super::{Clock, rules};
use crate::domain::{ClusterKey, Evidence, Judgement, Problem, Time};
use crate::reconcile::{self, Rules};
use crate::store::{Dirty, Dossier, Store};

/// Clusters judged in one go: large enough to share statements, small enough to stay within a few megabytes.
const CHUNK: i64 = 1_000;
/// Dossiers read in one go: a few megabytes.
const PAGE: i64 = 4_096;
/// With more marks than this waiting, one pass over everybody is cheaper: a new customer leaves half a dozen marks, and
/// each would lead to the same cluster again.
const BACKLOG: i64 = 10_000;

/// What judging came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Clusters looked at.
    pub clusters: usize,
    /// Derived rows that changed.
    pub changed: usize,
    /// Microseconds spent comparing (reading clusters and judging).
    pub compare_us: u64,
    /// Microseconds spent storing the outcome.
    pub store_us: u64,
}

/// Judges clusters of one store under one set of rules.
#[derive(Clone)]
pub struct Deriver {
    store: Store,
    rules: Rules,
    clock: Clock,
}

impl Deriver {
    /// A deriver; costs nothing until asked.
    pub fn new(store: Store, rules: Rules, clock: Clock) -> Self {
        Self { store, rules, clock }
    }

    /// Brings all verdicts up to date: everybody when the rules or what the sources can tell have moved, else whom a
    /// change touched, and what time alone has changed.
    pub async fn catch_up(&self) -> Result<Judged, Problem> {
        let evidence = self.store.evidence().await?;
        let basis = rules::fingerprint(&self.rules, &evidence);
        let mut total = Judged::default();
        if rules::moved(&self.store, basis).await? {
            self.judge_all(&evidence, &mut total).await?;
            rules::keep(&self.store, basis).await?;
        }
        self.judge_changed(&evidence, &mut total).await?;
        Ok(total)
    }

    /// Judges what changed since the last time, and what time alone has changed.
    pub async fn changed(&self) -> Result<Judged, Problem> {
        let mut total = Judged::default();
        self.judge_changed(&self.store.evidence().await?, &mut total).await?;
        Ok(total)
    }

    /// Judges everybody.
    pub async fn all(&self) -> Result<Judged, Problem> {
        let mut total = Judged::default();
        self.judge_all(&self.store.evidence().await?, &mut total).await?;
        Ok(total)
    }

    async fn judge_changed(&self, evidence: &Evidence, total: &mut Judged) -> Result<(), Problem> {
        if self.store.backlog().await?.0 > BACKLOG {
            self.judge_all(evidence, total).await?;
        }
        loop {
            let dirty = self.store.dirty(CHUNK, (self.clock)()).await?;
            if dirty.keys.is_empty() && dirty.upto == 0 {
                return Ok(());
            }
            self.chunk(&dirty.keys, Some(&dirty), evidence, total).await?;
            if !dirty.more {
                return Ok(());
            }
        }
    }

    /// Judges everybody as they were gathered the last time, page by page on all cores; whoever is judged otherwise
    /// now, or cannot be judged so, is gathered anew. What changed meanwhile has left a mark and is judged afterwards.
    async fn judge_all(&self, evidence: &Evidence, total: &mut Judged) -> Result<(), Problem> {
        if !self.store.has_dossiers().await? || self.store.backlog().await?.0 > BACKLOG {
            return self.gather_all(evidence, total).await;
        }
        let basis = Arc::new((evidence.clone(), self.rules.clone()));
        let mut page = self.store.dossiers(None, PAGE).await?;
        loop {
            let started = std::time::Instant::now();
            let next = page.next.clone();
            let following = async {
                match &next {
                    Some(after) => self.store.dossiers(Some(after), PAGE).await.map(Some),
                    None => Ok(None),
                }
            };
            total.clusters += page.dossiers.len();
            let (moved, following) = tokio::join!(moved(page.dossiers, &basis, (self.clock)()), following);
            total.compare_us += micros(started);
            let moved = moved?;
            total.clusters -= moved.len();
            for keys in moved.chunks(usize::try_from(CHUNK).unwrap_or(1_000)) {
                self.chunk(keys, None, evidence, total).await?;
            }
            match following? {
                Some(following) => page = following,
                None => return Ok(()),
            }
        }
    }

    async fn gather_all(&self, evidence: &Evidence, total: &mut Judged) -> Result<(), Problem> {
        let (_, upto) = self.store.backlog().await?;
        let mut after: Option<ClusterKey> = None;
        loop {
            let keys = self.store.keys_after(after.as_ref(), CHUNK).await?;
            let Some(last) = keys.last().cloned() else {
                // What was marked before the pass began has been judged by it.
                let passed = Dirty { keys: Vec::new(), upto, more: false };
                self.store.save_judgements(&[], Some(&passed), (self.clock)()).await?;
                return self.store.all_have_dossiers().await;
            };
            self.chunk(&keys, None, evidence, total).await?;
            after = Some(last);
            tokio::task::yield_now().await;
        }
    }

    async fn chunk(
        &self,
        keys: &[ClusterKey],
        dirty: Option<&Dirty>,
        evidence: &Evidence,
        total: &mut Judged,
    ) -> Result<(), Problem> {
        let started = std::time::Instant::now();
        let now = (self.clock)();
        let clusters = self.store.clusters(keys).await?;
        let judged: Vec<Judgement> =
            clusters.iter().map(|cluster| reconcile::judge(cluster, evidence, &self.rules, now)).collect();
        total.compare_us += micros(started);
        let started = std::time::Instant::now();
        total.clusters += judged.len();
        total.changed += self.store.save_judged(&clusters, &judged, dirty).await?;
        total.store_us += micros(started);
        Ok(())
    }
}

/// Those of a page who are judged otherwise now, or were not packed.
async fn moved(
    mut dossiers: Vec<Dossier>,
    basis: &Arc<(Evidence, Rules)>,
    now: Time,
) -> Result<Vec<ClusterKey>, Problem> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = dossiers.len().div_ceil(cores).max(1);
    let mut parts = Vec::new();
    while !dossiers.is_empty() {
        let part = dossiers.split_off(dossiers.len().saturating_sub(share));
        let basis = Arc::clone(basis);
        parts.push(tokio::task::spawn_blocking(move || {
            let (evidence, rules) = &*basis;
            let same = |dossier: &Dossier| {
                let cluster = dossier.cluster()?;
                Some(reconcile::judge(&cluster, evidence, rules, now).digest() == dossier.digest)
            };
            let moved = part.into_iter().filter(|dossier| same(dossier) != Some(true));
            moved.map(|dossier| dossier.key).collect::<Vec<ClusterKey>>()
        }));
    }
    let mut keys = Vec::new();
    for part in parts {
        keys.extend(part.await.map_err(|_| Problem::bug("a comparison failed inside trueup"))?);
    }
    Ok(keys)
}

fn micros(since: std::time::Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
