//! The words for how things stand: customers, verdicts, severities, deliveries, jobs, checks, deploys.

use super::words::words;

words! {
    /// The five canonical states of a customer (contract section 4).
    State {
        /// Trying the product; shown as "Pending".
        Trial = "trial",
        /// Paying, or entitled.
        Active = "active",
        /// A payment failed and is being retried, or retries are exhausted; shown as "Failed".
        PastDue = "past_due",
        /// Ended.
        Canceled = "canceled",
        /// No system says anything that maps; a person must look.
        NeedsReview = "needs_review",
    }
}

impl State {
    /// The word that people see.
    pub const fn shown(self) -> &'static str {
        match self {
            Self::Trial => "Pending",
            Self::Active => "Active",
            Self::PastDue => "Failed",
            Self::Canceled => "Canceled",
            Self::NeedsReview => "Needs attention",
        }
    }
}

words! {
    /// The outcome of a comparison. Ordered from what hurts to what is fine; unknown is never fine.
    Verdict {
        /// The systems contradict each other and the grace has passed.
        Disagree = "disagree",
        /// Evidence is missing: nothing can be said.
        Unknown = "unknown",
        /// They contradict each other, but a change is recent enough to be still on its way.
        Settling = "settling",
        /// They say the same.
        Agree = "agree",
    }
}

words! {
    /// How much harm a mismatch does. `info < warning < high < critical`, so `severity >= high` reads as it should.
    Severity {
        /// Good to know.
        Info = "info",
        /// Hygiene; will hurt later.
        Warning = "warning",
        /// Revenue or access is wrong.
        High = "high",
        /// A paying customer is harmed now.
        Critical = "critical",
    }
}

words! {
    /// How an event's delivery to the portal stands, seen from outside.
    DeliveryState {
        /// Not tried yet.
        Pending = "pending",
        /// Answered 2xx.
        Delivered = "delivered",
        /// Given up on, or refused for good.
        Failed = "failed",
        /// Failed so far; the sender tries again.
        Retrying = "retrying",
        /// The provider has it; the portal never saw it.
        NeverArrived = "never_arrived",
        /// Kept aside: its signature did not verify.
        Quarantined = "quarantined",
    }
}

words! {
    /// How a unit of sync work stands.
    JobState {
        /// To be run now.
        Due = "due",
        /// A worker has it.
        Leased = "leased",
        /// Failed and waits for its next try.
        Waiting = "waiting",
        /// Out of tries; a person must look.
        Dead = "dead",
        /// Held back by a person.
        Held = "held",
        /// Nothing to do.
        Idle = "idle",
    }
}

words! {
    /// The outcome of a check.
    CheckState {
        /// Confirmed down or wrong.
        Fail = "fail",
        /// Up, but something will break.
        Warn = "warn",
        /// Could not be told. Never green.
        Unknown = "unknown",
        /// As expected.
        Pass = "pass",
    }
}

words! {
    /// How a deploy stands, in words common to all hosts.
    DeployState {
        /// Waiting to be built.
        Queued = "queued",
        /// Being built.
        Building = "building",
        /// Serving production.
        Live = "live",
        /// Built, not serving production.
        Ready = "ready",
        /// Did not build.
        Failed = "failed",
        /// Called off.
        Canceled = "canceled",
    }
}

words! {
    /// How a source of evidence stands.
    SourceState {
        /// Refused, or its answers make no sense.
        Failed = "failed",
        /// Does not answer now.
        Down = "down",
        /// Answers, but something that we asked for is missing.
        Partial = "partial",
        /// Its first full collection is under way.
        Collecting = "collecting",
        /// Not asked yet.
        Waiting = "waiting",
        /// Answers, and everything asked for has arrived.
        Ok = "ok",
    }
}
