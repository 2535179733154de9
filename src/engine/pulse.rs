//! The engine's own health, as a check like any other: who watches must be watched.

use crate::domain::{Check, CheckState, Text, Time};

/// The name of the engine's own check.
pub const NAME: &str = "trueup engine";
/// Judging that takes longer than this is late, in milliseconds.
const LATE_MS: i64 = 30_000;

/// What the parts of the engine last reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When comparing last finished.
    pub derived_at: Option<Time>,
    /// Since when changes wait to be compared.
    pub waiting_since: Option<Time>,
    /// What last went wrong inside the engine (not in a source).
    pub trouble: Option<(Time, Text)>,
    /// How long the last comparison took, in milliseconds.
    pub derive_ms: Option<i64>,
}

impl Pulse {
    /// The row of the engine's own check.
    pub fn row(&self, since: Option<Time>, now: Time) -> Check {
        let late = self.waiting_since.map(|at| now.since(at)).filter(|ms| *ms > LATE_MS);
        let recent = self.trouble.as_ref().filter(|(at, _)| now.since(*at) < 2 * LATE_MS);
        let (state, reason, fix) = match (recent, late, self.derived_at) {
            (Some((_, what)), _, _) => (CheckState::Fail, Some(what.clone()), Some("see the log file")),
            (None, Some(ms), _) => (
                CheckState::Warn,
                Some(Text::new(format!("changes have waited {} s to be compared", ms / 1000))),
                Some("the machine is busy; nothing is lost"),
            ),
            (None, None, None) => (CheckState::Unknown, Some(Text::new("nothing compared yet")), None),
            (None, None, Some(_)) => (CheckState::Pass, None, None),
        };
        Check {
            name: Text::new(NAME),
            kind: Text::new("engine"),
            target: Text::new("this engine"),
            state,
            since,
            latency_ms: self.derive_ms,
            reason,
            fix: fix.map(Text::new),
            uptime: None,
            recent: Vec::new(),
            seen_at: Some(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_has_compared_nothing_is_unknown_and_one_in_trouble_fails() {
        let now = Time::from_secs(1_000);
        let mut pulse = Pulse::default();
        assert_eq!(pulse.row(None, now).state, CheckState::Unknown);
        pulse.derived_at = Some(now);
        assert_eq!(pulse.row(None, now).state, CheckState::Pass);
        pulse.waiting_since = Some(now.plus_ms(-31_000));
        assert_eq!(pulse.row(None, now).state, CheckState::Warn);
        pulse.trouble = Some((now, "the store is full".into()));
        assert_eq!(pulse.row(None, now).state, CheckState::Fail);
    }
}
