//! What is out of step: gathered records of one customer become verdicts, each with its harm, its words and its rank.
//!
//! ```text
//! Cluster --identity--> who belongs --fold--> one view per system --entitle--> what policy grants
//!         --class/--> findings --judge--> Judgement (rows for the store) --rank--> order of harm
//! ```
//!
//! Pure: no clock, no disk; `now`, the policy and the health of every source are arguments. What must stay true:
//! nothing is concluded from the silence of a source that does not answer, *unknown* never becomes *agree*, and the
//! order in which records arrive changes nothing.

use std::collections::BTreeMap;

use crate::domain::{System, SystemKind, Text};

mod case;
pub mod class;
pub mod deploy;
pub mod endpoint;
pub mod entitle;
mod finding;
pub mod fold;
pub mod identity;
pub mod judge;
pub mod rank;
mod views;
pub mod words;

pub use judge::judge;
pub use rank::rank;

/// What each billing status entitles to: `true` lets the customer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessTable {
    /// A payment failed, retries still run.
    pub past_due: bool,
    /// Retries are exhausted.
    pub unpaid: bool,
    /// Paused.
    pub paused: bool,
    /// The first payment was never made.
    pub incomplete: bool,
    /// On trial.
    pub trialing: bool,
    /// Canceled, but the paid period has not ended.
    pub canceled_in_period: bool,
    /// The last payment was paid back or is disputed.
    pub refunded: bool,
}

impl Default for AccessTable {
    /// The defaults of the contract's `[policy]`.
    fn default() -> Self {
        Self {
            past_due: true,
            unpaid: false,
            paused: false,
            incomplete: false,
            trialing: true,
            canceled_in_period: true,
            refunded: false,
        }
    }
}

/// The operator's policy and set-up, as far as comparison needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What each billing status entitles to.
    pub access: AccessTable,
    /// The portal's plan names, each with what billing calls it. An empty list marks a plan that is free: billing
    /// is not expected to know it.
    pub plans: BTreeMap<Text, Vec<Text>>,
    /// Where a customer ought to have a contact; `None`: the only CRM there is.
    pub crm: Option<System>,
    /// Where support requests ought to be; `None`: the only support desk there is.
    pub support: Option<System>,
    /// Whether the portal's support requests are read (`[portal.tickets]`).
    pub tickets_from: bool,
    /// Every configured system, the portal included.
    pub configured: Vec<System>,
    /// Whether the portal's query selects `state` at all. If not, its absence says nothing; if so, a customer without
    /// a state (no row in the subscription table) is granted nothing.
    pub keeps_state: bool,
    /// Whether the portal's query selects `billing_id` at all. If not, its absence says nothing.
    pub keeps_billing_id: bool,
    /// Whether the portal's query selects `plan` at all. If not, its absence says nothing.
    pub keeps_plan: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            access: AccessTable::default(),
            plans: BTreeMap::new(),
            crm: None,
            support: None,
            tickets_from: false,
            configured: Vec::new(),
            keeps_state: true,
            keeps_billing_id: true,
            keeps_plan: true,
        }
    }
}

impl Rules {
    /// Notes which columns the portal's customer query gives, by their names standing in it (or a `*`).
    #[must_use]
    pub fn reading(mut self, query: &str) -> Self {
        let query = query.to_lowercase();
        let words: Vec<&str> = query.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let gives = |column| query.contains('*') || words.contains(&column);
        self.keeps_state = gives("state");
        self.keeps_plan = gives("plan");
        self.keeps_billing_id = gives("billing_id");
        self
    }

    /// Configured systems of a kind, in the order of [`System`], each once.
    pub fn systems(&self, kind: SystemKind) -> impl Iterator<Item = System> + '_ {
        System::ALL.iter().copied().filter(move |s| s.kind() == kind && self.configured.contains(s))
    }

    /// Where a customer ought to have a contact: what policy names, else the only CRM there is.
    pub fn contacts(&self) -> Option<System> {
        self.crm.filter(|s| self.configured.contains(s)).or_else(|| self.only(SystemKind::Crm))
    }

    /// Where a request ought to have a ticket: what policy names, else the only support desk there is.
    pub fn desk(&self) -> Option<System> {
        self.support.filter(|s| self.configured.contains(s)).or_else(|| self.only(SystemKind::Support))
    }

    /// Of several systems of a kind, those that policy does not name.
    pub(crate) fn beside(&self) -> Vec<System> {
        let homes = [(SystemKind::Crm, self.contacts()), (SystemKind::Support, self.desk())];
        let others = |(kind, home): (SystemKind, Option<System>)| {
            self.systems(kind).filter(move |system| home.is_some_and(|home| home != *system))
        };
        homes.into_iter().flat_map(others).collect()
    }

    fn only(&self, kind: SystemKind) -> Option<System> {
        let mut systems = self.systems(kind);
        systems.next().filter(|_| systems.next().is_none())
    }

    /// What billing calls a plan of the portal, by the portal's name for it.
    pub(crate) fn plan(&self, name: &str) -> Option<(&Text, &[Text])> {
        self.plans.iter().find(|(plan, _)| same(plan.as_str(), name)).map(|(plan, keys)| (plan, keys.as_slice()))
    }

    /// Whether the plan table marks this plan as one that nobody pays for.
    pub(crate) fn is_free(&self, plan: Option<&Text>) -> bool {
        plan.and_then(|name| self.plan(name.as_str())).is_some_and(|(_, keys)| keys.is_empty())
    }
}

/// Names of plans are compared ignoring case and outer space.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim(), b.trim());
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}
