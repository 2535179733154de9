//! The running engine: a lease decides who collects, one task per source, one that compares, one per check.
//!
//! What must stay true: tasks share nothing but the store; stopping gives the lease back; a part that breaks off is
//! started again and told of; when nothing happens, what runs here wakes once in a beat.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::derive::Judged;
use super::pulse::{self, Pulse};
use super::{Built, Clock, work};
use crate::config::Settings;
use crate::domain::{Check, CheckRun, Dataset, Problem, Row, System, Text, Time};
use crate::store::{Lease, Store};

/// The lease that decides which process collects.
const LEASE: &str = "engine";
/// How long a lease lasts without its beat, in milliseconds.
const LEASE_MS: i64 = 30_000;
/// How often a lease is renewed, or asked for.
const BEAT: Duration = Duration::from_secs(10);
/// Between two tries when the store does not answer.
pub(super) const RETRY: Duration = Duration::from_secs(2);
/// The engine's own check is written at least this often, in milliseconds: who watches must be seen to live.
const SIGN_OF_LIFE_MS: i64 = 60_000;

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
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    holder: Text,
    /// Something changed: compare.
    pub(super) changed: Notify,
    /// The operator asks: collect now.
    pub(super) recheck: Notify,
    pulse: Mutex<Pulse>,
    /// The engine's own check as it was last written.
    written: tokio::sync::Mutex<Option<Check>>,
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
            recheck: Notify::new(),
            pulse: Mutex::new(Pulse::default()),
            written: tokio::sync::Mutex::new(None),
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
        let mut wait = BEAT;
        match shared.store.lease(LEASE, &shared.holder, LEASE_MS).await {
            Ok(Lease { mine: true, .. }) => {
                if workers.is_empty() {
                    start_workers(&shared, &built, &mut workers);
                } else {
                    shared.beat().await;
                }
                state.send_if_modified(|now| replace(now, EngineState::Working));
            }
            Ok(Lease { holder, until, .. }) => {
                workers.shutdown().await;
                state.send_if_modified(|now| replace(now, EngineState::Watching(holder)));
                // A lease that is not renewed is taken over when it ends, not at the next beat after.
                wait = within(until.since((shared.clock)()) + 100, RETRY, BEAT);
            }
            Err(problem) => {
                // The store is away: the workers keep trying by themselves; the lease outlives a short absence.
                state.send_if_modified(|now| replace(now, EngineState::Halted(problem.line())));
                wait = RETRY;
            }
        }
        let beat = tokio::time::sleep(wait);
        tokio::pin!(beat);
        loop {
            tokio::select! {
                () = &mut beat => break,
                Some(ended) = workers.join_next() => {
                    if ended.is_err_and(|error| error.is_panic()) {
                        // No part may stay dark: all of them start anew at the next beat.
                        shared.note(Some(Problem::bug("a part of the engine broke off; it is started again")));
                        workers.shutdown().await;
                    }
                }
            }
        }
    }
}

/// Milliseconds as a wait that is neither shorter nor longer than these.
pub(super) fn within(ms: i64, least: Duration, most: Duration) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0)).clamp(least, most)
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
                workers.spawn(work::collect(Arc::clone(shared), Arc::clone(source), every));
            }
            Err(problem) => {
                let (shared, system, problem) = (Arc::clone(shared), *system, problem.clone());
                workers.spawn(work::tell_unbuilt(shared, system, problem));
            }
        }
    }
    workers.spawn(work::derive(Arc::clone(shared)));
    for check in &shared.settings.checks {
        workers.spawn(work::check_on(Arc::clone(shared), check.clone()));
    }
    workers.spawn(work::retain(Arc::clone(shared)));
}

/// How often a source is asked for what changed.
fn every(settings: &Settings, system: System) -> Duration {
    let ms = match system {
        System::Portal => settings.portal.as_ref().map(|portal| portal.every_ms),
        _ => settings.sources.get(&system).map(|source| source.every_ms),
    };
    Duration::from_millis(ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(60_000).max(200))
}

impl Shared {
    /// Something may have changed a verdict.
    pub(super) fn tell_changed(&self) {
        self.pulse().waiting_since.get_or_insert((self.clock)());
        self.changed.notify_one();
    }

    /// A comparison that began at `began` is through.
    pub(super) fn compared(&self, judged: &Judged, began: Time) {
        let now = (self.clock)();
        let mut pulse = self.pulse();
        pulse.derived_at = Some(now);
        pulse.waiting_since = pulse.waiting_since.filter(|since| *since > began);
        if judged.clusters > 0 {
            pulse.derive_ms = Some(now.since(began).max(1));
        }
    }

    /// Remembers what went wrong inside the engine, for its own check and the log.
    pub(super) fn note(&self, problem: Option<Problem>) {
        if let Some(problem) = problem {
            tracing::error!(%problem, "the engine met a problem");
            self.pulse().trouble = Some(((self.clock)(), problem.line()));
        }
    }

    /// Writes the engine's own check when its state or its text changes, and now and then as a sign of life.
    pub(super) async fn beat(&self) {
        let mut written = self.written.lock().await;
        if written.is_none()
            && let Ok(Some(Row::Check(check))) = self.store.get(Dataset::Checks, pulse::NAME).await
        {
            *written = Some(*check);
        }
        let now = (self.clock)();
        let pulse = self.pulse().clone();
        let mut row = pulse.row(written.as_ref().and_then(|check| check.since), now);
        if let Some(before) = written.as_ref().filter(|check| check.state == row.state) {
            let fresh = before.seen_at.is_some_and(|at| now.since(at) < SIGN_OF_LIFE_MS);
            if fresh && before.reason == row.reason {
                return;
            }
        } else {
            row.since = Some(now);
        }
        let run = CheckRun {
            name: Text::new(pulse::NAME),
            at: now,
            state: row.state,
            latency_ms: row.latency_ms,
            reason: row.reason.clone(),
        };
        if self.store.save_checks(&[run], std::slice::from_ref(&row), now).await.is_ok() {
            *written = Some(row);
        }
    }

    fn pulse(&self) -> MutexGuard<'_, Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
