//! Asks one source, step by step, and stores what it brings together with the cursor.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Clock;
use super::health::{Health, matters};
use crate::domain::{Batch, Problem, SourceHealth, SourceState, System};
use crate::sources::{Cause, Source, SourceError};
use crate::store::Store;

/// A step that takes longer than this is given up: a source that hangs holds nothing but its own task.
const STEP_LIMIT: Duration = Duration::from_secs(60);

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many things really changed.
    pub changed: usize,
    /// Whether the source has more right now.
    pub more: bool,
    /// After a failure: how long to wait, in milliseconds.
    pub wait_ms: Option<i64>,
    /// Whether the source's health changed so that verdicts may change.
    pub verdicts_move: bool,
    /// Milliseconds spent storing.
    pub store_ms: i64,
}

/// Collects from one source.
pub struct Collector {
    source: Arc<dyn Source>,
    store: Store,
    clock: Clock,
    /// How the source stands.
    pub health: Health,
    cursor: Option<String>,
    saved: Option<SourceHealth>,
}

impl Collector {
    /// Takes up where the store says that the last collection stopped.
    pub async fn resume(source: Arc<dyn Source>, store: Store, clock: Clock) -> Result<Self, Problem> {
        let system = source.system();
        let stored = store.evidence().await?.of(system).cloned();
        let cursor = store.cursor(system).await?;
        let health = Health::resume(system, source.capabilities(), stored.as_ref());
        Ok(Self { source, store, clock, health, cursor, saved: stored })
    }

    /// One step. Only a failing *store* is an error; a failing source is part of the health.
    pub async fn step(&mut self) -> Result<Step, Problem> {
        let answer = self.ask().await;
        let system = self.source.system();
        match answer {
            Ok(batch) => {
                let now = (self.clock)();
                let started = std::time::Instant::now();
                let changed = self.store.commit(system, &batch, now).await?;
                let store_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
                self.health.succeeded(&batch, now);
                self.cursor = batch.cursor.or(self.cursor.take());
                let verdicts_move = self.save().await?;
                Ok(Step { changed, more: batch.more, wait_ms: None, verdicts_move, store_ms })
            }
            Err(mut error) => {
                if error.cause == Cause::Expired && self.cursor.is_none() {
                    // There is nothing to forget: started over, it would be refused the same way without end.
                    error.cause = Cause::Garbage;
                }
                if error.cause == Cause::Expired {
                    self.cursor = None;
                    self.store.forget_cursor(system).await?;
                }
                let wait = self.health.failed(&error, (self.clock)());
                tracing::warn!(source = system.as_str(), cause = ?error.cause, problem = %error.problem, "collection failed");
                let verdicts_move = self.save().await?;
                Ok(Step { changed: 0, more: true, wait_ms: Some(wait), verdicts_move, store_ms: 0 })
            }
        }
    }

    /// Asks the source in a task of its own, so that neither a hang nor a panic in it reaches the collector.
    async fn ask(&self) -> Result<Batch, SourceError> {
        let source = Arc::clone(&self.source);
        let cursor = self.cursor.clone();
        let now = (self.clock)();
        // In a set, so that the question ends with whoever asked it.
        let mut task = JoinSet::new();
        task.spawn(async move { source.collect(cursor.as_deref(), now).await });
        let gone_wrong = |cause, problem| SourceError { cause, problem, retry_after_ms: None };
        match tokio::time::timeout(STEP_LIMIT, task.join_next()).await {
            Ok(Some(Ok(answer))) => answer,
            Ok(_) => Err(gone_wrong(
                Cause::Garbage,
                Problem::bug("reading this source failed inside trueup").hint("please report it with the log file"),
            )),
            Err(_) => {
                let what = format!("no answer within {} s", STEP_LIMIT.as_secs());
                Err(gone_wrong(Cause::Unavailable, Problem::evidence(what).at(self.source.system().as_str())))
            }
        }
    }

    /// Saves the health; says whether the change matters for verdicts.
    async fn save(&mut self) -> Result<bool, Problem> {
        let current = self.health.current().clone();
        let moved = matters(self.saved.as_ref(), &current);
        self.store.save_source(&current, self.health.rate_left(), (self.clock)()).await?;
        self.saved = Some(current);
        Ok(moved)
    }

    /// Nobody will ask again in this round: what the source last said is not believed any longer.
    pub async fn give_up(&mut self) -> Result<(), Problem> {
        self.health.given_up((self.clock)());
        self.save().await.map(|_| ())
    }

    /// Puts a source that cannot even be built (no credential, say) into the store as failed, with the reason. Says
    /// whether that can change a verdict.
    pub async fn unbuilt(store: &Store, system: System, problem: &Problem, clock: &Clock) -> Result<bool, Problem> {
        let stored = store.evidence().await?.of(system).cloned();
        let now = clock();
        let before = stored.clone().unwrap_or_else(|| SourceHealth::new(system));
        let health = SourceHealth {
            state: SourceState::Failed,
            lag_ms: None,
            problem: Some(problem.line()),
            failing_since: before.failing_since.or(Some(now)),
            retry_at: None,
            ..before
        };
        store.save_source(&health, None, now).await?;
        Ok(matters(stored.as_ref(), &health))
    }
}
