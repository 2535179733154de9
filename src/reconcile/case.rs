//! One customer ready to be judged: identity settled, records folded, policy applied. Rules only read it.

use super::entitle::{self, Entitlement, Standing};
use super::fold::Side;
use super::identity::{Claim, Others, claims};
use super::{Rules, words};
use crate::domain::{Cluster, Evidence, Kind, Record, SourceHealth, State, System, SystemKind, Text, Time};

/// Kinds of system that can know a customer, in the order of the customer screen.
pub(super) const KNOWING: [SystemKind; 4] =
    [SystemKind::Portal, SystemKind::Billing, SystemKind::Crm, SystemKind::Support];

/// One portal customer and everything that bears on them.
pub(super) struct Case<'a> {
    pub(super) now: Time,
    pub(super) rules: &'a Rules,
    pub(super) evidence: &'a Evidence,
    /// The portal's own record.
    pub(super) portal: &'a Record,
    /// All records, sorted, each once.
    pub(super) records: Vec<&'a Record>,
    /// Other living portal customers that bear on this one.
    pub(super) rivals: Vec<&'a Record>,
    /// One view per configured system that can know a customer.
    pub(super) sides: Vec<Side<'a>>,
    /// Support requests that the portal has.
    pub(super) requests: Vec<&'a Record>,
    /// What billing entitles to; `None` without any subscription.
    pub(super) entitlement: Option<Entitlement<'a>>,
    /// The charge that was paid back or is disputed.
    pub(super) refund: Option<&'a Record>,
}

/// Whether the portal lets the customer in, by what its own record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// `active`.
    Open,
    /// `trial`.
    Trial,
    /// `past_due`, and whether policy lets such a customer in.
    PastDue(bool),
    /// `canceled`, or no subscription at all.
    Shut,
    /// A word that nobody mapped: it cannot be told.
    Unclear,
}

/// Each record once (the newest version of it), in an order that does not depend on how they arrived.
pub(super) fn tidy(records: &[Record]) -> Vec<&Record> {
    let mut all: Vec<&Record> = records.iter().collect();
    all.sort_by(|a, b| {
        let key = |r: &Record| (r.system, r.kind);
        let new = |r: &Record| (r.version, r.seen_at);
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id)).then_with(|| new(b).cmp(&new(a)))
    });
    all.dedup_by(|later, first| (later.system, later.kind) == (first.system, first.kind) && later.id == first.id);
    all
}

impl<'a> Case<'a> {
    pub(super) fn new(
        portal: &'a Record,
        cluster: &'a Cluster,
        evidence: &'a Evidence,
        rules: &'a Rules,
        now: Time,
    ) -> Self {
        let records = tidy(&cluster.records);
        let mut rivals: Vec<&Record> = tidy(&cluster.rivals);
        rivals.retain(|r| r.system == System::Portal && r.id != portal.id && !r.deleted);
        let whole = evidence.of(System::Portal).is_some_and(|h| h.knows(Kind::Person));
        let others = Others { rivals: &rivals, whole, beside: &rules.beside() };
        let claims = claims(portal, &records, others);
        let knowing = KNOWING.iter().skip(1).flat_map(|kind| rules.systems(*kind));
        let sides: Vec<Side<'a>> = knowing.map(|system| Side::fold(system, &claims, &records, now)).collect();
        let requests = records
            .iter()
            .copied()
            .filter(|r| r.system == System::Portal && r.kind == Kind::Ticket && !r.deleted)
            .filter(|r| match &r.parent {
                Some(parent) => *parent == portal.id,
                None => r.email.as_ref().and_then(Text::email_key) == portal.email.as_ref().and_then(Text::email_key),
            })
            .collect();
        let refund = sides.iter().find_map(|side| side.refund(now));
        let entitlement = entitlement(&sides, refund, rules, now);
        Self { now, rules, evidence, portal, records, rivals, sides, requests, entitlement, refund }
    }

    /// Views of systems of a kind.
    pub(super) fn of(&self, kind: SystemKind) -> impl Iterator<Item = &Side<'a>> {
        self.sides.iter().filter(move |side| side.system.kind() == kind)
    }

    /// The view of one system.
    pub(super) fn side(&self, system: System) -> Option<&Side<'a>> {
        self.sides.iter().find(|side| side.system == system)
    }

    /// All live subscriptions, in all billing systems.
    pub(super) fn live(&self) -> Vec<&'a Record> {
        self.of(SystemKind::Billing).flat_map(|side| side.live.iter().copied()).collect()
    }

    /// The person who owns a record, with how sure that is.
    pub(super) fn owner(&self, record: &Record) -> Option<Claim<'a>> {
        self.side(record.system).and_then(|side| side.owner(record)).copied()
    }

    /// Whether a record belongs to the customer by more than an e-mail.
    pub(super) fn sure(&self, record: &Record) -> bool {
        self.owner(record).is_some_and(|claim| claim.is_sure())
    }

    pub(super) fn health(&self, system: System) -> Option<&'a SourceHealth> {
        self.evidence.of(system)
    }

    /// What the portal's own record says about access.
    pub(super) fn door(&self) -> Door {
        let word = self.portal.word.as_ref().map(|w| w.as_str().trim().to_lowercase()).unwrap_or_default();
        match self.portal.state {
            Some(State::Active) => Door::Open,
            Some(State::Trial) => Door::Trial,
            Some(State::PastDue) if word == "unpaid" => Door::PastDue(self.rules.access.unpaid),
            Some(State::PastDue) => Door::PastDue(self.rules.access.past_due),
            Some(State::Canceled) => Door::Shut,
            // No word although words are read (no row in the subscription table): the portal grants nothing. A word
            // that is not mapped says nothing.
            Some(State::NeedsReview) | None if word.is_empty() && self.rules.keeps_state => Door::Shut,
            Some(State::NeedsReview) | None => Door::Unclear,
        }
    }

    /// Whether the portal counts the customer among those who are served.
    pub(super) fn is_served(&self) -> bool {
        matches!(self.portal.state, Some(State::Trial | State::Active | State::PastDue))
    }

    /// Whom to call the customer by.
    pub(super) fn who(&self) -> String {
        words::who(self.portal)
    }

    /// What the portal says of the state, in a few words.
    pub(super) fn portal_word(&self) -> String {
        match self.portal.state {
            Some(State::Trial) => "trial".to_owned(),
            Some(State::NeedsReview) | None if self.portal.word.is_none() => "no subscription".to_owned(),
            _ => words::said(self.portal),
        }
    }

    /// The day of a moment, as it stands in a sentence.
    pub(super) fn date(&self, at: Time) -> String {
        words::date(at, self.now)
    }
}

/// The subscription that entitles most decides. A refund takes back what it paid for, where policy says so.
fn entitlement<'a>(sides: &[Side<'a>], refund: Option<&Record>, rules: &Rules, now: Time) -> Option<Entitlement<'a>> {
    let all = sides.iter().flat_map(Side::subscriptions).map(|s| entitle::entitle(s, &rules.access, now));
    let mut best = all.min_by(|a, b| {
        let key = |e: &Entitlement<'a>| {
            (e.access != Some(true), e.standing, std::cmp::Reverse(e.subscription.changed_at()), e.subscription.system)
        };
        key(a).cmp(&key(b)).then_with(|| a.subscription.id.cmp(&b.subscription.id))
    })?;
    let taken_back = refund.is_some_and(|charge| charge.system == best.subscription.system);
    if taken_back && !rules.access.refunded && best.standing != Standing::Ended {
        best.standing = Standing::Refunded;
        (best.access, best.policy) = entitle::access(Standing::Refunded, &rules.access);
    }
    Some(best)
}
