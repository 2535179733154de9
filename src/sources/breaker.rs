//! One breaker per source: a provider that keeps failing is left alone, but for a probe now and then.
//!
//! What must stay true: [`FAILURES`] calls in a row that fail open it; while it is open no call leaves; when its time is
//! over exactly one call may go, and what that comes to decides. A call that is given up without an outcome decides
//! nothing. It refuses to judge what a failure is: whoever makes the calls knows.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open it.
pub const FAILURES: u32 = 5;
/// How long it stays open at first; doubles with every probe that fails.
const FIRST: Duration = Duration::from_secs(15);
/// Longest time between two probes.
const LONGEST: Duration = Duration::from_secs(60);
/// When to come back while a probe is on its way.
const PROBING: Duration = Duration::from_secs(1);

/// The breaker of one source. Shared by everything that calls it.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Times that it opened without closing in between.
    opened: u32,
    until: Option<Instant>,
    probing: bool,
}

/// How a call came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider is there and talks to us, even if it said no.
    Answered,
    /// It is not there, talks nonsense, or does not know our key.
    Failed,
}

impl Breaker {
    /// Whether a call would be let through now.
    ///
    /// # Errors
    /// While open: how long until the next probe may go.
    pub fn check(&self, now: Instant) -> Result<(), Duration> {
        self.state().admits(now)
    }

    /// Lets a call through. While half open only the first caller passes: its call is the probe.
    ///
    /// # Errors
    /// While open: how long until the next probe may go. No call may be made.
    pub fn enter(&self, now: Instant) -> Result<Pass<'_>, Duration> {
        let mut state = self.state();
        state.admits(now)?;
        let probe = state.until.is_some();
        state.probing |= probe;
        Ok(Pass { breaker: self, probe })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admits(&self, now: Instant) -> Result<(), Duration> {
        match self.until {
            Some(until) if now < until => Err(until - now),
            Some(_) if self.probing => Err(PROBING),
            _ => Ok(()),
        }
    }
}

/// A call that was let through. Dropped without an outcome (given up, say), it leaves things as they were.
#[derive(Debug)]
pub struct Pass<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Pass<'_> {
    /// Tells how the call came out; returns for how long the breaker is open now, if it is.
    pub fn settle(self, outcome: Outcome, now: Instant) -> Option<Duration> {
        let mut state = self.breaker.state();
        match outcome {
            Outcome::Answered => *state = State::default(),
            // A call from before it opened says nothing new.
            Outcome::Failed if state.until.is_some() && !self.probe => {}
            Outcome::Failed => {
                state.failures = state.failures.saturating_add(1);
                if self.probe || state.failures >= FAILURES {
                    let open = (FIRST * (1 << state.opened.min(8))).min(LONGEST);
                    state.opened += 1;
                    state.until = Some(now + open);
                }
            }
        }
        state.until.map(|until| until.saturating_duration_since(now))
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.state().probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails until it opens; returns when.
    fn opened(breaker: &Breaker, now: Instant) -> Instant {
        for nth in 1..=FAILURES {
            let open = breaker.enter(now).unwrap().settle(Outcome::Failed, now);
            assert_eq!(open, (nth == FAILURES).then_some(FIRST));
        }
        now
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_an_answer_between_them_starts_the_count_anew() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..3 * FAILURES {
            for _ in 1..FAILURES {
                assert_eq!(breaker.enter(now).unwrap().settle(Outcome::Failed, now), None);
            }
            assert_eq!(breaker.enter(now).unwrap().settle(Outcome::Answered, now), None);
        }
        opened(&breaker, now);
        assert_eq!(breaker.enter(now + Duration::from_secs(5)).unwrap_err(), Duration::from_secs(10));
    }

    #[test]
    fn while_it_is_open_nothing_leaves_but_one_probe_and_that_one_decides() {
        let breaker = Breaker::default();
        let mut now = opened(&breaker, Instant::now());
        for secs in [15, 30, 60, 60, 60] {
            let due = now + Duration::from_secs(secs);
            assert!(breaker.enter(due - Duration::from_millis(1)).is_err());
            let probe = breaker.enter(due).unwrap();
            assert_eq!(breaker.enter(due).unwrap_err(), PROBING, "one probe at a time");
            assert_eq!(breaker.check(due).unwrap_err(), PROBING);
            assert!(probe.settle(Outcome::Failed, due).is_some());
            now = due;
        }
        let due = now + LONGEST;
        assert_eq!(breaker.enter(due).unwrap().settle(Outcome::Answered, due), None);
        let calls: Vec<Pass<'_>> = (0..20).map(|_| breaker.enter(due).unwrap()).collect();
        assert_eq!(calls.len(), 20, "closed again");
    }

    #[test]
    fn a_probe_that_is_given_up_makes_room_for_another() {
        let breaker = Breaker::default();
        let due = opened(&breaker, Instant::now()) + FIRST;
        drop(breaker.enter(due).unwrap());
        assert!(breaker.enter(due).is_ok());
    }

    #[test]
    fn calls_from_before_it_opened_do_not_keep_it_open_for_longer() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        let early: Vec<Pass<'_>> = (0..3).map(|_| breaker.enter(now).unwrap()).collect();
        opened(&breaker, now);
        for pass in early {
            pass.settle(Outcome::Failed, now + Duration::from_secs(14));
        }
        assert!(breaker.enter(now + FIRST).is_ok());
    }
}
