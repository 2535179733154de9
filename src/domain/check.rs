//! A check: is a page up, does a certificate last, does trueup itself keep up.

use serde::{Deserialize, Serialize};

use super::state::CheckState;
use super::text::Text;
use super::time::Time;

/// A row of `list checks`: the confirmed state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The name from the configuration, or what the system that told it calls it.
    pub name: Text,
    /// `http`, `https`, `engine`, or of what a source tells: `dns`, `tls`, `webhook`.
    pub kind: Text,
    /// What is checked.
    pub target: Text,
    /// Confirmed state: three failures in a row make it `fail`, two successes `pass` again.
    pub state: CheckState,
    /// Since when it has been in that state.
    pub since: Option<Time>,
    /// Time of the last answer.
    pub latency_ms: Option<i64>,
    /// Why it is not `pass`.
    pub reason: Option<Text>,
    /// What to do about it.
    pub fix: Option<Text>,
    /// Share of passed runs over the kept history, in hundredths of a percent (9998 = 99.98 %).
    #[serde(default)]
    pub uptime: Option<i64>,
    /// Recent latencies in milliseconds, oldest first; `None` where a run failed.
    #[serde(default)]
    pub recent: Vec<Option<u32>>,
    /// When it last ran.
    #[serde(default)]
    pub seen_at: Option<Time>,
}

/// One run of one check: what the history keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRun {
    /// Which check.
    pub name: Text,
    /// When.
    pub at: Time,
    /// What this single run said.
    pub state: CheckState,
    /// How long the answer took.
    pub latency_ms: Option<i64>,
    /// Why it is not `pass`.
    pub reason: Option<Text>,
}
