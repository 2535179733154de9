//! Records of one customer become one view per system: who they are there, and what belongs to them.
//!
//! Several subscriptions: those that are over are ignored while one lives; of the living, `past_due` is shown before
//! `active` before `trial`. What must stay true: the order of records and repeated records change nothing.

use std::cmp::Reverse;

use super::identity::Claim;
use crate::domain::{Flag, Kind, Record, State, System, Time};

/// Providers stamp a charge and its invoice a few moments apart; a payment this much later is another one (ms).
const LATER: i64 = 600_000;
/// How far ahead of ours a system's clock may be before what it says of time is not believed (ms).
pub const SKEW: i64 = 900_000;

/// What one system says of the customer.
#[derive(Clone, Debug)]
pub struct Side<'a> {
    /// Which system.
    pub system: System,
    /// Persons that belong, the best first.
    pub claims: Vec<Claim<'a>>,
    /// Live subscriptions, the one that decides the shown state first.
    pub live: Vec<&'a Record>,
    /// Open, but not (yet, or now) giving anything: incomplete, paused.
    pub idle: Vec<&'a Record>,
    /// Subscriptions that are over, newest end first.
    pub over: Vec<&'a Record>,
    /// Invoices, newest first.
    pub invoices: Vec<&'a Record>,
    /// Charges, newest first.
    pub charges: Vec<&'a Record>,
    /// Tickets, newest first.
    pub tickets: Vec<&'a Record>,
    /// Deals, the one that says most first: won before open before lost, of equals the newest.
    pub deals: Vec<&'a Record>,
}

impl<'a> Side<'a> {
    /// Folds one system's records. `records` must be sorted and without repeats.
    pub fn fold(system: System, claims: &[Claim<'a>], records: &[&'a Record], now: Time) -> Self {
        let mut claims: Vec<Claim<'a>> = claims.iter().filter(|c| c.record.system == system).copied().collect();
        let own = |r: &&Record| {
            let owner = |c: &Claim<'a>| c.counts() && Some(&c.record.id) == r.parent.as_ref();
            r.system == system && !r.has(Flag::Test) && claims.iter().any(owner)
        };
        let of = |kind: Kind| records.iter().copied().filter(own).filter(move |r| r.kind == kind);
        let newest = |mut list: Vec<&'a Record>| {
            list.sort_by_key(|r| (Reverse(happened(r, now)), &r.id));
            list
        };
        let (mut live, mut idle, mut over) = (Vec::new(), Vec::new(), Vec::new());
        for sub in of(Kind::Subscription) {
            match sub.state {
                Some(State::Canceled) => over.push(sub),
                _ if sub.deleted => over.push(sub),
                Some(State::Active | State::Trial | State::PastDue) => live.push(sub),
                _ => idle.push(sub),
            }
        }
        live.sort_by_key(|s| (precedence(s.state), Reverse(s.changed_at()), &s.id));
        idle.sort_by_key(|s| (Reverse(s.changed_at()), &s.id));
        let (invoices, charges, tickets) = (
            newest(of(Kind::Invoice).filter(|r| !r.deleted).collect()),
            newest(of(Kind::Charge).filter(|r| !r.deleted).collect()),
            newest(of(Kind::Ticket).filter(|r| !r.deleted).collect()),
        );
        let mut deals = newest(of(Kind::Deal).filter(|r| !r.deleted && r.state.is_some()).collect());
        deals.sort_by_key(|deal| weight(deal.state));
        // Of two persons with an equal match, the one who pays is the one to show.
        claims.sort_by_key(|c| {
            let pays = live.iter().any(|s| s.parent.as_ref() == Some(&c.record.id));
            (c.matched, Reverse(pays), c.record.created_at, &c.record.id)
        });
        Self { system, claims, live, idle, over: newest(over), invoices, charges, tickets, deals }
    }

    /// The person to show.
    pub fn person(&self) -> Option<Claim<'a>> {
        self.claims.first().copied()
    }

    /// Persons from whom conclusions may be drawn.
    pub fn people(&self) -> impl Iterator<Item = &Claim<'a>> {
        self.claims.iter().filter(|c| c.counts())
    }

    /// What says where a person stands: the person's own word, else the deal about them that says most.
    pub fn voice(&self, person: &'a Record) -> &'a Record {
        let about = |deal: &&&Record| deal.parent.as_ref() == Some(&person.id);
        let silent = person.state.is_none() && person.word.is_none();
        self.deals.iter().find(about).filter(|_| silent).copied().unwrap_or(person)
    }

    /// The person who owns a record.
    pub fn owner(&self, record: &Record) -> Option<&Claim<'a>> {
        self.people().find(|c| Some(&c.record.id) == record.parent.as_ref())
    }

    /// Every subscription.
    pub fn subscriptions(&self) -> impl Iterator<Item = &'a Record> + '_ {
        self.live.iter().chain(&self.idle).chain(&self.over).copied()
    }

    /// The newest invoice that was paid.
    pub fn paid_invoice(&self) -> Option<&'a Record> {
        self.invoices.iter().copied().find(|i| is_paid(i))
    }

    /// The charge that was paid back or is disputed, unless another payment followed.
    pub fn refund(&self, now: Time) -> Option<&'a Record> {
        let charge = self.charges.iter().copied().find(|c| c.has(Flag::Refunded) || c.has(Flag::Disputed))?;
        let at = paid_at(charge);
        let later = |other: &Record| match (paid_at(other), at) {
            (Some(other), Some(at)) => other <= now.plus_ms(SKEW) && other.since(at) > LATER,
            _ => false,
        };
        let good = |c: &Record| !c.has(Flag::Refunded) && !c.has(Flag::Disputed);
        let paid_again =
            self.invoices.iter().any(|i| is_paid(i) && later(i)) || self.charges.iter().any(|c| good(c) && later(c));
        (!paid_again).then_some(charge)
    }
}

fn is_paid(invoice: &Record) -> bool {
    invoice.word.as_ref().is_some_and(|w| w.as_str() == "paid" || w.as_str() == "completed")
}

fn paid_at(record: &Record) -> Option<Time> {
    record.ended_at.or(record.created_at)
}

const fn precedence(state: Option<State>) -> u8 {
    match state {
        Some(State::PastDue) => 0,
        Some(State::Active) => 1,
        Some(State::Trial) => 2,
        _ => 3,
    }
}

/// Won, open, lost; what nobody knows comes last.
const fn weight(state: Option<State>) -> u8 {
    match state {
        Some(State::Active) => 0,
        Some(State::Trial) => 1,
        Some(State::Canceled) => 2,
        _ => 3,
    }
}

/// The newest moment at which the system itself says that this changed, an end that has passed included. What lies
/// further ahead than a clock may be wrong is not believed: it would hide a disagreement for ever.
pub fn happened(record: &Record, now: Time) -> Option<Time> {
    let latest = now.plus_ms(SKEW);
    let ended = record.ended_at.filter(|at| *at <= now);
    [record.updated_at, record.created_at, ended].into_iter().flatten().filter(|at| *at <= latest).max()
}
