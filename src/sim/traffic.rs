//! Everyday traffic: events that change nothing, at the pace of a small company.
//!
//! What must stay true: it never touches a planted customer, and every Stripe event of it stands in Stripe's own list
//! under the id that the portal's log has.

use super::books::{Event, Subject};
use super::portal::LogRow;
use super::random::Random;
use super::rooms::Invocation;
use super::world::World;
use crate::domain::System;

/// Story milliseconds between two events, on average: about thirty a minute over all providers.
pub(super) const PACE: f64 = 2_000.0;

/// What arrives: provider, type, how often among a hundred.
const KINDS: &[(System, &str, u32)] = &[
    (System::Stripe, "payment_intent.succeeded", 14),
    (System::Stripe, "charge.succeeded", 14),
    (System::Stripe, "charge.updated", 9),
    (System::Stripe, "customer.updated", 8),
    (System::Stripe, "payment_method.attached", 6),
    (System::Stripe, "payment_intent.created", 5),
    (System::Hubspot, "contact.propertyChange", 18),
    (System::Hubspot, "contact.creation", 4),
    (System::Zendesk, "ticket.updated", 14),
    (System::Zendesk, "user.updated", 8),
];

/// An event on its way to the portal.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    /// Whose.
    pub source: System,
    /// Its type.
    pub kind: &'static str,
    /// The provider's id of it.
    pub event_id: String,
    /// Number of the event on Stripe's books.
    pub stripe: Option<usize>,
    /// Number of the customer.
    pub account: Option<usize>,
    /// Milliseconds, by the wall clock.
    pub at: i64,
}

/// One event of everyday traffic, not yet anywhere.
struct Everyday {
    source: System,
    kind: &'static str,
    account: Option<usize>,
    subject: Subject,
}

fn draw(world: &World, random: &mut Random) -> Everyday {
    let mut share = random.below(KINDS.iter().map(|k| k.2 as usize).sum()) as u32;
    let mut chosen = (System::Stripe, "customer.updated");
    for (system, kind, weight) in KINDS {
        if share < *weight {
            chosen = (*system, kind);
            break;
        }
        share -= weight;
    }
    let account = clean_account(world, random);
    let subject = subject(world, chosen.1, account);
    // A type and an object that do not fit each other would be no event of Stripe's.
    let kind = match (chosen.0, &subject) {
        (System::Stripe, Subject::Other("payment_intent", _)) if chosen.1 != "payment_intent.created" => {
            "payment_intent.succeeded"
        }
        _ => chosen.1,
    };
    Everyday { source: chosen.0, kind, account, subject }
}

/// One event of everyday traffic, on its way.
pub(super) fn everyday(world: &mut World, random: &mut Random, at: i64) -> Arrival {
    let Everyday { source, kind, account, subject } = draw(world, random);
    match source {
        System::Stripe => arrive_stripe(world, kind, subject, None, account, at),
        _ => arrive_other(source, random, kind, account, at),
    }
}

/// A clean customer of the portal, if there is one to be found quickly.
pub(super) fn clean_account(world: &World, random: &mut Random) -> Option<usize> {
    for _ in 0..12 {
        let number = random.below(world.accounts.len());
        if world.accounts.get(number).is_some_and(|a| !a.planted && a.payer.is_some()) {
            return Some(number);
        }
    }
    None
}

fn subject(world: &World, kind: &str, account: Option<usize>) -> Subject {
    let payer = account.and_then(|n| world.accounts.get(n)).and_then(|a| a.payer).unwrap_or_default();
    let owned = world.books.of.get(payer as usize);
    let charge = owned.and_then(|o| o.charges.last()).and_then(|n| world.books.charges.get(*n as usize));
    let row = world.books.payers.get(payer as usize);
    match (kind, charge, row) {
        ("charge.succeeded", Some(charge), _) if charge.paid => Subject::Charge(charge.clone()),
        ("customer.updated", _, Some(row)) => Subject::Payer(row.clone()),
        ("payment_method.attached", ..) => Subject::Other("payment_method", payer),
        ("charge.updated", Some(charge), _) => Subject::Charge(charge.clone()),
        _ => Subject::Other("payment_intent", payer),
    }
}

/// Puts an event on Stripe's books, not yet taken by the endpoint.
pub(super) fn arrive_stripe(
    world: &mut World,
    kind: &'static str,
    subject: Subject,
    previous: Option<(&'static str, &'static str)>,
    account: Option<usize>,
    at: i64,
) -> Arrival {
    let number = world.books.add_event(Event { kind, created: at / 1000, subject, previous, pending: true });
    let event_id = world.ids.stripe("evt_", number);
    Arrival { source: System::Stripe, kind, event_id, stripe: Some(number), account, at }
}

/// An event of another provider's webhook.
pub(super) fn arrive_other(
    source: System,
    random: &mut Random,
    kind: &'static str,
    account: Option<usize>,
    at: i64,
) -> Arrival {
    let event_id = match source {
        System::Hubspot => (3_816_000_000_u64 + random.next() % 900_000_000).to_string(),
        _ => format!("01J{}", random.word(23).to_uppercase()),
    };
    Arrival { source, kind, event_id, stripe: None, account, at }
}

/// What the portal's log says of an arrival that was taken, or (with a reason) was not.
pub(super) fn logged(
    world: &mut World,
    random: &mut Random,
    arrival: &Arrival,
    failure: Option<(i64, &'static str)>,
    attempts: i64,
) -> LogRow {
    let usual = match arrival.source {
        System::Stripe => 84,
        System::Hubspot => 61,
        _ => 118,
    };
    let latency = random.latency(usual);
    if let (None, Some(number)) = (failure, arrival.stripe) {
        world.books.set_delivered(number);
    }
    if arrival.source == System::Zendesk {
        let (status, code) = failure.map_or(("success", 200), |(code, _)| ("server error", code));
        let id = arrival.event_id.clone();
        world.desk.add_invocation(Invocation { id, status, at: arrival.at, code, kind: arrival.kind });
    }
    LogRow {
        event_id: arrival.event_id.clone(),
        source: arrival.source,
        kind: arrival.kind,
        account: arrival.account,
        at: arrival.at,
        state: if failure.is_some() { "failed" } else { "delivered" },
        status: failure.map_or(200, |f| f.0),
        latency: if matches!(failure, Some((504, _))) { 10_000 } else { latency },
        error: failure.map(|f| f.1),
        attempts,
    }
}

/// How long the log reaches back at the start.
pub(super) const LOGGED: i64 = 90 * 60_000;

/// Changes this recent are still on their way to the portal at the start.
const UNDERWAY: i64 = 60_000;

/// The log of the last hour and a half, oldest first: nearly everything went well. Everyday events are sorted in among
/// those that the company's own history made, because Stripe's list is in order of creation.
pub(super) fn history(world: &mut World, random: &mut Random) -> Vec<LogRow> {
    let end = world.started.ms();
    let mut all: Vec<(i64, Result<Event, Arrival>, Option<usize>)> = Vec::new();
    for event in world.books.take_events() {
        let pending = event.created * 1000 > end - UNDERWAY;
        all.push((event.created * 1000, Ok(Event { pending, ..event }), None));
    }
    let mut at = end - LOGGED;
    loop {
        at += random.wait(PACE).max(20);
        if at >= end - 500 {
            break;
        }
        let Everyday { source, kind, account, subject } = draw(world, random);
        let item = match source {
            System::Stripe => Ok(Event { kind, created: at / 1000, subject, previous: None, pending: false }),
            _ => Err(arrive_other(source, random, kind, account, at)),
        };
        all.push((at, item, account));
    }
    all.sort_by_key(|(at, _, _)| at.div_euclid(1000));
    let mut rows = Vec::new();
    for (at, item, account) in all {
        let arrival = match item {
            Err(arrival) => arrival,
            Ok(event) => {
                let (kind, pending) = (event.kind, event.pending);
                let number = world.books.add_event(event);
                if pending || at < end - LOGGED {
                    continue;
                }
                let event_id = world.ids.stripe("evt_", number);
                Arrival { source: System::Stripe, kind, event_id, stripe: Some(number), account, at }
            }
        };
        // A slow answer now and then: tried again at once, and taken.
        let tries = if random.percent(0.7) { 2 } else { 1 };
        rows.push(logged(world, random, &arrival, None, tries));
    }
    rows
}
