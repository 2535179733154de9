//! One full round, then done: `trueup sync --once`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use tokio::task::JoinSet;

use super::collect::Collector;
use super::derive::Deriver;
use super::{Built, Clock, checks, health, rules};
use crate::config::Settings;
use crate::domain::{Dataset, Problem, Row, SourceHealth, System, Text};
use crate::query::Expr;
use crate::sources::probe;
use crate::store::Store;

/// Failures in a row after which a source is given up for this round.
const TRIES: u32 = 3;
/// Longest wait that one round grants a source that asks for patience, in milliseconds.
const PATIENCE_MS: i64 = 15_000;

/// What a round came to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Milliseconds until every source had been collected, storing included.
    pub collect_ms: u64,
    /// Milliseconds of comparing.
    pub compare_ms: u64,
    /// Milliseconds of storing, summed over records and verdicts.
    pub store_ms: u64,
    /// Customers known.
    pub customers: i64,
    /// Open mismatches (disagreeing or unknown; settling ones are not counted).
    pub mismatches: i64,
    /// How each source did.
    pub sources: BTreeMap<System, SourceSummary>,
}

/// How one source did.
#[derive(Clone, Debug, Serialize)]
pub struct SourceSummary {
    /// State word.
    pub state: Text,
    /// Things that really changed.
    pub changed: usize,
    /// Steps taken.
    pub steps: u32,
    /// What is wrong.
    pub problem: Option<Text>,
}

impl Summary {
    /// Whether some source's evidence is missing.
    pub fn incomplete(&self) -> bool {
        self.sources.values().any(|source| source.state.as_str() != "ok")
    }
}

/// Collects from every source, makes every check, compares, stores.
pub async fn sync_once(store: &Store, settings: &Settings, built: &Built, clock: &Clock) -> Result<Summary, Problem> {
    let before = store.evidence().await?;
    let started = Instant::now();
    let mut rounds = JoinSet::new();
    for (system, source) in built {
        let (store, clock, system) = (store.clone(), Arc::clone(clock), *system);
        match source {
            Ok(source) => {
                let source = Arc::clone(source);
                rounds.spawn(async move { (system, round(source, store, clock).await) });
            }
            Err(problem) => {
                let problem = problem.clone();
                rounds.spawn(async move { (system, refuse(&store, system, &problem, &clock).await) });
            }
        }
    }
    let probes = check_all(store, settings, clock);
    let mut sources = BTreeMap::new();
    let mut store_ms = 0;
    let collected = async {
        while let Some(done) = rounds.join_next().await {
            let (system, outcome) = done.map_err(|_| Problem::bug("a collection failed inside trueup"))?;
            let (summary, ms) = outcome?;
            store_ms += ms;
            sources.insert(system, summary);
        }
        Ok::<(), Problem>(())
    };
    let (collected, probed) = tokio::join!(collected, probes);
    collected?;
    probed?;
    let collect_ms = millis(started);

    let deriver = Deriver::new(store.clone(), rules::from(settings), Arc::clone(clock));
    let after = store.evidence().await?;
    let moved = after.sources.iter().any(|now| health::matters(health_of(&before.sources, now.system), now));
    let first = if moved || rules::moved(store, settings).await? { Some(deriver.all().await?) } else { None };
    let judged = deriver.changed().await?;
    rules::keep(store, settings).await?;
    let first = first.unwrap_or_default();

    let now = clock();
    let customers = store.count(Dataset::Customers, &Expr::default(), now).await?;
    let status = store.status(now).await?;
    Ok(Summary {
        collect_ms,
        compare_ms: (first.compare_us + judged.compare_us) / 1000,
        store_ms: store_ms + (first.store_us + judged.store_us) / 1000,
        customers,
        mismatches: status.mismatches.open + status.mismatches.unknown,
        sources,
    })
}

fn health_of(sources: &[SourceHealth], system: System) -> Option<&SourceHealth> {
    sources.iter().find(|source| source.system == system)
}

async fn round(
    source: Arc<dyn crate::sources::Source>,
    store: Store,
    clock: Clock,
) -> Result<(SourceSummary, u64), Problem> {
    let mut collector = Collector::resume(source, store, clock).await?;
    let (mut changed, mut steps, mut failures, mut store_ms) = (0, 0, 0, 0);
    loop {
        let step = collector.step().await?;
        steps += 1;
        changed += step.changed;
        store_ms += u64::try_from(step.store_ms).unwrap_or(0);
        match step.wait_ms {
            None if !step.more => break,
            None => failures = 0,
            Some(wait) => {
                failures += 1;
                let gives_up =
                    wait > PATIENCE_MS || collector.health.current().state == crate::domain::SourceState::Failed;
                if failures >= TRIES || gives_up {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(u64::try_from(wait).unwrap_or(0))).await;
            }
        }
    }
    let health = collector.health.current();
    let state = Text::new(health.state.as_str());
    Ok((SourceSummary { state, changed, steps, problem: health.problem.clone() }, store_ms))
}

async fn refuse(
    store: &Store,
    system: System,
    problem: &Problem,
    clock: &Clock,
) -> Result<(SourceSummary, u64), Problem> {
    Collector::unbuilt(store, system, problem, clock).await?;
    let problem = Some(Text::new(problem.to_string()));
    Ok((SourceSummary { state: Text::new("failed"), changed: 0, steps: 0, problem }, 0))
}

async fn check_all(store: &Store, settings: &Settings, clock: &Clock) -> Result<(), Problem> {
    let mut probes = JoinSet::new();
    for check in settings.checks.clone() {
        let stored = match store.get(Dataset::Checks, check.name.as_str()).await? {
            Some(Row::Check(check)) => Some(check),
            _ => None,
        };
        let clock = Arc::clone(clock);
        probes.spawn(async move {
            let mut watch = checks::Watch::resume(check, stored.as_deref());
            let result = probe::http_check(&watch.settings().url, checks::PROBE_LIMIT).await;
            let run = watch.took(&result, clock());
            (run, watch.row())
        });
    }
    let (runs, rows): (Vec<_>, Vec<_>) = probes.join_all().await.into_iter().unzip();
    store.save_checks(&runs, &rows, clock()).await
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
