//! How often a provider account is asked: the published limit with headroom, shared fairly.
//!
//! What must stay true: the published limit is never reached by trueup alone; whoever came first of one priority goes
//! first; a person's question passes a background collection; while a provider has told us to wait, nobody calls; when
//! others use up the same quota, collections slow down first, and the last calls of it are a person's.
//! It refuses to guess limits: each provider's figures stand in `registry.rs` with where they come from.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::http::headers::Quota;

/// The longest that a collection waits in line for a quota to fill up again; after that it is told when to come back.
const LONGEST_IN_LINE: Duration = Duration::from_secs(20);
/// The same for a person.
const LONGEST_FOR_A_PERSON: Duration = Duration::from_secs(5);
/// Two ends of a window that are closer than this are the same one: providers tell whole seconds.
const SAME_WINDOW: Duration = Duration::from_millis(1500);

/// A steady rate with a small burst. Any window of length `per` sees at most `count + burst` calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Calls allowed in each `per`.
    pub count: u32,
    /// Length of the window.
    pub per: Duration,
    /// Calls that may go at once after a pause.
    pub burst: u32,
}

impl Rate {
    /// `count` calls in each `per`, `burst` of them at once.
    pub const fn new(count: u32, per: Duration, burst: u32) -> Self {
        Self { count, per, burst }
    }

    /// Calls a second.
    fn per_second(&self) -> f64 {
        (f64::from(self.count) / self.per.as_secs_f64()).max(1e-6)
    }
}

/// How a source behaves towards one provider account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All calls.
    pub general: Rate,
    /// The calls that the provider counts more strictly (searches, exports); they count for `general` too.
    pub narrow: Rate,
    /// Most time for one whole call, connect to last byte.
    pub timeout: Duration,
}

impl Limits {
    /// For a fake on this machine: as good as unlimited.
    pub const LOOPBACK: Self = Self {
        general: Rate::new(2000, Duration::from_secs(1), 2000),
        narrow: Rate::new(2000, Duration::from_secs(1), 2000),
        timeout: Duration::from_secs(15),
    };
}

/// Which limit a call counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The general limit only.
    General,
    /// The narrow limit as well.
    Narrow,
}

/// Who is waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A person.
    Operator,
    /// A collection.
    Background,
}

/// The budget of one provider account. Shared by everything that calls it.
#[derive(Debug)]
pub struct Budget {
    general: Bucket,
    narrow: Bucket,
    closed_until: Mutex<Option<Instant>>,
}

impl Budget {
    /// A full budget.
    pub fn new(limits: &Limits) -> Self {
        Self {
            general: Bucket::new(limits.general),
            narrow: Bucket::new(limits.narrow),
            closed_until: Mutex::new(None),
        }
    }

    /// Waits for its turn and takes one call.
    ///
    /// # Errors
    /// While the provider has told us to wait, or has hardly any calls left for long: how many milliseconds are left.
    /// No call may be made then.
    pub async fn take(&self, lane: Lane, priority: Priority) -> Result<(), i64> {
        self.open()?;
        if lane == Lane::Narrow {
            self.narrow.take(priority).await.map_err(whole_ms)?;
        }
        self.general.take(priority).await.map_err(whole_ms)?;
        self.open()
    }

    /// The provider said what is left of its tightest window.
    pub fn told(&self, quota: &Quota) {
        self.general.told(quota, Instant::now());
    }

    /// The provider said: not before so many milliseconds.
    pub fn pause(&self, ms: i64) {
        let until = Instant::now() + Duration::from_millis(ms.max(0).unsigned_abs());
        let mut closed = lock(&self.closed_until);
        *closed = (*closed).max(Some(until));
    }

    /// Calls left in the current window of the general limit, by our own count.
    pub fn left(&self) -> i64 {
        self.general.left()
    }

    fn open(&self) -> Result<(), i64> {
        let mut closed = lock(&self.closed_until);
        let left = closed.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            *closed = None;
            return Ok(());
        }
        Err(whole_ms(left))
    }
}

fn whole_ms(wait: Duration) -> i64 {
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX).max(1)
}

/// A token bucket with two waiting lines.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    level: Mutex<Level>,
    operators: AtomicUsize,
    front: tokio::sync::Mutex<()>,
    back: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Level {
    tokens: f64,
    at: Instant,
    sent: VecDeque<Instant>,
    told: Option<Told>,
}

/// What the provider last said of its own window, less what was sent since.
#[derive(Clone, Copy, Debug)]
struct Told {
    left: i64,
    most: i64,
    until: Instant,
}

impl Told {
    /// How long a call has to wait for the sake of the provider's own count. From a quarter of the window on a collection
    /// spreads what is left over the time that is left; the last tenth is kept for a person.
    fn wait(&self, priority: Priority, last: Option<Instant>, now: Instant) -> Option<Duration> {
        let time = self.until.saturating_duration_since(now);
        if time.is_zero() {
            return None;
        }
        let reserve = (self.most / 10).max(1);
        match priority {
            _ if self.left <= 0 => Some(time),
            Priority::Background if self.left <= reserve => Some(time),
            Priority::Background if self.left <= self.most / 4 => {
                let gap = time / u32::try_from(self.left - reserve + 1).unwrap_or(u32::MAX);
                let next = last? + gap;
                (next > now).then(|| next - now)
            }
            _ => None,
        }
    }
}

/// What a caller gets when it asks for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Go.
    Now,
    /// Ask again after this long: our own rate.
    Later(Duration),
    /// Ask again after this long: the provider's own count.
    Quota(Duration),
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        let level =
            Level { tokens: f64::from(rate.burst.max(1)), at: Instant::now(), sent: VecDeque::new(), told: None };
        Self {
            rate,
            level: Mutex::new(level),
            operators: AtomicUsize::new(0),
            front: tokio::sync::Mutex::new(()),
            back: tokio::sync::Mutex::new(()),
        }
    }

    async fn take(&self, priority: Priority) -> Result<(), Duration> {
        // The gates are fair (first come, first served); dropping the future gives the place back.
        let _place = (priority == Priority::Operator).then(|| Place::new(&self.operators));
        let _turn = match priority {
            Priority::Operator => self.front.lock().await,
            Priority::Background => self.back.lock().await,
        };
        let patience = match priority {
            Priority::Operator => LONGEST_FOR_A_PERSON,
            Priority::Background => LONGEST_IN_LINE,
        };
        loop {
            let wait = match self.turn(priority, Instant::now()) {
                Turn::Now => return Ok(()),
                Turn::Quota(wait) if wait > patience => return Err(wait),
                Turn::Quota(wait) | Turn::Later(wait) => wait,
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes a token, or says how long to wait for one.
    fn turn(&self, priority: Priority, now: Instant) -> Turn {
        let speed = self.rate.per_second();
        let mut level = lock(&self.level);
        let gained = now.saturating_duration_since(level.at).as_secs_f64() * speed;
        level.tokens = (level.tokens + gained).min(f64::from(self.rate.burst.max(1)));
        level.at = now;
        if priority == Priority::Background && self.operators.load(Ordering::Acquire) > 0 {
            return Turn::Later(Duration::from_secs_f64(1.0 / speed).max(Duration::from_millis(1)));
        }
        if let Some(told) = level.told
            && let Some(wait) = told.wait(priority, level.sent.back().copied(), now)
        {
            return Turn::Quota(wait.max(Duration::from_millis(1)));
        }
        if level.tokens >= 1.0 {
            level.tokens -= 1.0;
            if let Some(told) = &mut level.told {
                told.left -= 1;
            }
            forget(&mut level.sent, now, self.rate.per);
            level.sent.push_back(now);
            return Turn::Now;
        }
        Turn::Later(Duration::from_secs_f64((1.0 - level.tokens) / speed).max(Duration::from_millis(1)))
    }

    /// Takes in the provider's own count. Answers overtake each other: within one window the smaller number is true.
    fn told(&self, quota: &Quota, now: Instant) {
        let ends = quota.ends_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        let until = now + ends.unwrap_or(self.rate.per);
        // A provider that does not say of how many: as many as we allow ourselves, within reason.
        let most = quota.most.unwrap_or_else(|| i64::from(self.rate.count).min(100));
        let mut level = lock(&self.level);
        let before = level.told.filter(|before| {
            let apart = until.max(before.until) - until.min(before.until);
            quota.fixed && before.until > now && apart < SAME_WINDOW
        });
        let left = before.map_or(quota.left, |before| before.left.min(quota.left));
        level.told = Some(Told { left, most, until });
    }

    fn left(&self) -> i64 {
        let mut level = lock(&self.level);
        forget(&mut level.sent, Instant::now(), self.rate.per);
        (i64::from(self.rate.count) - i64::try_from(level.sent.len()).unwrap_or(i64::MAX)).max(0)
    }
}

/// Drops what lies before the window.
fn forget(sent: &mut VecDeque<Instant>, now: Instant, per: Duration) {
    while sent.front().is_some_and(|at| now.saturating_duration_since(*at) >= per) {
        sent.pop_front();
    }
}

/// Counts a waiting person for as long as it lives.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::System;
    use crate::sources::registry::PROVIDERS;

    fn limits(count: u32, burst: u32) -> Limits {
        let rate = Rate::new(count, Duration::from_secs(1), burst);
        Limits { general: rate, narrow: rate, timeout: Duration::from_secs(1) }
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// What each provider allows: calls, in how many seconds. Of two figures the smaller (a sandbox, the smallest plan).
    /// Unpublished ones (Paddle, Vercel, Pipedrive's burst, Netlify) are what their clients and users report.
    const PUBLISHED: &[(System, u32, u64)] = &[
        (System::Stripe, 25, 1),
        (System::Paddle, 240, 60),
        (System::Hubspot, 100, 10),
        (System::Pipedrive, 20, 2),
        (System::Gohighlevel, 100, 10),
        (System::Intercom, 167, 10),
        (System::Zendesk, 100, 60),
        (System::Vercel, 500, 60),
        (System::Netlify, 500, 60),
        (System::Cloudflare, 1200, 300),
    ];

    /// Most calls that any window of this length sees.
    fn most_in(sent: &[Instant], window: Duration) -> usize {
        let within = |(i, at): (usize, &Instant)| sent[i..].iter().take_while(|other| **other < *at + window).count();
        sent.iter().enumerate().map(within).max().unwrap_or(0)
    }

    /// The bucket that keeps a provider's short window: where the general one counts a day, every call passes the narrow
    /// one too.
    fn short(limits: &Limits) -> Rate {
        if limits.general.per > Duration::from_secs(3_600) { limits.narrow } else { limits.general }
    }

    /// Lets callers arrive after these waits, so many at a time, on a clock of its own; returns when each call went.
    fn simulate(rate: Rate, arrivals: &[(u64, usize, bool)], begin: Instant) -> Vec<Instant> {
        let bucket = Bucket::new(rate);
        let (mut now, mut sent) = (begin + ms(1), Vec::new());
        for (wait, callers, person) in arrivals {
            now += ms(*wait);
            let priority = if *person { Priority::Operator } else { Priority::Background };
            for _ in 0..*callers {
                loop {
                    match bucket.turn(priority, now) {
                        Turn::Now => break sent.push(now),
                        Turn::Later(wait) | Turn::Quota(wait) => now += wait,
                    }
                }
            }
        }
        sent
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_the_arrivals_no_window_of_any_provider_sees_the_published_number(
            arrivals in prop::collection::vec(
                (prop_oneof![Just(0_u64), 0..50_u64, 0..5_000_u64, 0..400_000_u64], 1..400_usize, any::<bool>()), 1..12)
        ) {
            for provider in PROVIDERS {
                let published = PUBLISHED.iter().find(|(system, ..)| *system == provider.system);
                let (system, count, secs) = *published.expect("every provider has its published limit in the table");
                let sent = simulate(short(&provider.limits), &arrivals, Instant::now());
                let seen = most_in(&sent, Duration::from_secs(secs));
                prop_assert!(seen <= count as usize, "{system}: {seen} calls in {secs} s, {count} are allowed");
            }
        }
    }

    #[test]
    fn a_collection_that_never_rests_stays_below_each_published_limit_and_uses_half_of_it() {
        for provider in PROVIDERS {
            let (system, count, secs) = *PUBLISHED.iter().find(|(system, ..)| *system == provider.system).unwrap();
            let sent = simulate(short(&provider.limits), &[(0, 4 * count as usize, false)], Instant::now());
            let seen = most_in(&sent, Duration::from_secs(secs));
            assert!(seen <= count as usize, "{system}: {seen} in {secs} s");
            // Where nothing is published, or the limit is shared with people (Cloudflare's dashboard), caution is right.
            let careful = [System::Paddle, System::Vercel, System::Netlify, System::Cloudflare];
            let told = !careful.contains(&system);
            assert!(!told || 2 * seen >= count as usize, "{system}: only {seen} of {count} in {secs} s");
        }
    }

    #[test]
    fn a_burst_passes_and_then_the_steady_rate_holds() {
        let begin = Instant::now();
        let sent = simulate(limits(50, 5).general, &[(0, 15, false)], begin);
        // 5 at once, then 10 at 50 a second.
        assert_eq!(sent[4] - begin, ms(1));
        let all = *sent.last().unwrap() - begin;
        assert!((ms(195)..ms(215)).contains(&all), "{all:?}");
    }

    #[tokio::test]
    async fn a_person_passes_the_collections_that_wait() {
        let budget = Arc::new(Budget::new(&limits(20, 1)));
        budget.take(Lane::General, Priority::Background).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        let waiting = [(Priority::Background, "collection"), (Priority::Background, "another")];
        for (priority, name) in waiting.into_iter().chain([(Priority::Operator, "person")]) {
            let (budget, order) = (budget.clone(), order.clone());
            tasks.push(tokio::spawn(async move {
                budget.take(Lane::Narrow, priority).await.unwrap();
                lock(&order).push(name);
            }));
            tokio::time::sleep(ms(5)).await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        let order = lock(&order);
        // The first of the collections may hold the narrow token already.
        assert!(order.iter().position(|name| *name == "person") < Some(2), "{order:?}");
        assert_eq!(*order.last().unwrap(), "another");
    }

    #[tokio::test]
    async fn while_told_to_wait_nobody_calls() {
        let budget = Budget::new(&limits(100, 100));
        budget.pause(60);
        let left = budget.take(Lane::Narrow, Priority::Operator).await.unwrap_err();
        assert!((1..=60).contains(&left), "{left}");
        tokio::time::sleep(Duration::from_millis(80)).await;
        budget.take(Lane::Narrow, Priority::Operator).await.unwrap();
    }

    fn quota(left: i64, ends_ms: i64) -> Quota {
        Quota { left, most: Some(100), ends_ms: Some(ends_ms), fixed: true }
    }

    /// When the calls of a collection go, in milliseconds, when so much is left of a window of ten seconds.
    fn paced(left: i64, calls: usize) -> Vec<u128> {
        let bucket = Bucket::new(Rate::new(100, Duration::from_secs(1), 100));
        let begin = Instant::now() + ms(1);
        assert_eq!(bucket.turn(Priority::Background, begin), Turn::Now);
        bucket.told(&quota(left, 10_000), begin);
        let (mut now, mut sent) = (begin, Vec::new());
        while sent.len() < calls {
            match bucket.turn(Priority::Background, now) {
                Turn::Now => sent.push((now - begin).as_millis()),
                Turn::Later(wait) | Turn::Quota(wait) => now += wait,
            }
        }
        sent
    }

    #[test]
    fn a_collection_slows_down_before_the_providers_wall_and_leaves_the_last_calls_alone() {
        assert_eq!(paced(80, 20).last(), Some(&0), "there is enough");
        let last = paced(20, 10);
        assert!(last[0] >= 800 && last.windows(2).all(|two| two[1] - two[0] >= 700), "{last:?}");
        assert!(*last.last().unwrap() < 10_000, "{last:?}");
        assert_eq!(paced(10, 3), [10_000, 10_000, 10_000], "the last tenth is a person's");
    }

    #[test]
    fn a_person_uses_what_is_left_and_stops_at_the_wall() {
        let bucket = Bucket::new(Rate::new(100, Duration::from_secs(1), 100));
        let now = Instant::now() + ms(1);
        bucket.told(&quota(3, 10_000), now);
        for _ in 0..3 {
            assert_eq!(bucket.turn(Priority::Operator, now), Turn::Now);
        }
        assert_eq!(bucket.turn(Priority::Operator, now), Turn::Quota(ms(10_000)));
        bucket.told(&quota(2, 9_500), now);
        assert!(matches!(bucket.turn(Priority::Operator, now), Turn::Quota(_)), "an answer that was overtaken");
        bucket.told(&quota(100, 30_000), now);
        assert_eq!(bucket.turn(Priority::Operator, now), Turn::Now, "another window");
    }

    #[tokio::test]
    async fn who_would_wait_too_long_for_the_quota_is_told_when_to_come_back() {
        let budget = Budget::new(&limits(100, 100));
        budget.told(&quota(0, 3_600_000));
        for (lane, priority) in [(Lane::General, Priority::Operator), (Lane::Narrow, Priority::Background)] {
            let left = budget.take(lane, priority).await.unwrap_err();
            assert!((3_590_000..=3_600_000).contains(&left), "{left}");
        }
    }

    #[test]
    fn the_published_limits_name_each_system_once() {
        let each: BTreeMap<System, u32> = PUBLISHED.iter().map(|(system, count, _)| (*system, *count)).collect();
        assert_eq!(each.len(), PUBLISHED.len());
        assert!(PROVIDERS.iter().all(|provider| each.contains_key(&provider.system)));
    }
}
