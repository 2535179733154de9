//! How often a provider account is asked: the published limit with headroom, shared fairly.
//!
//! What must stay true: the published limit is never reached by trueup alone; whoever came first of one priority goes
//! first; a person's question passes a background collection; while a provider has told us to wait, nobody calls.
//! It refuses to guess limits: each provider's figures stand in `registry.rs` with where they come from.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

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
    /// While the provider has told us to wait: how many milliseconds are left. No call may be made then.
    pub async fn take(&self, lane: Lane, priority: Priority) -> Result<(), i64> {
        self.open()?;
        if lane == Lane::Narrow {
            self.narrow.take(priority).await;
        }
        self.general.take(priority).await;
        self.open()
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
        Err(i64::try_from(left.as_millis()).unwrap_or(i64::MAX).max(1))
    }
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
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        let level = Level { tokens: f64::from(rate.burst.max(1)), at: Instant::now(), sent: VecDeque::new() };
        Self {
            rate,
            level: Mutex::new(level),
            operators: AtomicUsize::new(0),
            front: tokio::sync::Mutex::new(()),
            back: tokio::sync::Mutex::new(()),
        }
    }

    async fn take(&self, priority: Priority) {
        // The gates are fair (first come, first served); dropping the future gives the place back.
        let _place = (priority == Priority::Operator).then(|| Place::new(&self.operators));
        let _turn = match priority {
            Priority::Operator => self.front.lock().await,
            Priority::Background => self.back.lock().await,
        };
        loop {
            let yields = priority == Priority::Background && self.operators.load(Ordering::Acquire) > 0;
            let Some(wait) = self.try_take(yields) else { return };
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes a token, or says how long to wait for one.
    fn try_take(&self, yields: bool) -> Option<Duration> {
        let speed = self.rate.per_second();
        let mut level = lock(&self.level);
        let now = Instant::now();
        let gained = now.saturating_duration_since(level.at).as_secs_f64() * speed;
        level.tokens = (level.tokens + gained).min(f64::from(self.rate.burst.max(1)));
        level.at = now;
        if yields {
            return Some(Duration::from_secs_f64(1.0 / speed).max(Duration::from_millis(1)));
        }
        if level.tokens >= 1.0 {
            level.tokens -= 1.0;
            forget(&mut level.sent, now, self.rate.per);
            level.sent.push_back(now);
            return None;
        }
        Some(Duration::from_secs_f64((1.0 - level.tokens) / speed).max(Duration::from_millis(1)))
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
    use std::sync::Arc;

    use super::*;

    fn limits(count: u32, burst: u32) -> Limits {
        let rate = Rate::new(count, Duration::from_secs(1), burst);
        Limits { general: rate, narrow: rate, timeout: Duration::from_secs(1) }
    }

    #[tokio::test]
    async fn a_burst_passes_and_then_the_steady_rate_holds() {
        let budget = Budget::new(&limits(50, 5));
        let begin = Instant::now();
        for _ in 0..15 {
            budget.take(Lane::General, Priority::Background).await.unwrap();
        }
        // 5 at once, then 10 at 50 a second.
        assert!(begin.elapsed() >= Duration::from_millis(190), "{:?}", begin.elapsed());
        assert_eq!(budget.left(), 35);
    }

    #[tokio::test]
    async fn a_person_passes_a_waiting_collection() {
        let budget = Arc::new(Budget::new(&limits(20, 1)));
        budget.take(Lane::General, Priority::Background).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (priority, name) in [(Priority::Background, "collection"), (Priority::Operator, "person")] {
            let (budget, order) = (budget.clone(), order.clone());
            tasks.push(tokio::spawn(async move {
                budget.take(Lane::General, priority).await.unwrap();
                lock(&order).push(name);
            }));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*lock(&order), ["person", "collection"]);
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
}
