//! How a source of evidence stands, and what it is able to tell.

use serde::{Deserialize, Serialize};

use super::record::Kind;
use super::state::SourceState;
use super::system::{System, SystemKind};
use super::text::Text;
use super::time::Time;

/// What a comparison needs to know of a source: can its silence be believed?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceHealth {
    /// Which source.
    pub system: System,
    /// How it stands.
    pub state: SourceState,
    /// When it last answered everything that it was asked; silence before this says nothing.
    pub complete_at: Option<Time>,
    /// Kinds of which a full collection has been finished at least once. Absence may only be concluded for these.
    pub complete: Vec<Kind>,
    /// Observed propagation lag in milliseconds (p99), if known.
    pub lag_ms: Option<i64>,
    /// What is wrong, for a person.
    pub problem: Option<Text>,
    /// Since when something is wrong: it does not answer, or a part of it cannot be read. `None` while it is well.
    pub failing_since: Option<Time>,
    /// When it is asked again after a failure; `None` when the last step went well.
    pub retry_at: Option<Time>,
}

impl SourceHealth {
    /// A source of which nothing is known yet.
    pub fn new(system: System) -> Self {
        Self {
            system,
            state: SourceState::Waiting,
            complete_at: None,
            complete: Vec::new(),
            lag_ms: None,
            problem: None,
            failing_since: None,
            retry_at: None,
        }
    }

    /// Whether "it is not there" can be concluded for this kind of thing: the source answers now and the kind has
    /// been collected in full.
    pub fn knows(&self, kind: Kind) -> bool {
        self.answers() && self.complete.contains(&kind)
    }

    /// Whether what it last said may be taken as current.
    pub fn answers(&self) -> bool {
        matches!(self.state, SourceState::Ok | SourceState::Partial | SourceState::Collecting)
    }
}

/// A row of `list sources`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRow {
    /// Which source.
    pub name: System,
    /// What it is for.
    pub kind: SystemKind,
    /// How it stands.
    pub state: SourceState,
    /// When it last answered.
    pub seen_at: Option<Time>,
    /// Milliseconds between a change there and trueup seeing it, as observed.
    pub lag_ms: Option<i64>,
    /// Requests left in the current window of its budget.
    pub rate_left: Option<i64>,
    /// What is wrong, for a person.
    pub problem: Option<Text>,
    /// Since when something is wrong.
    #[serde(default)]
    pub failing_since: Option<Time>,
    /// When it is asked again after a failure.
    #[serde(default)]
    pub retry_at: Option<Time>,
}
