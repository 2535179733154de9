//! The parts of a running engine: one collector per source, one that compares, one per check, one that tidies up.
//!
//! What must stay true: each part waits for its own next moment and nothing else; a store that does not answer is
//! tried again, and told of, but ends no part.

use std::sync::Arc;
use std::time::Duration;

use super::checks::{PROBE_LIMIT, Watch};
use super::collect::Collector;
use super::derive::Deriver;
use super::live::{RETRY, Shared, within};
use super::{hindsight, rules};
use crate::config::settings::CheckSettings;
use crate::domain::{Dataset, Problem, Row, System, Time};
use crate::sources::{Source, probe};

/// Changes are gathered for this long before they are compared, so that a burst costs one pass.
const GATHER: Duration = Duration::from_millis(60);
/// Longest sleep of the part that compares: bounds what a leap of the clock can hold back.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Looking back costs a few queries: not more often than this.
const LOOK_BACK_EVERY: Duration = Duration::from_secs(2);
/// How often old history is dropped.
const RETAIN_EVERY: Duration = Duration::from_secs(3_600);

/// Asks one source, for ever: at once when it has more, at its interval when not, later and later while it fails.
pub(super) async fn collect(shared: Arc<Shared>, source: Arc<dyn Source>, every: Duration) {
    let mut collector = loop {
        match Collector::resume(Arc::clone(&source), shared.store.clone(), Arc::clone(&shared.clock)).await {
            Ok(collector) => break collector,
            Err(problem) => shared.note(Some(problem)),
        }
        tokio::time::sleep(RETRY).await;
    };
    loop {
        match collector.step().await {
            Ok(step) => {
                if step.changed > 0 || step.verdicts_move {
                    shared.tell_changed();
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
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Tells, once, of a source that cannot be asked at all.
pub(super) async fn tell_unbuilt(shared: Arc<Shared>, system: System, problem: Problem) {
    loop {
        match Collector::unbuilt(&shared.store, system, &problem, &shared.clock).await {
            Ok(moved) => {
                if moved {
                    shared.tell_changed();
                }
                return;
            }
            Err(problem) => shared.note(Some(problem)),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Compares: when something changed, and when time alone changes something.
pub(super) async fn derive(shared: Arc<Shared>) {
    let deriver = Deriver::new(shared.store.clone(), rules::from(&shared.settings), Arc::clone(&shared.clock));
    let mut looked: Option<tokio::time::Instant> = None;
    loop {
        let began = (shared.clock)();
        let next = match deriver.catch_up().await {
            Ok(judged) => {
                shared.compared(&judged, began);
                shared.store.next_due().await
            }
            Err(problem) => Err(problem),
        };
        let wait = match next {
            Ok(due) => until(due, (shared.clock)()),
            Err(problem) => {
                shared.note(Some(problem));
                RETRY
            }
        };
        if looked.is_none_or(|at| at.elapsed() >= LOOK_BACK_EVERY) {
            shared.note(hindsight::look(&shared.store, &shared.settings, (shared.clock)()).await.err());
            looked = Some(tokio::time::Instant::now());
        }
        shared.beat().await;
        tokio::select! {
            () = shared.changed.notified() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How long to sleep until a moment. One that has passed although everything due was just judged is not hurried after.
fn until(due: Option<Time>, now: Time) -> Duration {
    match due.map(|at| at.since(now)) {
        Some(ms) if ms >= 0 => within(ms + 20, Duration::from_millis(20), LOOK_AGAIN),
        Some(_) => RETRY,
        None => LOOK_AGAIN,
    }
}

/// Looks at one page, for ever.
pub(super) async fn check_on(shared: Arc<Shared>, settings: CheckSettings) {
    let stored = match shared.store.get(Dataset::Checks, settings.name.as_str()).await {
        Ok(Some(Row::Check(check))) => Some(check),
        _ => None,
    };
    let mut watch = Watch::resume(settings, stored.as_deref());
    loop {
        let result = probe::http_check(&watch.settings().url, PROBE_LIMIT).await;
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

/// Drops old history.
pub(super) async fn retain(shared: Arc<Shared>) {
    loop {
        let retention = shared.settings.retention;
        let now = (shared.clock)();
        shared.note(shared.store.retain(retention.deliveries_ms, retention.checks_ms, now).await.err());
        tokio::time::sleep(RETAIN_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comparer_sleeps_until_something_is_due_and_never_spins() {
        let now = Time::from_secs(1_000);
        assert_eq!(until(None, now), LOOK_AGAIN);
        assert_eq!(until(Some(now.plus_ms(5_000)), now), Duration::from_millis(5_020));
        assert_eq!(until(Some(now.plus_ms(3_600_000)), now), LOOK_AGAIN);
        assert_eq!(until(Some(now.plus_ms(-1)), now), RETRY);
    }
}
