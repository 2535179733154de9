//! What a billing status entitles to, and which line of the policy says so.
//!
//! What must stay true: the answer quotes the line that produced it, so that a screen can show why; a status that
//! nobody knows grants nothing and refuses nothing.

use super::AccessTable;
use crate::domain::{Flag, Record, State, Time};

/// How a subscription stands, in words common to all billing systems. Ordered from what entitles most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Paid and running.
    Paid,
    /// Canceled, but the paid period has not ended.
    InPeriod,
    /// On trial.
    Trial,
    /// A payment failed, retries still run.
    PastDue,
    /// Retries are exhausted.
    Unpaid,
    /// Paused.
    Paused,
    /// The first payment was never made.
    Incomplete,
    /// The last payment was paid back or is disputed.
    Refunded,
    /// Over.
    Ended,
    /// A status that nobody knows.
    Unclear,
}

/// What one subscription entitles to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement<'a> {
    /// The subscription that decides.
    pub subscription: &'a Record,
    /// How it stands.
    pub standing: Standing,
    /// Whether the customer is to be let in; `None` when it cannot be told.
    pub access: Option<bool>,
    /// The line of the policy that says so, as it stands in the file: `[policy] past_due = "access"`. `None` where
    /// no policy is needed.
    pub policy: Option<String>,
}

impl Entitlement<'_> {
    /// Whether money flows for it.
    pub fn is_paid(&self) -> bool {
        matches!(self.standing, Standing::Paid | Standing::InPeriod)
    }
}

/// How a subscription stands now.
pub fn standing(subscription: &Record, now: Time) -> Standing {
    let word = subscription.word.as_ref().map(|w| w.as_str().trim().to_lowercase()).unwrap_or_default();
    if subscription.deleted {
        return Standing::Ended;
    }
    match (word.as_str(), subscription.state) {
        ("past_due", _) => Standing::PastDue,
        ("unpaid", _) => Standing::Unpaid,
        ("paused", _) => Standing::Paused,
        ("incomplete", _) => Standing::Incomplete,
        ("trialing", _) | (_, Some(State::Trial)) => Standing::Trial,
        (_, Some(State::PastDue)) => Standing::PastDue,
        // Billing goes on, money does not: nothing follows for access, either way.
        (_, Some(State::Active)) if subscription.has(Flag::CollectionPaused) => Standing::Unclear,
        (_, Some(State::Active)) if subscription.has(Flag::Canceling) => Standing::InPeriod,
        (_, Some(State::Active)) => Standing::Paid,
        // Ended for good at a known moment: the rest of the period was given up.
        (_, Some(State::Canceled)) => match (subscription.ended_at, subscription.period_ends_at) {
            (Some(ended), _) if ended <= now => Standing::Ended,
            (Some(_), _) => Standing::InPeriod,
            (None, Some(end)) if end > now && word != "incomplete_expired" => Standing::InPeriod,
            _ => Standing::Ended,
        },
        _ => Standing::Unclear,
    }
}

/// What a subscription entitles to under a policy.
pub fn entitle<'a>(subscription: &'a Record, table: &AccessTable, now: Time) -> Entitlement<'a> {
    // What is not priced is not known to be paid for.
    let standing = if is_bare(subscription) { Standing::Unclear } else { standing(subscription, now) };
    let (access, policy) = access(standing, table);
    Entitlement { subscription, standing, access, policy }
}

/// Whether a live subscription says neither what it is for nor what it costs.
pub fn is_bare(subscription: &Record) -> bool {
    let over = subscription.deleted || subscription.state == Some(State::Canceled);
    !over && subscription.money.is_none() && subscription.plan.is_none() && subscription.plan_keys.is_empty()
}

/// Whether a standing lets the customer in, and the line that says so.
pub fn access(standing: Standing, table: &AccessTable) -> (Option<bool>, Option<String>) {
    let (key, allowed) = match standing {
        Standing::Paid => return (Some(true), None),
        Standing::Ended => return (Some(false), None),
        Standing::Unclear => return (None, None),
        Standing::InPeriod => ("canceled_in_period", table.canceled_in_period),
        Standing::Trial => ("trialing", table.trialing),
        Standing::PastDue => ("past_due", table.past_due),
        Standing::Unpaid => ("unpaid", table.unpaid),
        Standing::Paused => ("paused", table.paused),
        Standing::Incomplete => ("incomplete", table.incomplete),
        Standing::Refunded => ("refunded", table.refunded),
    };
    (Some(allowed), Some(format!("[policy] {key} = \"{}\"", if allowed { "access" } else { "no_access" })))
}
