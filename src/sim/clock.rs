//! Two clocks: the story's, which `speed` may hurry, and the wall's, which every timestamp that leaves here comes from.

use std::time::Instant;

use crate::domain::Time;

/// Story milliseconds that one look at the clock may pass: after a laptop slept for a night the story goes on, it
/// does not happen all at once.
const LEAP: f64 = 30_000.0;

/// When the story began and how fast it goes.
#[derive(Debug)]
pub(super) struct Clock {
    speed: f64,
    last: Instant,
    story: f64,
}

impl Clock {
    /// Starts now.
    pub(super) fn new(speed: f64) -> Self {
        Self { speed, last: Instant::now(), story: 0.0 }
    }

    /// Story milliseconds since the beginning.
    pub(super) fn story(&mut self) -> i64 {
        let now = Instant::now();
        let passed = now.duration_since(self.last).as_secs_f64() * 1000.0 * self.speed;
        self.last = now;
        self.story += passed.min(LEAP * self.speed.max(1.0));
        self.story as i64
    }
}

/// The wall clock.
pub(super) fn now() -> Time {
    Time::from_ms(chrono::Utc::now().timestamp_millis())
}
