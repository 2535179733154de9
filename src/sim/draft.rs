//! A customer on paper: what each system will say of them, before ids are given out.
//!
//! What must stay true: a clean draft agrees in every system. Planting a mismatch is changing one thing in it.

use super::catalog;
use super::names::Persona;
use crate::domain::Class;

/// Milliseconds.
pub(super) const HOUR: i64 = 3_600_000;
/// Milliseconds.
pub(super) const DAY: i64 = 24 * HOUR;
/// How long everybody may try.
pub(super) const TRIAL: i64 = 14 * DAY;

/// Where a clean customer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Trying.
    Trial,
    /// Paying.
    Active,
    /// A payment failed and is being retried; policy lets them in.
    PastDue,
    /// Gone.
    Canceled,
}

/// Which Stripe customer the portal points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Their own.
    Own,
    /// None.
    Nobody,
    /// That of the draft with this key.
    Of(usize),
    /// An id that Stripe never gave out.
    Invented,
}

/// The portal's view.
#[derive(Clone, Debug)]
pub(super) struct Portal {
    /// The portal's word.
    pub status: Option<&'static str>,
    /// The portal's plan.
    pub plan: Option<&'static str>,
    /// The Stripe customer.
    pub link: Link,
    /// When it last changed.
    pub updated: i64,
}

/// Stripe's view.
#[derive(Clone, Debug)]
pub(super) struct Billing {
    /// E-mail there.
    pub email: String,
    /// Key of the draft that `metadata.portal_id` names.
    pub names: Option<usize>,
    /// Deleted there.
    pub deleted: bool,
    /// Subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// What became of the last charge.
    pub refunded: bool,
    /// What became of the last charge.
    pub disputed: bool,
}

/// A subscription on paper. Times are milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    /// Number of the price; `None` leaves it out of the answer.
    pub price: Option<usize>,
    /// Stripe's word.
    pub status: &'static str,
    /// Since when.
    pub created: i64,
    /// The first paid day.
    pub paid_from: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
    /// When the plan was changed, with an invoice of its own.
    pub changed: Option<i64>,
}

/// HubSpot's view.
#[derive(Clone, Debug)]
pub(super) struct Contact {
    /// Lifecycle stage.
    pub stage: &'static str,
    /// Whether `portal_id` is filled in.
    pub linked: bool,
}

/// A support request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// When.
    pub at: i64,
    /// The Zendesk ticket's status; `None` when it never got there.
    pub ticket: Option<&'static str>,
}

/// One customer on paper.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// Tells drafts apart before they have ids.
    pub key: usize,
    /// Who.
    pub persona: Persona,
    /// Since when.
    pub created: i64,
    /// The portal's view; `None` when the portal has nobody.
    pub portal: Option<Portal>,
    /// Stripe's view; `None` when Stripe has nobody.
    pub billing: Option<Billing>,
    /// HubSpot's contacts.
    pub contacts: Vec<Contact>,
    /// Support requests.
    pub requests: Vec<Request>,
    /// What is wrong here on purpose.
    pub planted: Option<Class>,
}

impl Draft {
    /// A customer about whom all systems agree.
    pub(super) fn clean(
        key: usize,
        persona: Persona,
        standing: Standing,
        plan: &'static str,
        yearly: bool,
        created: i64,
        now: i64,
    ) -> Self {
        let price = catalog::find(plan, persona.currency, yearly);
        let month = if yearly { 365 * DAY } else { 30 * DAY };
        let trial_over = (created + TRIAL).min(now - 4 * HOUR).max(created);
        let (status, paid_from, ended) = match standing {
            Standing::Trial => ("trialing", None, None),
            Standing::Active => ("active", Some(trial_over), None),
            // Paid for one month, and the second payment does not come.
            Standing::PastDue => ("past_due", Some(now - month - 2 * DAY - (created % DAY)), None),
            Standing::Canceled => ("canceled", Some(trial_over), Some(trial_over + (now - trial_over) / 2)),
        };
        let created = paid_from.map_or(created, |paid| created.min(paid - HOUR));
        let (word, stage) = match standing {
            Standing::Trial => ("trialing", "opportunity"),
            Standing::Active => ("active", "customer"),
            Standing::PastDue => ("past_due", "customer"),
            Standing::Canceled => ("canceled", "other"),
        };
        let subscription =
            Subscription { price: Some(price), status, created: created + 60_000, paid_from, ended, changed: None };
        let updated = subscription.last_period(now).0.max(ended.unwrap_or(0)) + 2_000;
        let billing = Billing {
            email: persona.email.clone(),
            names: Some(key),
            deleted: false,
            subscriptions: vec![subscription],
            refunded: false,
            disputed: false,
        };
        Self {
            key,
            created,
            portal: Some(Portal { status: Some(word), plan: Some(plan), link: Link::Own, updated }),
            billing: Some(billing),
            contacts: vec![Contact { stage, linked: true }],
            requests: Vec::new(),
            planted: None,
            persona,
        }
    }

    /// Changes the portal's view.
    pub(super) fn portal(&mut self, change: impl FnOnce(&mut Portal)) {
        if let Some(portal) = &mut self.portal {
            change(portal);
        }
    }

    /// Changes Stripe's view.
    pub(super) fn billing(&mut self, change: impl FnOnce(&mut Billing)) {
        if let Some(billing) = &mut self.billing {
            change(billing);
        }
    }

    /// Changes the first subscription.
    pub(super) fn subscription(&mut self, change: impl FnOnce(&mut Subscription)) {
        self.billing(|b| {
            if let Some(first) = b.subscriptions.first_mut() {
                change(first);
            }
        });
    }

    /// Changes the stage of every contact.
    pub(super) fn stage(&mut self, stage: &'static str) {
        for contact in &mut self.contacts {
            contact.stage = stage;
        }
    }
}

impl Subscription {
    fn length(&self) -> i64 {
        let yearly = self.price.and_then(|p| catalog::PRICES.get(p)).is_some_and(|p| p.interval == "year");
        if yearly { 365 * DAY } else { 30 * DAY }
    }

    /// When the trial ends or ended.
    pub(super) fn trial_end(&self) -> i64 {
        let planned = self.created + TRIAL;
        self.paid_from.map_or(planned, |paid| paid.min(planned))
    }

    /// The newest period at `now`, in milliseconds.
    pub(super) fn last_period(&self, now: i64) -> (i64, i64) {
        let Some(paid) = self.paid_from else { return (self.created, self.created + TRIAL) };
        let until = self.ended.unwrap_or(now).max(paid);
        let start = paid + (until - paid) / self.length() * self.length();
        let start = self.changed.unwrap_or(start);
        (start, self.ended.unwrap_or(start + self.length()))
    }

    /// When invoices were made, oldest first, in milliseconds.
    pub(super) fn invoices(&self, now: i64) -> Vec<i64> {
        let Some(paid) = self.paid_from else { return Vec::new() };
        let until = self.ended.unwrap_or(now);
        let mut times = Vec::new();
        let mut at = paid;
        while at <= until && times.len() < 24 {
            times.push(at);
            at += self.length();
        }
        times.extend(self.changed);
        times
    }
}
