//! The running engine: a lease decides who collects, one task per source, one that compares, one per check.
//!
//! What must stay true: tasks share nothing but the store; stopping gives the lease back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::collect::Collector;
use super::derive::Deriver;
use super::pulse::{self, Pulse};
use super::{Built, Clock, checks, rules};
use crate::config::Settings;
use crate::domain::{Check, Dataset, Problem, Row, System, Text};
use crate::sources::{Source, probe};
use crate::store::{Lease, Store};

/// The lease that decides which process collects.
const LEASE: &str = "engine";
/// How long a lease lasts without its beat, in milliseconds.
const LEASE_MS: i64 = 30_000;
/// How often a lease is renewed, or asked for.
const BEAT: Duration = Duration::from_secs(10);
/// Changes are gathered for this long before they are compared, so that a burst costs one pass.
const GATHER: Duration = Duration::from_millis(60);
/// How often the engine looks for what time alone has changed (a grace that ended, a trial that ran out).
const TIME_PASSES: Duration = Duration::from_secs(2);
/// How often old history is dropped.
const RETAIN_EVERY: Duration = Duration::from_secs(3_600);

/// What the engine of this process is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineState {
    /// Not yet known.
    Starting,
    /// This process collects.
    Working,
    /// Another process collects; this one shows.
    Watching(Text),
    /// The store does not answer.
    Halted(Text),
}

/// A running engine. Dropping it ends its tasks; [`Engine::stop`] also gives the lease back.
pub struct Engine {
    tasks: JoinSet<()>,
    state: watch::Receiver<EngineState>,
    shared: Arc<Shared>,
}

/// What the tasks of one engine share: handles only.
struct Shared {
    store: Store,
    settings: Settings,
    clock: Clock,
    holder: Text,
    /// Something changed: compare.
    changed: Notify,
    /// Everything must be compared again.
    all: Mutex<bool>,
    /// The operator asks: collect now.
    recheck: Notify,
    pulse: Mutex<Pulse>,
}

impl Engine {
    /// Starts the engine. Returns at once; nothing has been asked of anybody yet.
    pub fn start(store: Store, settings: Settings, built: Built, clock: Clock, holder: Text) -> Self {
        let (state_tx, state) = watch::channel(EngineState::Starting);
        let shared = Arc::new(Shared {
            store,
            settings,
            clock,
            holder,
            changed: Notify::new(),
            all: Mutex::new(false),
            recheck: Notify::new(),
            pulse: Mutex::new(Pulse::default()),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(hold(Arc::clone(&shared), Arc::new(built), state_tx));
        Self { tasks, state, shared }
    }

    /// What the engine is doing, and every change of it.
    pub fn state(&self) -> watch::Receiver<EngineState> {
        self.state.clone()
    }

    /// Collects from every source now instead of at its next turn.
    pub fn recheck(&self) {
        self.shared.recheck.notify_waiters();
    }

    /// Ends all tasks and gives the lease back.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        if let Err(problem) = self.shared.store.release(LEASE, &self.shared.holder).await {
            tracing::warn!(%problem, "the lease could not be given back; it ends by itself");
        }
    }
}

/// Holds the lease and runs the workers while it is held.
async fn hold(shared: Arc<Shared>, built: Arc<Built>, state: watch::Sender<EngineState>) {
    let mut workers: JoinSet<()> = JoinSet::new();
    loop {
        match shared.store.lease(LEASE, &shared.holder, LEASE_MS).await {
            Ok(Lease { mine: true, .. }) => {
                if workers.is_empty() {
                    start_workers(&shared, &built, &mut workers);
                }
                state.send_if_modified(|now| replace(now, EngineState::Working));
            }
            Ok(Lease { holder, .. }) => {
                workers.shutdown().await;
                state.send_if_modified(|now| replace(now, EngineState::Watching(holder)));
            }
            Err(problem) => {
                // The store is away: the workers keep trying by themselves; the lease outlives a short absence.
                state.send_if_modified(|now| replace(now, EngineState::Halted(Text::new(problem.to_string()))));
            }
        }
        tokio::time::sleep(BEAT).await;
    }
}

fn replace(now: &mut EngineState, new: EngineState) -> bool {
    let differs = *now != new;
    *now = new;
    differs
}

fn start_workers(shared: &Arc<Shared>, built: &Arc<Built>, workers: &mut JoinSet<()>) {
    for (system, source) in built.iter() {
        match source {
            Ok(source) => {
                let every = every(&shared.settings, *system);
                workers.spawn(collect(Arc::clone(shared), Arc::clone(source), every));
            }
            Err(problem) => {
                let (shared, system, problem) = (Arc::clone(shared), *system, problem.clone());
                workers.spawn(async move {
                    let told = Collector::unbuilt(&shared.store, system, &problem, &shared.clock).await;
                    shared.note(told.err());
                });
            }
        }
    }
    workers.spawn(derive(Arc::clone(shared)));
    for check in &shared.settings.checks {
        workers.spawn(check_on(Arc::clone(shared), check.clone()));
    }
    workers.spawn(retain(Arc::clone(shared)));
}

/// How often a source is asked for what changed.
fn every(settings: &Settings, system: System) -> Duration {
    let ms = match system {
        System::Portal => settings.portal.as_ref().map(|portal| portal.every_ms),
        _ => settings.sources.get(&system).map(|source| source.every_ms),
    };
    Duration::from_millis(ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(60_000).max(200))
}

async fn collect(shared: Arc<Shared>, source: Arc<dyn Source>, every: Duration) {
    let mut collector = loop {
        match Collector::resume(Arc::clone(&source), shared.store.clone(), Arc::clone(&shared.clock)).await {
            Ok(collector) => break collector,
            Err(problem) => {
                shared.note(Some(problem));
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
    };
    loop {
        match collector.step().await {
            Ok(step) => {
                if step.verdicts_move {
                    *shared.all.lock().unwrap_or_else(PoisonError::into_inner) = true;
                }
                if step.changed > 0 || step.verdicts_move {
                    shared.changed.notify_one();
                }
                let wait = match step.wait_ms {
                    Some(ms) => Duration::from_millis(u64::try_from(ms).unwrap_or(0)),
                    None if step.more => continue,
                    None => every,
                };
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = shared.recheck.notified() => {}
                }
            }
            Err(problem) => {
                shared.note(Some(problem));
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
    }
}

async fn derive(shared: Arc<Shared>) {
    let deriver = Deriver::new(shared.store.clone(), rules::from(&shared.settings), Arc::clone(&shared.clock));
    // Rules may have changed while nobody ran.
    let mut all = rules::moved(&shared.store, &shared.settings).await.unwrap_or(true);
    let mut known: Option<Check> = None;
    loop {
        let started = (shared.clock)();
        let outcome = if all { deriver.all().await } else { Ok(Default::default()) };
        let outcome = match outcome {
            Ok(_) => deriver.changed().await,
            Err(problem) => Err(problem),
        };
        let now = (shared.clock)();
        match outcome {
            Ok(judged) => {
                if std::mem::take(&mut all) {
                    shared.note(rules::keep(&shared.store, &shared.settings).await.err());
                }
                let mut pulse = shared.pulse.lock().unwrap_or_else(PoisonError::into_inner);
                pulse.derived_at = Some(now);
                pulse.waiting_since = None;
                if judged.clusters > 0 || pulse.derive_ms.is_none() {
                    pulse.derive_ms = Some(now.since(started).max(1));
                }
            }
            Err(problem) => shared.note(Some(problem)),
        }
        beat(&shared, &mut known).await;
        tokio::select! {
            () = shared.changed.notified() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(TIME_PASSES) => {}
        }
        let mut wanted = shared.all.lock().unwrap_or_else(PoisonError::into_inner);
        all |= std::mem::take(&mut *wanted);
    }
}

/// Saves the engine's own check when its state changes, or its text.
async fn beat(shared: &Shared, known: &mut Option<Check>) {
    let now = (shared.clock)();
    let pulse = shared.pulse.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let since = known.as_ref().and_then(|check| check.since);
    let mut row = pulse.row(since, now);
    if known.as_ref().is_none_or(|check| check.state != row.state) {
        row.since = Some(now);
    } else if known.as_ref().is_some_and(|check| check.reason == row.reason) {
        return;
    }
    let run = crate::domain::CheckRun {
        name: Text::new(pulse::NAME),
        at: now,
        state: row.state,
        latency_ms: row.latency_ms,
        reason: row.reason.clone(),
    };
    if shared.store.save_checks(&[run], std::slice::from_ref(&row), now).await.is_ok() {
        *known = Some(row);
    }
}

async fn check_on(shared: Arc<Shared>, settings: crate::config::settings::CheckSettings) {
    let stored = match shared.store.get(Dataset::Checks, settings.name.as_str()).await {
        Ok(Some(Row::Check(check))) => Some(check),
        _ => None,
    };
    let mut watch = checks::Watch::resume(settings, stored.as_deref());
    loop {
        let result = probe::http_check(&watch.settings().url, checks::PROBE_LIMIT).await;
        let now = (shared.clock)();
        let run = watch.took(&result, now);
        shared.note(shared.store.save_checks(&[run], &[watch.row()], now).await.err());
        let wait = Duration::from_millis(u64::try_from(watch.next_in_ms()).unwrap_or(60_000));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.recheck.notified() => {}
        }
    }
}

async fn retain(shared: Arc<Shared>) {
    loop {
        let retention = shared.settings.retention;
        let now = (shared.clock)();
        shared.note(shared.store.retain(retention.deliveries_ms, retention.checks_ms, now).await.err());
        tokio::time::sleep(RETAIN_EVERY).await;
    }
}

impl Shared {
    /// Remembers what went wrong inside the engine, for its own check and the log.
    fn note(&self, problem: Option<Problem>) {
        if let Some(problem) = problem {
            tracing::error!(%problem, "the engine met a problem");
            let mut pulse = self.pulse.lock().unwrap_or_else(PoisonError::into_inner);
            pulse.trouble = Some(((self.clock)(), Text::new(problem.to_string())));
        }
    }
}
