//! Where a collection of Stripe stands.
//!
//! A full collection reads customers, subscriptions, invoices and charges, then events. Every later round reads what
//! happened since (events), what is not delivered, what has been delivered meanwhile, and the endpoints.
//! What must stay true: `since` and all window bounds are Stripe's clock; `started` is ours.

use serde::{Deserialize, Serialize};

use crate::domain::{Kind, Time};
use crate::sources::http::Paging;

/// A part of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    Customers,
    Subscriptions,
    Invoices,
    Charges,
    Events,
    Undelivered,
    Settle,
    Endpoints,
    Rest,
}

impl Phase {
    /// What comes after.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Customers => Self::Subscriptions,
            Self::Subscriptions => Self::Invoices,
            Self::Invoices => Self::Charges,
            Self::Charges => Self::Events,
            Self::Events => Self::Undelivered,
            Self::Undelivered => Self::Settle,
            Self::Settle => Self::Endpoints,
            Self::Endpoints | Self::Rest => Self::Rest,
        }
    }

    /// Whether it lists objects that only a full collection reads.
    pub(super) fn is_object_list(self) -> bool {
        matches!(self, Self::Customers | Self::Subscriptions | Self::Invoices | Self::Charges)
    }

    /// The list that it reads.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Customers => "/v1/customers",
            Self::Subscriptions => "/v1/subscriptions",
            Self::Invoices => "/v1/invoices",
            Self::Charges => "/v1/charges",
            Self::Endpoints => "/v1/webhook_endpoints",
            Self::Events | Self::Undelivered | Self::Settle | Self::Rest => "/v1/events",
        }
    }

    /// The kind whose full collection ends with it.
    pub(super) fn kind(self) -> Option<Kind> {
        match self {
            Self::Customers => Some(Kind::Person),
            Self::Subscriptions => Some(Kind::Subscription),
            Self::Invoices => Some(Kind::Invoice),
            Self::Charges => Some(Kind::Charge),
            Self::Endpoints => Some(Kind::Endpoint),
            Self::Events | Self::Undelivered | Self::Settle | Self::Rest => None,
        }
    }

    /// Its name in Stripe's list of permissions.
    pub(super) fn scope(self) -> &'static str {
        match self {
            Self::Customers => "Customers",
            Self::Subscriptions => "Subscriptions",
            Self::Invoices => "Invoices",
            Self::Charges => "Charges",
            Self::Endpoints => "Webhook Endpoints",
            Self::Events | Self::Undelivered | Self::Settle | Self::Rest => "Events",
        }
    }
}

/// The opaque cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    pub(super) phase: Phase,
    pub(super) page: Paging,
    /// Counts rounds; names what this process remembers of the last one.
    pub(super) round: u64,
    /// When this round began, by our clock.
    pub(super) started: Time,
    /// When every part was last asked for, also those that the key may not read, by our clock.
    pub(super) full_at: Time,
    /// Whether this round is a full collection.
    pub(super) full: bool,
    /// Events up to this second have been read; 0 before the first answer.
    pub(super) since: i64,
    /// Newest event of this round.
    pub(super) newest: i64,
    /// Second of the last event of the page before, within one list of events.
    pub(super) edge: Option<i64>,
    /// Parts that the key may not read.
    pub(super) missing: Vec<Phase>,
    /// Of these, the lists that this round tries once more.
    pub(super) retry: Vec<Phase>,
    /// Second of the oldest event that was undelivered in the last round, and in this one so far.
    pub(super) oldest: Option<i64>,
    pub(super) oldest_now: Option<i64>,
    /// Events to look at again: single ones, or all of a span of seconds.
    pub(super) settle: Vec<String>,
    pub(super) span: Option<(i64, i64)>,
}

impl Cursor {
    /// The start of a full collection.
    pub(super) fn full(now: Time, round: u64) -> Self {
        Self {
            phase: Phase::Customers,
            page: Paging::default(),
            round,
            started: now,
            full_at: now,
            full: true,
            since: 0,
            newest: 0,
            edge: None,
            missing: Vec::new(),
            retry: Vec::new(),
            oldest: None,
            oldest_now: None,
            settle: Vec::new(),
            span: None,
        }
    }

    /// The round that follows one that has ended.
    pub(super) fn again(mut self, now: Time) -> Self {
        if now.since(self.started) > super::EVENTS_KEPT_MS {
            return Self { oldest: self.oldest, ..Self::full(now, self.round + 1) };
        }
        self.retry.clear();
        if !self.missing.is_empty() && now.since(self.full_at) >= super::RETRY_MISSING_MS {
            self.full_at = now;
            self.retry = self.missing.drain(..).filter(|part| part.is_object_list()).collect();
        }
        let rest = if self.missing.contains(&Phase::Events) { Phase::Endpoints } else { Phase::Events };
        let phase = self.retry.pop().unwrap_or(rest);
        Self {
            phase,
            page: Paging::default(),
            round: self.round + 1,
            started: now,
            full: false,
            newest: 0,
            edge: None,
            oldest_now: None,
            settle: Vec::new(),
            span: None,
            ..self
        }
    }

    /// Leaves the current part.
    pub(super) fn leave(&mut self) {
        self.phase = match self.phase {
            part if part.is_object_list() && !self.full => self.retry.pop().unwrap_or(Phase::Events),
            part => part.next(),
        };
        self.page = Paging::default();
        self.edge = None;
    }

    /// Notes that the key may not read the current part and leaves it.
    pub(super) fn skip(&mut self) {
        let part = if matches!(self.phase, Phase::Undelivered | Phase::Settle) { Phase::Events } else { self.phase };
        if !self.missing.contains(&part) {
            self.missing.push(part);
        }
        self.leave();
        if part == Phase::Events {
            self.phase = Phase::Endpoints;
        }
    }
}
