//! The figures of the header: is anyone broken, is money flowing, what is failing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::money::Money;
use super::text::Text;
use super::time::Time;

/// The answer of `trueup status`, and the pulse line of the console.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// `production`, `staging` or `development`.
    pub environment: Text,
    /// The profile's name.
    pub name: Text,
    /// Sources: how many answer, how many there are, and the words of each.
    pub sources: SourceCounts,
    /// Open mismatches by verdict and severity.
    pub mismatches: MismatchCounts,
    /// Customers with an open `paid_blocked`.
    pub customers_blocked: i64,
    /// Monthly money behind open critical and high mismatches; one entry a currency.
    pub money_at_risk: Vec<Money>,
    /// Deliveries of the last 15 minutes.
    pub webhooks: WebhookCounts,
    /// Queues.
    pub jobs: JobCounts,
    /// Checks by state.
    pub checks: CheckCounts,
    /// Share of sign-ups of 7 days that reached every system by themselves, in percent; `None` when there were none.
    pub zero_touch: Option<i64>,
    /// p95 of payment to access in milliseconds; `None` until it was measured.
    pub paid_to_access_p95_ms: Option<i64>,
    /// When the newest evidence was read.
    pub seen_at: Option<Time>,
}

/// How many sources answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCounts {
    /// Configured.
    pub total: i64,
    /// Answering.
    pub ok: i64,
    /// State word of each by name.
    pub states: BTreeMap<Text, Text>,
}

/// Open mismatches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MismatchCounts {
    /// Verdict `disagree`.
    pub open: i64,
    /// Verdict `settling`.
    pub settling: i64,
    /// Verdict `unknown`.
    pub unknown: i64,
    /// Customers in agreement.
    pub agree: i64,
    /// Open ones by severity word.
    pub by_severity: BTreeMap<Text, i64>,
    /// Open ones by class word.
    pub by_class: BTreeMap<Text, i64>,
}

/// Deliveries over the window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookCounts {
    /// Events.
    pub total: i64,
    /// Not delivered.
    pub failed: i64,
    /// Newest event.
    pub last_at: Option<Time>,
}

/// Queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Due, leased or waiting.
    pub open: i64,
    /// Dead.
    pub dead: i64,
    /// Since when the oldest open one waits.
    pub oldest_at: Option<Time>,
}

/// Checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCounts {
    /// All.
    pub total: i64,
    /// Passing.
    pub pass: i64,
    /// Warning.
    pub warn: i64,
    /// Failing.
    pub fail: i64,
    /// Not known.
    pub unknown: i64,
}
