//! What is wrong in Harbor & Pine, as a table: one row for each way in which systems can disagree.
//!
//! What must stay true: each row changes as little of a clean draft as makes its own class true and no other, and
//! every time that it touches is at least two hours past, except in the rows marked fresh.

use super::catalog;
use super::draft::{Contact, DAY, Draft, HOUR, Link, Request, Subscription, TRIAL};
use crate::domain::Class;

/// One row.
pub(super) struct Plant {
    /// Which class.
    pub class: Class,
    /// How many of it in a company of 240.
    pub count: usize,
    /// Whether it happened seconds ago, so that it is still settling.
    pub fresh: bool,
    /// Whether a second, clean customer is drawn into it.
    pub partner: bool,
    /// What to change: the draft, which of `count` it is, the key of the partner, the moment in milliseconds.
    pub twist: fn(&mut Draft, usize, usize, i64),
}

const fn plant(class: Class, count: usize, twist: fn(&mut Draft, usize, usize, i64)) -> Plant {
    Plant { class, count, fresh: false, partner: false, twist }
}

/// The table, worst first: the first rows get the names that a demonstration should meet first.
pub(super) const PLANTS: &[Plant] = &[
    plant(Class::PaidBlocked, 3, paid_blocked),
    plant(Class::DoubleSubscription, 1, double_subscription),
    plant(Class::UnpaidActive, 2, unpaid_active),
    plant(Class::RefundedActive, 2, refunded_active),
    plant(Class::PlanDiffers, 2, plan_differs),
    plant(Class::TrialOverrun, 2, trial_overrun),
    plant(Class::PastDuePolicy, 1, past_due_policy),
    plant(Class::PartialRecord, 2, partial_record),
    Plant { partner: true, ..plant(Class::CrossedLink, 2, crossed_link) },
    plant(Class::PaidUnknown, 2, paid_unknown),
    plant(Class::DanglingLink, 2, dangling_link),
    plant(Class::ContactMissing, 2, contact_missing),
    plant(Class::DuplicateContact, 2, duplicate_contact),
    plant(Class::StageContradicts, 2, stage_contradicts),
    plant(Class::TicketMissing, 2, ticket_missing),
    plant(Class::EmailDiffers, 2, email_differs),
    plant(Class::UnmappedPlan, 1, unmapped_plan),
    plant(Class::IncompleteEvidence, 2, incomplete_evidence),
    Plant { fresh: true, ..plant(Class::PaidBlocked, 1, just_paid) },
    Plant { fresh: true, ..plant(Class::PlanDiffers, 1, just_upgraded) },
];

/// Paid hours ago; the portal still says trial (which would end tomorrow), or still says canceled.
fn paid_blocked(draft: &mut Draft, which: usize, _: usize, now: i64) {
    let paid = now - [3 * HOUR + 700_000, 26 * HOUR, 5 * HOUR][which % 3];
    let started = if which % 3 == 1 { now - 70 * DAY } else { now - TRIAL + DAY };
    draft.created = started;
    draft.subscription(|s| {
        s.created = if which % 3 == 1 { paid - 60_000 } else { started + 60_000 };
        s.paid_from = Some(paid);
    });
    draft.portal(|p| {
        p.status = Some(if which % 3 == 1 { "canceled" } else { "trialing" });
        p.updated = if which % 3 == 1 { now - 20 * DAY } else { started + 60_000 };
    });
}

/// Paid seconds ago: the portal has not heard yet.
fn just_paid(draft: &mut Draft, _: usize, _: usize, now: i64) {
    let started = now - TRIAL + 2 * DAY;
    draft.created = started;
    draft.subscription(|s| {
        s.created = started + 60_000;
        s.paid_from = Some(now - 9_000);
    });
    draft.portal(|p| {
        p.status = Some("trialing");
        p.updated = started + 60_000;
    });
}

/// Went up a plan seconds ago: the portal has not heard yet.
fn just_upgraded(draft: &mut Draft, _: usize, _: usize, now: i64) {
    let price = catalog::find("team", draft.persona.currency, false);
    draft.subscription(|s| {
        s.price = Some(price);
        s.changed = Some(now - 8_000);
    });
    draft.portal(|p| p.plan = Some("pro"));
}

/// Active, but a column that the webhook should have filled is empty.
fn partial_record(draft: &mut Draft, which: usize, _: usize, _: i64) {
    draft.portal(|p| match which % 2 {
        0 => p.plan = None,
        _ => p.link = Link::Nobody,
    });
}

/// Checked out twice: two live subscriptions on one customer.
fn double_subscription(draft: &mut Draft, _: usize, _: usize, now: i64) {
    draft.billing(|b| {
        if let Some(first) = b.subscriptions.first().cloned() {
            b.subscriptions.push(Subscription { created: now - 5 * HOUR, paid_from: Some(now - 5 * HOUR), ..first });
        }
    });
}

/// Two portal customers on one Stripe customer; a Stripe customer whose metadata names somebody else.
fn crossed_link(draft: &mut Draft, which: usize, partner: usize, _: i64) {
    if which.is_multiple_of(2) {
        draft.billing = None;
        draft.portal(|p| p.link = Link::Of(partner));
    } else {
        draft.billing(|b| b.names = Some(partner));
    }
}

/// Nothing is paid any more; the door is still open.
fn unpaid_active(draft: &mut Draft, which: usize, _: usize, now: i64) {
    if which.is_multiple_of(2) {
        draft.subscription(|s| {
            s.status = "canceled";
            s.ended = Some(now - 2 * DAY);
        });
        draft.stage("other");
    } else {
        draft.subscription(|s| {
            s.status = "unpaid";
            s.paid_from = Some(now - 30 * DAY - 9 * DAY);
        });
        draft.created = draft.created.min(now - 60 * DAY);
    }
}

/// The money went back, or is disputed; the door is still open.
fn refunded_active(draft: &mut Draft, which: usize, _: usize, _: i64) {
    draft.billing(|b| {
        b.refunded = which.is_multiple_of(2);
        b.disputed = !b.refunded;
    });
}

/// The portal has pro, Stripe has team; or the other way about.
fn plan_differs(draft: &mut Draft, which: usize, _: usize, _: i64) {
    let (portal, paid) = if which.is_multiple_of(2) { ("pro", "team") } else { ("team", "starter") };
    let price = catalog::find(paid, draft.persona.currency, false);
    draft.subscription(|s| s.price = Some(price));
    draft.portal(|p| p.plan = Some(portal));
}

/// The trial ended five days ago and nothing moved.
fn trial_overrun(draft: &mut Draft, which: usize, _: usize, now: i64) {
    let started = now - TRIAL - 5 * DAY;
    draft.created = started;
    draft.portal(|p| {
        p.status = Some("trialing");
        p.updated = started + 60_000;
    });
    draft.stage("opportunity");
    if which.is_multiple_of(2) {
        draft.billing(|b| b.subscriptions.clear());
    } else {
        draft.subscription(|s| {
            s.created = started + 60_000;
            s.paid_from = None;
            s.ended = Some(started + TRIAL);
            s.status = "canceled";
        });
        draft.stage("other");
    }
}

/// Policy lets them in while the payment is retried; the portal locked them out.
fn past_due_policy(draft: &mut Draft, _: usize, _: usize, now: i64) {
    draft.created = draft.created.min(now - 60 * DAY);
    draft.subscription(|s| {
        s.status = "past_due";
        s.paid_from = Some(now - 32 * DAY);
    });
    draft.portal(|p| {
        p.status = Some("suspended");
        p.updated = now - 2 * DAY + 30_000;
    });
}

/// Somebody pays whom the portal does not know.
fn paid_unknown(draft: &mut Draft, which: usize, _: usize, _: i64) {
    draft.portal = None;
    draft.billing(|b| b.names = None);
    if which.is_multiple_of(2) {
        draft.contacts.clear();
    }
    for contact in &mut draft.contacts {
        contact.linked = false;
    }
}

/// The portal points at a Stripe customer that was deleted, or never was.
fn dangling_link(draft: &mut Draft, which: usize, _: usize, now: i64) {
    if which.is_multiple_of(2) {
        draft.billing(|b| b.deleted = true);
        draft.subscription(|s| {
            s.status = "canceled";
            s.ended = Some(now - 3 * DAY);
        });
    } else {
        draft.billing = None;
        draft.portal(|p| p.link = Link::Invented);
    }
}

/// A paying customer whom HubSpot does not know.
fn contact_missing(draft: &mut Draft, _: usize, _: usize, _: i64) {
    draft.contacts.clear();
}

/// Two contacts with one e-mail.
fn duplicate_contact(draft: &mut Draft, _: usize, _: usize, _: i64) {
    draft.contacts.push(Contact { stage: "customer", linked: false });
}

/// Paying, and called a lead; gone, and called a customer.
fn stage_contradicts(draft: &mut Draft, which: usize, _: usize, now: i64) {
    if which.is_multiple_of(2) {
        draft.stage("lead");
    } else {
        draft.subscription(|s| {
            s.status = "canceled";
            s.ended = Some(now - 6 * DAY);
        });
        draft.portal(|p| {
            p.status = Some("canceled");
            p.updated = now - 6 * DAY + 4_000;
        });
    }
}

/// Asked for help, and no ticket was made.
fn ticket_missing(draft: &mut Draft, which: usize, _: usize, now: i64) {
    draft.requests.push(Request { at: now - [4 * HOUR, 31 * HOUR][which % 2], ticket: None });
}

/// Pays under another address.
fn email_differs(draft: &mut Draft, which: usize, _: usize, _: i64) {
    let domain = draft.persona.email.split_once('@').map_or("post.example", |(_, d)| d).to_owned();
    draft.billing(|b| b.email = format!("{}@{domain}", ["invoices", "old.address"][which % 2]));
}

/// Still on a price that nobody put into the plan table.
fn unmapped_plan(draft: &mut Draft, _: usize, _: usize, _: i64) {
    draft.subscription(|s| s.price = Some(catalog::FORGOTTEN));
}

/// A state word that the mapping does not know; or no state at all, and a subscription whose price is not told.
fn incomplete_evidence(draft: &mut Draft, which: usize, _: usize, _: i64) {
    if which.is_multiple_of(2) {
        draft.portal(|p| p.status = Some("grandfathered"));
        draft.billing(|b| b.subscriptions.clear());
    } else {
        draft.portal(|p| p.status = None);
        draft.subscription(|s| s.price = None);
    }
}
