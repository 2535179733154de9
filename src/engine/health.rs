//! How one source stands, from what its collections brought.
//!
//! What must stay true: only a source that answers *now* can be believed; a single hiccup does not turn a screen
//! grey, a second one does, and so does a provider that sends us away for longer than a minute; nothing but a finished full collection lets absence be concluded.

use std::collections::{HashMap, VecDeque};

use crate::domain::{Batch, Kind, SourceHealth, SourceState, System, Text, Time};
use crate::sources::{Capabilities, Cause, SourceError};

/// Failures in a row after which a source counts as down. The first may be a hiccup; rows must not flap.
const FAILURES_TO_BE_DOWN: u32 = 2;
/// Refused for its rate this often in a row, a source's evidence is too old to be believed.
const THROTTLES_TO_BE_DOWN: u32 = 6;
/// First wait after a failure, in milliseconds; doubles up to [`LONGEST_WAIT_MS`].
const FIRST_WAIT_MS: i64 = 1_000;
/// Longest wait between tries of a source that does not answer, in milliseconds.
const LONGEST_WAIT_MS: i64 = 60_000;
/// Samples of observed lag that are kept.
const LAG_SAMPLES: usize = 500;
/// A change older than this when it is first seen says nothing about lag.
const LAG_WINDOW_MS: i64 = 3_600_000;

/// The health of one source while its collector runs.
#[derive(Debug)]
pub struct Health {
    now: SourceHealth,
    kinds: &'static [Kind],
    rate_left: Option<i64>,
    failures: u32,
    throttles: u32,
    lags: VecDeque<i64>,
    /// Since when rounds have been finished without a failure between them.
    watching_since: Option<Time>,
    /// Changes of the last hour that have been seen.
    seen: HashMap<(Kind, Text), Time>,
}

impl Health {
    /// Takes up what the store remembers of this source.
    pub fn resume(system: System, capabilities: Capabilities, stored: Option<&SourceHealth>) -> Self {
        Self {
            now: stored.cloned().unwrap_or_else(|| SourceHealth::new(system)),
            kinds: capabilities.kinds,
            rate_left: None,
            failures: 0,
            throttles: 0,
            lags: VecDeque::new(),
            watching_since: None,
            seen: HashMap::new(),
        }
    }

    /// What comparison needs to know.
    pub fn current(&self) -> &SourceHealth {
        &self.now
    }

    /// Requests left, as last told.
    pub fn rate_left(&self) -> Option<i64> {
        self.rate_left
    }

    /// Takes in a step that went well.
    pub fn succeeded(&mut self, batch: &Batch, now: Time) {
        self.failures = 0;
        self.throttles = 0;
        self.rate_left = batch.rate_left.or(self.rate_left);
        for (kind, _) in &batch.finished {
            if !self.now.complete.contains(kind) {
                self.now.complete.push(*kind);
            }
        }
        self.now.complete.retain(|kind| !batch.lost.contains(kind));
        self.observe_lag(batch, now);
        while self.lags.len() > LAG_SAMPLES {
            self.lags.pop_front();
        }
        self.now.lag_ms = percentile(&self.lags, 99).or(self.now.lag_ms);
        let skew = batch.clock_skew_ms.filter(|ms| ms.abs() > 60_000);
        // Halfway through a round nothing is said yet of the part that could not be read in the last one.
        let still = batch.more && batch.partial.is_none() && self.now.state == SourceState::Partial;
        self.now.state = match (&batch.partial, self.whole()) {
            (Some(_), _) => SourceState::Partial,
            (None, _) if still => SourceState::Partial,
            (None, true) => SourceState::Ok,
            (None, false) => SourceState::Collecting,
        };
        self.now.problem = match (&batch.partial, skew) {
            (Some(problem), _) => Some(problem.line()),
            (None, Some(ms)) => Some(Text::new(format!("its clock is {} s away from this machine's", ms / 1000))),
            (None, None) if still => self.now.problem.take(),
            (None, None) => None,
        };
        self.now.retry_at = None;
        self.now.failing_since = match self.now.state {
            SourceState::Partial => self.now.failing_since.or(Some(now)),
            _ => None,
        };
        if !batch.more {
            self.now.complete_at = Some(now);
            self.watching_since.get_or_insert(now);
            self.seen.retain(|_, changed| now.since(*changed) < LAG_WINDOW_MS);
        }
    }

    /// Measures how long changes took to arrive: those made since we watch without a gap, when first seen. Sources
    /// give the same again in every round (their windows overlap); that says nothing.
    fn observe_lag(&mut self, batch: &Batch, now: Time) {
        let Some(since) = self.watching_since else { return };
        for record in &batch.records {
            let Some(changed) = record.changed_at().filter(|at| *at > since) else { continue };
            let lag = now.since(changed);
            if !(0..LAG_WINDOW_MS).contains(&lag) {
                continue;
            }
            let before = self.seen.insert((record.kind, record.id.clone()), changed);
            if before.is_none_or(|before| before < changed) {
                self.lags.push_back(lag);
            }
        }
    }

    /// Takes in a failure and says how long to wait before the next try, in milliseconds.
    pub fn failed(&mut self, error: &SourceError, now: Time) -> i64 {
        let wait = self.fell(error);
        self.now.failing_since.get_or_insert(now);
        self.now.retry_at = Some(now.plus_ms(wait));
        // What the provider last said of its quota is not true for long.
        self.rate_left = (error.cause == Cause::RateLimited).then_some(0);
        wait
    }

    fn fell(&mut self, error: &SourceError) -> i64 {
        let known = self.now.complete_at.is_some();
        // What changes during an absence arrives late because of it, not because of the way it travels.
        self.watching_since = None;
        self.now.problem = Some(error.problem.line());
        match error.cause {
            Cause::Refused | Cause::Settings => {
                self.failures += 1;
                self.now.state = SourceState::Failed;
            }
            Cause::RateLimited => {
                self.throttles += 1;
                let long = error.retry_after_ms.is_some_and(|ms| ms > LONGEST_WAIT_MS);
                if !known || long || self.throttles >= THROTTLES_TO_BE_DOWN {
                    self.now.state = SourceState::Down;
                }
            }
            Cause::Unavailable | Cause::Garbage => {
                self.failures += 1;
                if !known || self.failures >= FAILURES_TO_BE_DOWN {
                    self.now.state =
                        if error.cause == Cause::Garbage { SourceState::Failed } else { SourceState::Down };
                }
            }
            Cause::Expired => return 0,
        }
        let step = self.failures.max(self.throttles).saturating_sub(1).min(10);
        let wait = (FIRST_WAIT_MS << step).min(LONGEST_WAIT_MS);
        wait.max(error.retry_after_ms.unwrap_or(0))
    }

    /// It is not asked again for now: what it last said stays, but is not believed any longer.
    pub fn given_up(&mut self, now: Time) {
        self.now.retry_at = None;
        self.now.failing_since.get_or_insert(now);
        if self.now.answers() || self.now.state == SourceState::Waiting {
            self.now.state = SourceState::Down;
        }
    }

    /// Whether every kind that the source can bring has been collected in full.
    fn whole(&self) -> bool {
        self.kinds.iter().all(|kind| self.now.complete.contains(kind))
    }
}

/// Whether the change from one health to another can change a verdict.
pub fn matters(before: Option<&SourceHealth>, after: &SourceHealth) -> bool {
    let able = |health: &SourceHealth| (health.answers(), health.complete_at.is_some());
    before.is_none_or(|before| able(before) != able(after) || before.complete != after.complete)
}

fn percentile(samples: &VecDeque<i64>, percent: usize) -> Option<i64> {
    let mut sorted: Vec<i64> = samples.iter().copied().collect();
    sorted.sort_unstable();
    let at = (sorted.len() * percent).div_ceil(100).checked_sub(1)?;
    sorted.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Problem, Record};

    fn later() -> Time {
        Time::from_ms(11)
    }

    fn health() -> Health {
        let capabilities = Capabilities {
            kinds: &[Kind::Person],
            incremental: true,
            deliveries: false,
            attempts: false,
            deliveries_unknown: None,
        };
        Health::resume(System::Hubspot, capabilities, None)
    }

    fn error(cause: Cause) -> SourceError {
        SourceError { cause, problem: Problem::evidence("503"), retry_after_ms: None }
    }

    #[test]
    fn one_hiccup_is_not_down_but_two_are() {
        let mut health = health();
        health.succeeded(
            &Batch { finished: vec![(Kind::Person, Time::from_ms(0))], ..Batch::default() },
            Time::from_ms(10),
        );
        assert_eq!(health.current().state, SourceState::Ok);
        health.failed(&error(Cause::Unavailable), later());
        assert!(health.current().answers());
        health.failed(&error(Cause::Unavailable), later());
        assert_eq!(health.current().state, SourceState::Down);
        health.succeeded(&Batch::default(), Time::from_ms(20));
        assert_eq!(health.current().state, SourceState::Ok);
    }

    #[test]
    fn a_source_that_never_answered_is_down_at_once_and_knows_nothing() {
        let mut health = health();
        health.failed(&error(Cause::Unavailable), later());
        assert_eq!(health.current().state, SourceState::Down);
        assert!(!health.current().knows(Kind::Person));
    }

    #[test]
    fn it_fails_since_the_first_failure_and_not_since_the_last() {
        let mut health = health();
        let at = Time::from_secs;
        let read = Batch { finished: vec![(Kind::Person, at(0))], rate_left: Some(70), ..Batch::default() };
        health.succeeded(&read, at(10));
        assert_eq!((health.current().failing_since, health.current().retry_at), (None, None));
        for secs in [20, 30, 90] {
            let wait = health.failed(&error(Cause::Unavailable), at(secs));
            assert_eq!(health.current().failing_since, Some(at(20)));
            assert_eq!(health.current().retry_at, Some(at(secs).plus_ms(wait)));
            assert_eq!(health.rate_left(), None, "nobody tells any more");
        }
        let stored = health.current().clone();
        let mut health = Health { now: stored, ..self::health() };
        health.failed(&error(Cause::RateLimited), at(100));
        assert_eq!((health.current().failing_since, health.rate_left()), (Some(at(20)), Some(0)));
        health.succeeded(&read, at(120));
        assert_eq!((health.current().failing_since, health.rate_left()), (None, Some(70)));
        let half = Batch { partial: Some(Problem::usage("a table is gone")), ..Batch::default() };
        health.succeeded(&half, at(130));
        health.succeeded(&half, at(140));
        assert_eq!(health.current().failing_since, Some(at(130)), "a part of it cannot be read since then");
    }

    #[test]
    fn waits_grow_and_retry_after_wins() {
        let mut health = health();
        let waits: Vec<i64> = (0..9).map(|_| health.failed(&error(Cause::Unavailable), later())).collect();
        assert!(waits.windows(2).all(|w| w[0] <= w[1]));
        assert_eq!(waits.last(), Some(&LONGEST_WAIT_MS));
        let told = SourceError { retry_after_ms: Some(90_000), ..error(Cause::RateLimited) };
        assert_eq!(health.failed(&told, later()), 90_000);
    }

    #[test]
    fn who_is_sent_away_for_long_is_down_at_once_and_for_a_moment_is_not() {
        let mut health = health();
        let read = Batch { finished: vec![(Kind::Person, Time::from_ms(0))], ..Batch::default() };
        health.succeeded(&read, Time::from_ms(10));
        health.failed(&SourceError { retry_after_ms: Some(2_000), ..error(Cause::RateLimited) }, later());
        assert_eq!(health.current().state, SourceState::Ok);
        health.failed(&SourceError { retry_after_ms: Some(3_600_000), ..error(Cause::RateLimited) }, later());
        assert_eq!(health.current().state, SourceState::Down);
    }

    #[test]
    fn lag_is_what_a_new_change_took_and_seeing_it_again_adds_nothing() {
        let mut health = health();
        let person = |changed: i64| {
            let mut record = Record::new(System::Hubspot, Kind::Person, "1", Time::from_secs(0));
            record.updated_at = Some(Time::from_secs(changed));
            Batch { records: vec![record], ..Batch::default() }
        };
        health.succeeded(&person(90), Time::from_secs(100));
        assert_eq!(health.current().lag_ms, None, "it was there before we looked");
        for now in [103, 200, 900] {
            health.succeeded(&person(101), Time::from_secs(now));
            assert_eq!(health.current().lag_ms, Some(2_000));
        }
        health.failed(&error(Cause::Unavailable), later());
        health.succeeded(&person(950), Time::from_secs(1_500));
        assert_eq!(health.current().lag_ms, Some(2_000), "nobody looked meanwhile");
    }

    #[test]
    fn a_kind_that_can_no_longer_be_read_is_no_longer_known() {
        let mut health = health();
        let read = Batch { finished: vec![(Kind::Person, Time::from_ms(0))], ..Batch::default() };
        health.succeeded(&read, Time::from_ms(10));
        let problem = Some(Problem::usage("the table is gone"));
        let lost = Batch { lost: vec![Kind::Person], partial: problem, ..Batch::default() };
        health.succeeded(&lost, Time::from_ms(20));
        assert_eq!(health.current().state, SourceState::Partial);
        assert!(!health.current().knows(Kind::Person));
        health.succeeded(&read, Time::from_ms(30));
        assert!(health.current().knows(Kind::Person));
    }

    #[test]
    fn a_partial_collection_does_not_claim_to_be_whole() {
        let mut health = health();
        health.succeeded(&Batch { more: true, ..Batch::default() }, Time::from_ms(10));
        assert_eq!(health.current().state, SourceState::Collecting);
        assert_eq!(health.current().complete_at, None);
    }
}
