//! Data on its way: the five states of a pane, and a feed that keeps one load in flight and asks again in time.
//!
//! What must stay true: a feed has at most one load in flight; however often it is touched, it asks no more often than
//! once in [`GAP_MS`]; what was once shown stays until something newer replaces it.

use crate::domain::{Problem, Time};

/// Least time between two loads of the same thing: about five a second however many events arrive.
pub const GAP_MS: i64 = 200;
/// Below this a load is not worth a word.
pub const PATIENCE_MS: i64 = 150;
/// After this a load that has not come back makes what is shown stale.
const OVERDUE_MS: i64 = 10_000;
/// What is shown is asked for again after this even if nothing seems to have changed.
const POLL_MS: i64 = 60_000;

/// The next full minute of the clock: what is not urgent happens then, all of it in one wake-up.
pub fn whole_minute(at: Time) -> Time {
    Time::from_ms(at.ms().saturating_add(59_999).div_euclid(60_000).saturating_mul(60_000))
}

/// How a piece of data stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loadable<T> {
    /// Nobody asked for it yet.
    Idle,
    /// Asked for the first time; says so after [`PATIENCE_MS`].
    Waiting {
        /// Since when.
        since: Time,
    },
    /// Here. An empty list is here, too: the pane says why it is empty.
    Ready {
        /// The data.
        data: T,
        /// When it came.
        at: Time,
    },
    /// An earlier answer, kept while newer ones fail.
    Stale {
        /// The data.
        data: T,
        /// When it came.
        at: Time,
        /// Why there is none newer.
        why: Problem,
        /// When it is tried again; `None` while a load hangs.
        next: Option<Time>,
    },
    /// Never came.
    Failed {
        /// Why.
        why: Problem,
        /// When it is tried again.
        next: Time,
    },
}

impl<T> Loadable<T> {
    /// The data, if there is any.
    pub const fn data(&self) -> Option<&T> {
        match self {
            Self::Ready { data, .. } | Self::Stale { data, .. } => Some(data),
            Self::Idle | Self::Waiting { .. } | Self::Failed { .. } => None,
        }
    }

    const fn data_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Ready { data, .. } | Self::Stale { data, .. } => Some(data),
            Self::Idle | Self::Waiting { .. } | Self::Failed { .. } => None,
        }
    }

    fn take(self) -> Option<(T, Time)> {
        match self {
            Self::Ready { data, at } | Self::Stale { data, at, .. } => Some((data, at)),
            Self::Idle | Self::Waiting { .. } | Self::Failed { .. } => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flight {
    request: u64,
    since: Time,
    /// The question has changed since: the answer will be dropped.
    superseded: bool,
}

/// A piece of data with its loading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed<T> {
    /// What there is to show.
    pub shown: Loadable<T>,
    flight: Option<Flight>,
    wanted: bool,
    asked_at: Option<Time>,
    failures: u32,
}

impl<T> Default for Feed<T> {
    fn default() -> Self {
        Self { shown: Loadable::Idle, flight: None, wanted: true, asked_at: None, failures: 0 }
    }
}

impl<T> Feed<T> {
    /// The data, if there is any.
    pub const fn data(&self) -> Option<&T> {
        self.shown.data()
    }

    /// The data, to change it in place.
    pub const fn data_mut(&mut self) -> Option<&mut T> {
        self.shown.data_mut()
    }

    /// Something changed: it should be loaded again.
    pub fn touch(&mut self) {
        self.wanted = true;
    }

    /// The question changed: load as soon as possible, and drop the answer to the old one.
    pub fn ask_anew(&mut self) {
        self.wanted = true;
        self.asked_at = None;
        self.failures = 0;
        if let Some(flight) = &mut self.flight {
            flight.superseded = true;
        }
    }

    /// A person asks for it again: as soon as possible, whatever the wait would be.
    pub fn ask_again(&mut self) {
        self.wanted = true;
        self.asked_at = None;
    }

    /// Forgets everything, as for another customer.
    pub fn forget(&mut self) {
        self.shown = Loadable::Idle;
        self.ask_anew();
    }

    /// Forgets the load in flight, whose answer may no longer be taken, and asks again.
    pub fn lose(&mut self) {
        self.flight = None;
        if matches!(self.shown, Loadable::Waiting { .. }) {
            self.shown = Loadable::Idle;
        }
        self.ask_anew();
    }

    /// When the next load is due; `None` while one is in flight.
    pub fn due(&self) -> Option<Time> {
        if self.flight.is_some() {
            return None;
        }
        let start = Time::from_ms(i64::MIN);
        let retry = match &self.shown {
            Loadable::Failed { next, .. } => Some(*next),
            Loadable::Stale { next, .. } => *next,
            _ => None,
        };
        if let Some(next) = retry.filter(|_| self.asked_at.is_some()) {
            return Some(next);
        }
        Some(match self.asked_at {
            None => start,
            Some(at) if self.wanted => at.plus_ms(GAP_MS),
            Some(at) => whole_minute(at.plus_ms(POLL_MS)),
        })
    }

    /// When the load in flight makes what is shown stale, or the waiting worth a word.
    pub fn speaks_at(&self) -> Option<Time> {
        let flight = self.flight?;
        match &self.shown {
            Loadable::Waiting { since } => Some(since.plus_ms(PATIENCE_MS)),
            Loadable::Ready { .. } => Some(flight.since.plus_ms(OVERDUE_MS)),
            _ => None,
        }
    }

    /// Notes that a load went out.
    pub fn start(&mut self, request: u64, now: Time) {
        self.flight = Some(Flight { request, since: now, superseded: false });
        self.asked_at = Some(now);
        self.wanted = false;
        if matches!(self.shown, Loadable::Idle) {
            self.shown = Loadable::Waiting { since: now };
        }
    }

    /// Takes an answer in. `merge` sees the earlier data, if any, and makes the new. Returns whether it was the answer
    /// that was waited for.
    pub fn land<R>(
        &mut self,
        request: u64,
        result: Result<R, Problem>,
        now: Time,
        merge: impl FnOnce(Option<T>, R) -> T,
    ) -> bool {
        let Some(flight) = self.flight.filter(|f| f.request == request) else { return false };
        self.flight = None;
        if flight.superseded {
            return false;
        }
        let before = std::mem::replace(&mut self.shown, Loadable::Idle).take();
        match result {
            Ok(answer) => {
                self.failures = 0;
                self.shown = Loadable::Ready { data: merge(before.map(|(data, _)| data), answer), at: now };
            }
            Err(why) => {
                self.failures = (self.failures + 1).min(6);
                let next = now.plus_ms((1000 << self.failures).min(30_000));
                self.shown = match before {
                    Some((data, at)) => Loadable::Stale { data, at, why, next: Some(next) },
                    None => Loadable::Failed { why, next },
                };
            }
        }
        true
    }

    /// Marks data as stale whose load does not come back.
    pub fn overdue(&mut self, now: Time) {
        let Some(flight) = self.flight.filter(|f| now.since(f.since) >= OVERDUE_MS) else { return };
        if matches!(self.shown, Loadable::Ready { .. })
            && let Some((data, at)) = std::mem::replace(&mut self.shown, Loadable::Idle).take()
        {
            let waited = crate::present::format::span(now.since(flight.since));
            let why = Problem::evidence(format!("the store has not answered for {waited}"));
            self.shown = Loadable::Stale { data, at, why, next: None };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn at(ms: i64) -> Time {
        Time::from_ms(NOW + ms)
    }

    #[test]
    fn five_hundred_touches_a_second_make_five_loads() {
        let mut feed: Feed<u8> = Feed::default();
        let mut loads = 0;
        for ms in 0..1000 {
            feed.touch();
            if feed.due().is_some_and(|due| due <= at(ms)) {
                loads += 1;
                feed.start(loads, at(ms));
                assert!(feed.land(loads, Ok(1), at(ms), |_, new| new));
            }
        }
        assert_eq!(loads, 5);
    }

    #[test]
    fn an_answer_to_an_old_question_is_dropped() {
        let mut feed: Feed<u8> = Feed::default();
        feed.start(1, at(0));
        feed.ask_anew();
        assert_eq!(feed.due(), None, "one load in flight, never two");
        assert!(!feed.land(1, Ok(7), at(5), |_, new| new));
        assert!(feed.data().is_none() && feed.due().is_some_and(|due| due <= at(5)));
    }

    #[test]
    fn failing_keeps_what_was_shown_and_waits_longer_each_time() {
        let mut feed: Feed<u8> = Feed::default();
        feed.start(1, at(0));
        feed.land(1, Ok(7), at(1), |_, new| new);
        let mut last = 0;
        for n in 2..6 {
            feed.start(n, at(0));
            feed.land(n, Err::<u8, _>(Problem::evidence("gone")), at(0), |_, new| new);
            assert_eq!(feed.data(), Some(&7));
            let due = feed.due().unwrap().since(at(0));
            assert!(due > last && due <= 30_000);
            last = due;
        }
    }

    #[test]
    fn a_load_that_hangs_makes_the_data_stale_and_one_more_answer_heals_it() {
        let mut feed: Feed<u8> = Feed::default();
        feed.start(1, at(0));
        feed.land(1, Ok(7), at(1), |_, new| new);
        feed.start(2, at(300));
        feed.overdue(at(5_000));
        assert!(matches!(feed.shown, Loadable::Ready { .. }));
        feed.overdue(at(10_300));
        assert!(matches!(feed.shown, Loadable::Stale { data: 7, .. }));
        feed.land(2, Ok(8), at(11_000), |_, new| new);
        assert!(matches!(feed.shown, Loadable::Ready { data: 8, .. }));
    }
}
