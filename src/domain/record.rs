//! One system's view of one thing: what it said, when, under which id and version.
//!
//! What must stay true: a record is a pure fact of one system. It never mixes two systems and never guesses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::money::Money;
use super::state::State;
use super::system::{System, SystemKind};
use super::text::Text;
use super::time::Time;
use super::words::words;

words! {
    /// What kind of thing a record describes.
    Kind {
        /// A customer as this system keeps them: portal user or account, billing customer, contact, support user.
        Person = "person",
        /// A subscription; `parent` is the billing customer.
        Subscription = "subscription",
        /// An invoice; `parent` is the billing customer.
        Invoice = "invoice",
        /// A charge; `parent` is the billing customer. Kept for refunds and disputes.
        Charge = "charge",
        /// A support request; `parent` is the person in the same system who asked.
        Ticket = "ticket",
        /// A deal or opportunity; `parent` is the person in the same system whom it is about.
        Deal = "deal",
        /// A webhook endpoint as the provider has it registered.
        Endpoint = "endpoint",
    }
}

/// Ids under which this thing points at other systems. Absent is `None`, never "".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Links {
    /// The portal's customer id, kept in this system (metadata, property or external id).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub portal: Option<Text>,
    /// The billing customer's id, kept in the portal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing: Option<Text>,
    /// The contact's id, kept in the portal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crm: Option<Text>,
    /// The support user's id, kept in the portal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support: Option<Text>,
}

impl Links {
    /// The id that this thing stores for a system of that kind.
    pub fn to(&self, kind: SystemKind) -> Option<&Text> {
        match kind {
            SystemKind::Portal => self.portal.as_ref(),
            SystemKind::Billing => self.billing.as_ref(),
            SystemKind::Crm => self.crm.as_ref(),
            SystemKind::Support => self.support.as_ref(),
            SystemKind::Hosting | SystemKind::Dns => None,
        }
    }
}

words! {
    /// Facts beside the state that change what a record means.
    Flag {
        /// Ends when the paid period ends.
        Canceling = "canceling",
        /// Collection of payments is paused.
        CollectionPaused = "collection_paused",
        /// The whole amount was paid back.
        Refunded = "refunded",
        /// The payer disputes the charge.
        Disputed = "disputed",
        /// The person is blocked in this system.
        Suspended = "suspended",
        /// An endpoint that is switched off.
        Disabled = "disabled",
        /// Test data, not live.
        Test = "test",
    }
}

/// One system's view of one thing. Serialised as the store's `doc` column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Who says so.
    pub system: System,
    /// What kind of thing.
    pub kind: Kind,
    /// Its id in that system.
    pub id: Text,
    /// Orders two views of the same thing: milliseconds of the system's own modification time where it has one,
    /// else of when the answer was read. An older version never replaces a newer one.
    pub version: i64,
    /// When trueup read it.
    pub seen_at: Time,
    /// The system says that it is gone (deleted, archived, merged away).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// E-mail as the system keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Text>,
    /// Name as the system keeps it; for an endpoint its URL, for a ticket or a deal its subject, for an invoice its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// The canonical state that this system's word maps to; `None` when it has no opinion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The system's own word: portal status, subscription status, lifecycle stage, ticket status, invoice status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Text>,
    /// The plan in the system's own words, as a person would say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Text>,
    /// Every name under which billing knows the plan: price id, lookup key, nickname, product id or name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_keys: Vec<Text>,
    /// What is paid, or due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
    /// The id, in the same system, of the person that this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Text>,
    /// Ids of other systems that it stores.
    #[serde(default)]
    pub links: Links,
    /// Facts beside the state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// Tags, lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Text>,
    /// When it came to be, by the system's own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    /// When it last changed, by the system's own clock; `None` when the system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Time>,
    /// When the trial ends or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_ends_at: Option<Time>,
    /// When the paid period ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_ends_at: Option<Time>,
    /// When it ended for good; for an invoice or a charge, when it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Everything else that the portal's query selected (`role`, `tenant`, unknown columns) or that a view may show.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Text, Text>,
}

impl Record {
    /// A record with nothing said yet.
    pub fn new(system: System, kind: Kind, id: impl AsRef<str>, seen_at: Time) -> Self {
        Self {
            system,
            kind,
            id: Text::new(id),
            version: seen_at.ms(),
            seen_at,
            deleted: false,
            email: None,
            name: None,
            state: None,
            word: None,
            plan: None,
            plan_keys: Vec::new(),
            money: None,
            parent: None,
            links: Links::default(),
            flags: Vec::new(),
            tags: Vec::new(),
            created_at: None,
            updated_at: None,
            trial_ends_at: None,
            period_ends_at: None,
            ended_at: None,
            attributes: BTreeMap::new(),
        }
    }

    /// Whether a fact beside the state holds.
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    /// The newest moment at which the system itself says that this changed.
    pub fn changed_at(&self) -> Option<Time> {
        self.updated_at.max(self.created_at)
    }

    /// Whether two views say the same, apart from when they were read.
    pub fn same_content(&self, other: &Self) -> bool {
        let mut other = other.clone();
        other.seen_at = self.seen_at;
        other.version = self.version;
        *self == other
    }
}
