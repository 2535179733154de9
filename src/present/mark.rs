//! How something stands: a tone, and the word that says it. Unknown is never ok.

use crate::config::theme::Tone;
use crate::domain::{
    CheckState, Customer, Delivery, DeliveryState, Deploy, DeployState, JobState, Mismatch, Row, Severity, SourceState,
    State, Traffic, Verdict,
};

/// A tone and its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Decides glyph and colour.
    pub tone: Tone,
    /// What it says; `None`: the theme's own word for the tone.
    pub word: Option<&'static str>,
}

const fn mark(tone: Tone, word: &'static str) -> Mark {
    Mark { tone, word: Some(word) }
}

const fn plain(tone: Tone) -> Mark {
    Mark { tone, word: None }
}

/// How a mismatch stands: its verdict, then its severity.
pub const fn mismatch(m: &Mismatch) -> Mark {
    match (m.verdict, m.severity) {
        (Verdict::Agree, _) => plain(Tone::Ok),
        (Verdict::Settling, _) => plain(Tone::Wait),
        (Verdict::Unknown, _) => plain(Tone::Unknown),
        (Verdict::Disagree, severity) => self::severity(severity),
    }
}

/// How a severity is marked.
pub const fn severity(severity: Severity) -> Mark {
    match severity {
        Severity::Critical => plain(Tone::Crit),
        Severity::High => mark(Tone::Warn, "high"),
        Severity::Warning => plain(Tone::Warn),
        Severity::Info => mark(Tone::Warn, "info"),
    }
}

/// How the outcome of a comparison is marked, where its severity stands beside it.
pub const fn verdict(verdict: Verdict) -> Mark {
    match verdict {
        Verdict::Disagree => mark(Tone::Warn, "open"),
        Verdict::Unknown => plain(Tone::Unknown),
        Verdict::Settling => plain(Tone::Wait),
        Verdict::Agree => plain(Tone::Ok),
    }
}

/// How a customer stands.
pub const fn customer(c: &Customer) -> Mark {
    verdict(c.verdict)
}

/// How a canonical state is inked.
pub const fn state(state: State) -> Tone {
    match state {
        State::Active => Tone::Ok,
        State::Trial => Tone::Wait,
        State::PastDue => Tone::Warn,
        State::Canceled | State::NeedsReview => Tone::Unknown,
    }
}

/// How a delivery stands.
pub const fn delivery(d: &Delivery) -> Mark {
    match d.state {
        DeliveryState::Delivered => plain(Tone::Ok),
        DeliveryState::Pending => mark(Tone::Wait, "pending"),
        DeliveryState::Retrying => mark(Tone::Warn, "retry"),
        DeliveryState::Failed => mark(Tone::Crit, "failed"),
        DeliveryState::NeverArrived => mark(Tone::Crit, "missing"),
        DeliveryState::Quarantined => mark(Tone::Warn, "aside"),
    }
}

/// How a job stands.
pub const fn job(state: JobState) -> Mark {
    match state {
        JobState::Dead => mark(Tone::Crit, "dead"),
        JobState::Waiting => plain(Tone::Wait),
        JobState::Held => mark(Tone::Warn, "held"),
        JobState::Due => mark(Tone::Ok, "due"),
        JobState::Leased => mark(Tone::Ok, "runs"),
        JobState::Idle => mark(Tone::Ok, "idle"),
    }
}

/// How a check stands.
pub const fn check(state: CheckState) -> Mark {
    match state {
        CheckState::Pass => plain(Tone::Ok),
        CheckState::Warn => plain(Tone::Warn),
        CheckState::Fail => mark(Tone::Crit, "down"),
        CheckState::Unknown => plain(Tone::Unknown),
    }
}

const fn deploy(d: &Deploy) -> Mark {
    match d.state {
        DeployState::Live => mark(Tone::Ok, "live"),
        DeployState::Ready => mark(Tone::Ok, "ready"),
        DeployState::Queued | DeployState::Building => mark(Tone::Wait, "build"),
        DeployState::Failed => mark(Tone::Crit, "fail"),
        DeployState::Canceled => mark(Tone::Unknown, "off"),
    }
}

/// How a source stands.
pub const fn source(state: SourceState) -> Mark {
    match state {
        SourceState::Ok => plain(Tone::Ok),
        SourceState::Partial => mark(Tone::Warn, "part"),
        SourceState::Collecting => mark(Tone::Wait, "reads"),
        SourceState::Waiting => plain(Tone::Wait),
        SourceState::Down => mark(Tone::Crit, "down"),
        SourceState::Failed => mark(Tone::Crit, "fail"),
    }
}

/// How the deliveries of a source stand: at least 1 % failing is a warning, a quarter or more is critical, silence
/// and what cannot be told are unknown.
pub const fn traffic(t: &Traffic) -> Mark {
    if t.unknown.is_some() || t.total == 0 {
        return plain(Tone::Unknown);
    }
    if t.failed * 4 >= t.total {
        return plain(Tone::Crit);
    }
    if t.failed * 100 >= t.total { plain(Tone::Warn) } else { plain(Tone::Ok) }
}

/// How one field of a row stands, if it is one that says so: `state`, `severity`, `verdict`. A customer's state is a
/// fact, neither good nor bad.
pub fn field(row: &Row, name: &str) -> Option<Mark> {
    match (row, name) {
        (Row::Customer(c), "verdict") => Some(verdict(c.verdict)),
        (Row::Mismatch(m), "verdict") => Some(verdict(m.verdict)),
        (Row::Mismatch(m), "severity") => Some(severity(m.severity)),
        (Row::Customer(_) | Row::Mismatch(_), _) => None,
        (_, "state") => Some(self::row(row)),
        _ => None,
    }
}

/// How a row of any dataset stands.
pub fn row(row: &Row) -> Mark {
    match row {
        Row::Customer(c) => customer(c),
        Row::Mismatch(m) => mismatch(m),
        Row::Delivery(d) => delivery(d),
        Row::Job(j) => job(j.state),
        Row::Check(c) => check(c.state),
        Row::Deploy(d) => deploy(d),
        Row::Source(s) => source(s.state),
    }
}
