//! A customer as all systems together see them: the derived row.

use serde::{Deserialize, Serialize};

use super::money::Money;
use super::state::{State, Verdict};
use super::system::System;
use super::text::Text;
use super::time::Time;
use super::words::words;

words! {
    /// By what a record was matched to a customer, strongest first. Only the first three allow a repair.
    Match {
        /// The id is stored in the portal.
        StoredLink = "stored_link",
        /// The portal's id is stored in that system.
        ExternalId = "external_id",
        /// A person verified the link.
        Verified = "verified",
        /// The e-mail is exactly the same after normalising. Not proof.
        Email = "email",
        /// Something suggests it.
        Candidate = "candidate",
        /// It is the customer's own row.
        Own = "own",
    }
}

impl Match {
    /// How sure the match is, in words that a person may act on.
    pub const fn confidence(self) -> &'static str {
        match self {
            Self::Own | Self::StoredLink | Self::ExternalId | Self::Verified => "certain",
            Self::Email => "not verified",
            Self::Candidate => "candidate",
        }
    }
}

/// What one system says of a customer: a row of the customer screen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SystemView {
    /// Which system.
    pub system: System,
    /// The customer's id there; `None` when there is nobody.
    pub id: Option<Text>,
    /// Canonical state; `None` when the system has no opinion.
    pub state: Option<State>,
    /// The system's own word for it.
    #[serde(default)]
    pub word: Option<Text>,
    /// Plan in that system's words.
    pub plan: Option<Text>,
    /// E-mail there.
    #[serde(default)]
    pub email: Option<Text>,
    /// By what it was matched.
    #[serde(rename = "match")]
    pub matched: Option<Match>,
    /// How sure the match is.
    pub confidence: Option<Text>,
    /// When trueup last read it.
    pub seen_at: Option<Time>,
    /// When the system says that it last changed.
    #[serde(default)]
    pub changed_at: Option<Time>,
    /// What changed last, or what stands out, in a few words ("invoice paid", "1 open ticket").
    #[serde(default)]
    pub note: Option<Text>,
    /// Fields (`state`, `plan`, `email`, `id`) that disagree with another system.
    #[serde(default)]
    pub wrong: Vec<Text>,
    /// Set when this system cannot tell now, and why.
    #[serde(default)]
    pub unknown: Option<Text>,
}

/// A row of `list customers`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Customer {
    /// The portal's id; for an orphan `system:id`.
    pub id: Text,
    /// E-mail, the portal's first.
    pub email: Option<Text>,
    /// Name, the portal's first.
    pub name: Option<Text>,
    /// The state that the portal grants.
    pub state: State,
    /// The portal's plan.
    pub plan: Option<Text>,
    /// One view per configured system that could know the customer.
    pub systems: Vec<SystemView>,
    /// Worst verdict over all comparisons.
    pub verdict: Verdict,
    /// Ids of the open mismatches.
    pub mismatches: Vec<Text>,
    /// What the customer pays.
    pub money: Option<Money>,
    /// Newest change that any system reports.
    pub updated_at: Option<Time>,
}
