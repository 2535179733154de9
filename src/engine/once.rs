//! One full round, then done: `trueup sync --once`.
//!
//! What must stay true: a source that fails costs the round a bounded time and keeps nobody's records back; a source
//! that is given up is not `ok` in the summary, whatever it was before; a page that fails is looked at often enough
//! for its check to be confirmed, because the next round may be an hour away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;

use super::collect::Collector;
use super::derive::Deriver;
use super::{Built, Clock, checks, rules};
use crate::config::Settings;
use crate::domain::{CheckRun, Dataset, Problem, Row, SourceState, System, Text};
use crate::query::Expr;
use crate::sources::probe;
use crate::store::Store;

/// Failures in a row after which a source is given up for this round.
const TRIES: u32 = 3;
/// How long one round goes on with a source that fails, its silence and the waits that it asks for included.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks at a page whose check is in doubt.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

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
    /// Clusters that were compared; none when nothing had changed. For tests and figures.
    #[serde(skip)]
    pub judged: usize,
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

    let judged = Deriver::new(store.clone(), rules::from(settings), Arc::clone(clock)).catch_up().await?;
    super::hindsight::look(store, settings, clock()).await?;

    let now = clock();
    let customers = store.count(Dataset::Customers, &Expr::default(), now).await?;
    let status = store.status(now).await?;
    Ok(Summary {
        collect_ms,
        compare_ms: judged.compare_us / 1000,
        store_ms: store_ms + judged.store_us / 1000,
        customers,
        mismatches: status.mismatches.open + status.mismatches.unknown,
        sources,
        judged: judged.clusters,
    })
}

async fn round(
    source: Arc<dyn crate::sources::Source>,
    store: Store,
    clock: Clock,
) -> Result<(SourceSummary, u64), Problem> {
    let mut collector = Collector::resume(source, store, clock).await?;
    let (mut changed, mut steps, mut failures, mut store_ms) = (0, 0, 0, 0);
    let mut failing: Option<Instant> = None;
    loop {
        let begun = Instant::now();
        let step = collector.step().await?;
        steps += 1;
        changed += step.changed;
        store_ms += u64::try_from(step.store_ms).unwrap_or(0);
        let Some(wait) = step.wait_ms else {
            if !step.more {
                break;
            }
            (failures, failing) = (0, None);
            continue;
        };
        failures += 1;
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        let spent = failing.get_or_insert(begun).elapsed();
        if failures >= TRIES || spent + wait > PATIENCE || collector.health.current().state == SourceState::Failed {
            collector.give_up().await?;
            break;
        }
        tokio::time::sleep(wait).await;
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
    let problem = Some(problem.line());
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
            let mut runs: Vec<CheckRun> = Vec::new();
            for look in 1..=checks::FAILURES_TO_BE_DOWN {
                let result = probe::http_check(&watch.settings().url, checks::PROBE_LIMIT).await;
                runs.push(watch.took(&result, clock()));
                if !watch.in_doubt() || look == checks::FAILURES_TO_BE_DOWN {
                    break;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            (runs, watch.row())
        });
    }
    let (runs, rows): (Vec<_>, Vec<_>) = probes.join_all().await.into_iter().unzip();
    store.save_checks(&runs.concat(), &rows, clock()).await
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
