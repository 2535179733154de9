//! Where a collection of Paddle stands.
//!
//! A full collection notes the newest event, reads customers, subscriptions and transactions, then what happened since
//! that event. Every later round reads new events, new notifications, those not taken yet, and the destinations. Once a
//! day everything is read again: lists know no "updated since".
//! What must stay true: positions (`events`, `told`) are Paddle's own ids, which grow with time; `crowd` is Paddle's clock,
//! all other moments are ours.

use serde::{Deserialize, Serialize};

use crate::domain::{Kind, Time};
use crate::sources::http::Paging;

/// Events and notifications are kept for 90 days; after 89 the gap cannot be closed by them.
const KEPT_MS: i64 = 89 * 24 * 3600 * 1000;
/// Everything is read again after this.
const FULL_MS: i64 = 24 * 3600 * 1000;
/// The same, when the key may not read events.
const FULL_BLIND_MS: i64 = 3600 * 1000;
/// A part that the key may not read is tried again after this.
const RETRY_MS: i64 = 15 * 60 * 1000;

/// A step of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// The newest event, before any list.
    Anchor,
    Customers,
    Subscriptions,
    Transactions,
    Events,
    /// Notifications of the last days, newest first.
    Recent,
    /// Notifications since the last round.
    Notifications,
    /// Notifications that are not taken yet.
    Open,
    /// Those that were not taken in the last round and have left that list.
    Settle,
    Endpoints,
    Rest,
}

/// What a key may be allowed to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    Customers,
    Subscriptions,
    Transactions,
    Adjustments,
    Events,
    Notifications,
    Endpoints,
}

impl Part {
    /// Its name for a person, close to Paddle's list of permissions.
    pub(super) fn scope(self) -> &'static str {
        match self {
            Self::Customers => "Customers",
            Self::Subscriptions => "Subscriptions",
            Self::Transactions => "Transactions",
            Self::Adjustments => "Adjustments",
            Self::Events => "Events",
            Self::Notifications => "Notifications",
            Self::Endpoints => "Notification settings",
        }
    }
}

impl Phase {
    /// The permission that it needs.
    pub(super) fn part(self) -> Option<Part> {
        Some(match self {
            Self::Customers => Part::Customers,
            Self::Subscriptions => Part::Subscriptions,
            Self::Transactions => Part::Transactions,
            Self::Anchor | Self::Events => Part::Events,
            Self::Recent | Self::Notifications | Self::Open | Self::Settle => Part::Notifications,
            Self::Endpoints => Part::Endpoints,
            Self::Rest => return None,
        })
    }

    /// The list that it reads.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Customers => "/customers",
            Self::Subscriptions => "/subscriptions",
            Self::Transactions => "/transactions",
            Self::Anchor | Self::Events | Self::Rest => "/events",
            Self::Recent | Self::Notifications | Self::Open | Self::Settle => "/notifications",
            Self::Endpoints => "/notification-settings",
        }
    }

    /// Kinds whose full collection ends with it.
    pub(super) fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Customers => &[Kind::Person],
            Self::Subscriptions => &[Kind::Subscription],
            Self::Transactions => &[Kind::Invoice, Kind::Charge],
            Self::Endpoints => &[Kind::Endpoint],
            _ => &[],
        }
    }

    fn is_object_list(self) -> bool {
        matches!(self, Self::Customers | Self::Subscriptions | Self::Transactions)
    }
}

/// The opaque cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    pub(super) phase: Phase,
    pub(super) page: Paging,
    /// When this round began.
    pub(super) started: Time,
    /// When the last full collection began.
    pub(super) full_at: Time,
    /// When parts that the key may not read were last asked for.
    pub(super) tried_at: Time,
    /// Whether this round is a full collection.
    pub(super) full: bool,
    /// Events up to this id have been read, and are old enough that none before it can still turn up.
    pub(super) events: Option<String>,
    /// The same for the end of this round.
    pub(super) settled: Option<String>,
    /// Second of the last event of the page before.
    pub(super) edge: Option<i64>,
    /// Notifications up to this id have been read, and the newest of this round so far.
    pub(super) told: Option<String>,
    pub(super) newest: Option<String>,
    /// The moment from which a list of notifications is read.
    pub(super) from: Option<Time>,
    /// Notifications that were not taken: of the last round, and of this one so far.
    pub(super) open: Vec<String>,
    pub(super) open_now: Vec<String>,
    /// Not all of `open` could be kept: the oldest moment of what is missing; of the last round and of this one.
    pub(super) crowd: Option<Time>,
    pub(super) crowd_now: Option<Time>,
    /// Parts that the key may not read.
    pub(super) missing: Vec<Part>,
    /// Lists that this round tries once more.
    pub(super) retry: Vec<Phase>,
}

impl Cursor {
    /// The start of a full collection.
    pub(super) fn full(now: Time) -> Self {
        Self {
            phase: Phase::Anchor,
            page: Paging::default(),
            started: now,
            full_at: now,
            tried_at: now,
            full: true,
            events: None,
            settled: None,
            edge: None,
            told: None,
            newest: None,
            from: None,
            open: Vec::new(),
            open_now: Vec::new(),
            crowd: None,
            crowd_now: None,
            missing: Vec::new(),
            retry: Vec::new(),
        }
    }

    /// The round that follows one that has ended.
    pub(super) fn again(self, now: Time) -> Self {
        let keep = |cursor: Self| Self { open: cursor.open, crowd: cursor.crowd, ..Self::full(now) };
        if now.since(self.started) > KEPT_MS {
            return keep(self);
        }
        let blind = self.missing.contains(&Part::Events);
        if now.since(self.full_at) >= if blind { FULL_BLIND_MS } else { FULL_MS } {
            let (events, told) = (self.events.clone(), self.told.clone());
            let phase = if events.is_some() { Phase::Customers } else { Phase::Anchor };
            return Self { phase, events, told, ..keep(self) };
        }
        let mut next = Self {
            page: Paging::default(),
            started: now,
            full: false,
            settled: None,
            edge: None,
            newest: None,
            from: None,
            open_now: Vec::new(),
            crowd_now: None,
            retry: Vec::new(),
            ..self
        };
        if !next.missing.is_empty() && now.since(next.tried_at) >= RETRY_MS {
            next.tried_at = now;
            // Events of the time between are lost, and adjustments would cost every transaction again: these two wait
            // for the next full collection.
            let (wait, tried) = next.missing.drain(..).partition(|p| matches!(p, Part::Events | Part::Adjustments));
            next.missing = wait;
            let tried: Vec<Part> = tried;
            let lists = [Phase::Transactions, Phase::Subscriptions];
            next.retry = lists.into_iter().filter(|list| list.part().is_some_and(|p| tried.contains(&p))).collect();
        }
        next.phase = next.retry.pop().unwrap_or(Phase::Events);
        next.pass_over();
        next
    }

    /// Leaves the current part.
    pub(super) fn leave(&mut self) {
        self.phase = match self.phase {
            part if part.is_object_list() && !self.full => self.retry.pop().unwrap_or(Phase::Events),
            Phase::Anchor => Phase::Customers,
            Phase::Customers => Phase::Subscriptions,
            Phase::Subscriptions => Phase::Transactions,
            Phase::Transactions => Phase::Events,
            Phase::Events if self.full || self.told.is_none() => Phase::Recent,
            Phase::Events => Phase::Notifications,
            Phase::Recent | Phase::Notifications => Phase::Open,
            Phase::Open => Phase::Settle,
            Phase::Settle => Phase::Endpoints,
            Phase::Endpoints | Phase::Rest => Phase::Rest,
        };
        self.page = Paging::default();
        (self.edge, self.from) = (None, None);
        self.pass_over();
    }

    /// Passes over parts that the key may not read.
    fn pass_over(&mut self) {
        if self.phase.part().is_some_and(|part| self.missing.contains(&part)) {
            self.leave();
        }
    }

    /// Notes that the key may not read the current part and leaves it.
    pub(super) fn skip(&mut self) {
        if let Some(part) = self.phase.part().filter(|part| !self.missing.contains(part)) {
            self.missing.push(part);
        }
        self.leave();
    }
}
