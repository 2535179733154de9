//! What the fake Stripe has on its books: tables that only grow, in order of creation.
//!
//! What must stay true: a row's number is its place, so lists page newest first without sorting; events keep a
//! snapshot of what they are about, and only the newest [`KEPT_EVENTS`] of them.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// Events that are kept; Stripe itself forgets after 30 days.
pub(super) const KEPT_EVENTS: usize = 20_000;

/// A Stripe customer. Times are Unix seconds.
#[derive(Clone, Debug)]
pub(super) struct Payer {
    /// Place in the table.
    pub number: u32,
    /// Name.
    pub name: Arc<str>,
    /// E-mail, in the case that was typed at the checkout.
    pub email: Arc<str>,
    /// ISO 3166.
    pub country: &'static str,
    /// ISO 4217, lower case.
    pub currency: &'static str,
    /// Since when.
    pub created: i64,
    /// `metadata.portal_id`.
    pub portal: Option<String>,
    /// Retrieving it says only that it is gone.
    pub deleted: bool,
    /// The last payment failed.
    pub delinquent: bool,
}

/// A subscription.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    /// Place in the table.
    pub number: u32,
    /// Whose.
    pub payer: u32,
    /// Which price; `None` where the answer leaves the price out.
    pub price: Option<usize>,
    /// Stripe's word.
    pub status: &'static str,
    /// Since when.
    pub created: i64,
    /// When the trial ends or ended.
    pub trial_end: Option<i64>,
    /// The running period.
    pub period: (i64, i64),
    /// When it was canceled, and over.
    pub canceled_at: Option<i64>,
    /// The newest invoice.
    pub invoice: Option<u32>,
}

/// An invoice.
#[derive(Clone, Debug)]
pub(super) struct Invoice {
    /// Place in the table.
    pub number: u32,
    /// To whom.
    pub payer: u32,
    /// For what.
    pub subscription: u32,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: &'static str,
    /// `open` or `paid`.
    pub status: &'static str,
    /// When it was made.
    pub created: i64,
    /// Tries so far.
    pub attempts: i64,
    /// When it is tried again.
    pub next_attempt: Option<i64>,
}

/// A charge.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    /// Place in the table.
    pub number: u32,
    /// Whom.
    pub payer: u32,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: &'static str,
    /// When.
    pub created: i64,
    /// Whether the bank said yes.
    pub paid: bool,
    /// Whether all of it went back.
    pub refunded: bool,
    /// Whether the payer disputes it.
    pub disputed: bool,
}

/// What an event is about, as it was then.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    /// A customer.
    Payer(Payer),
    /// A subscription.
    Subscription(Subscription),
    /// An invoice.
    Invoice(Invoice),
    /// A charge.
    Charge(Charge),
    /// Something of which only its kind and owner matter here: (object, owner).
    Other(&'static str, u32),
}

/// An event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// `customer.subscription.updated`
    pub kind: &'static str,
    /// When.
    pub created: i64,
    /// About what.
    pub subject: Subject,
    /// The field that changed, with its old value.
    pub previous: Option<(&'static str, &'static str)>,
    /// Whether the endpoint has not taken it yet.
    pub pending: bool,
}

/// All tables.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Customers.
    pub payers: Vec<Payer>,
    /// Subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// Invoices.
    pub invoices: Vec<Invoice>,
    /// Charges.
    pub charges: Vec<Charge>,
    /// Numbers of subscriptions, invoices and charges by customer.
    pub of: Vec<Owned>,
    by_email: HashMap<Arc<str>, Vec<u32>>,
    by_portal: HashMap<String, Vec<u32>>,
    events: VecDeque<Event>,
    dropped: usize,
    undelivered: BTreeSet<usize>,
}

/// What belongs to one customer, oldest first.
#[derive(Debug, Default)]
pub(super) struct Owned {
    /// Subscriptions.
    pub subscriptions: Vec<u32>,
    /// Invoices.
    pub invoices: Vec<u32>,
    /// Charges.
    pub charges: Vec<u32>,
}

impl Books {
    /// Enters a customer and gives it its number.
    pub(super) fn add_payer(&mut self, mut payer: Payer) -> u32 {
        payer.number = self.payers.len() as u32;
        self.by_email.entry(Arc::clone(&payer.email)).or_default().push(payer.number);
        if let Some(portal) = &payer.portal {
            self.by_portal.entry(portal.clone()).or_default().push(payer.number);
        }
        self.payers.push(payer);
        self.of.push(Owned::default());
        self.payers.len() as u32 - 1
    }

    /// Enters a subscription and gives it its number.
    pub(super) fn add_subscription(&mut self, mut subscription: Subscription) -> u32 {
        subscription.number = self.subscriptions.len() as u32;
        if let Some(owned) = self.of.get_mut(subscription.payer as usize) {
            owned.subscriptions.push(subscription.number);
        }
        self.subscriptions.push(subscription);
        self.subscriptions.len() as u32 - 1
    }

    /// Enters an invoice, makes it the subscription's newest, and gives it its number.
    pub(super) fn add_invoice(&mut self, mut invoice: Invoice) -> u32 {
        invoice.number = self.invoices.len() as u32;
        if let Some(owned) = self.of.get_mut(invoice.payer as usize) {
            owned.invoices.push(invoice.number);
        }
        if let Some(subscription) = self.subscriptions.get_mut(invoice.subscription as usize) {
            subscription.invoice = Some(invoice.number);
        }
        self.invoices.push(invoice);
        self.invoices.len() as u32 - 1
    }

    /// Enters a charge and gives it its number.
    pub(super) fn add_charge(&mut self, mut charge: Charge) -> u32 {
        charge.number = self.charges.len() as u32;
        if let Some(owned) = self.of.get_mut(charge.payer as usize) {
            owned.charges.push(charge.number);
        }
        self.charges.push(charge);
        self.charges.len() as u32 - 1
    }

    /// Writes `metadata.portal_id`.
    pub(super) fn link(&mut self, payer: u32, portal: &str) {
        let Some(row) = self.payers.get_mut(payer as usize) else { return };
        if let Some(old) = row.portal.replace(portal.to_owned())
            && let Some(list) = self.by_portal.get_mut(&old)
        {
            list.retain(|n| *n != payer);
        }
        self.by_portal.entry(portal.to_owned()).or_default().push(payer);
    }

    /// Customers with exactly this e-mail, oldest first.
    pub(super) fn with_email(&self, email: &str) -> &[u32] {
        self.by_email.get(email).map_or(&[], Vec::as_slice)
    }

    /// Customers whose metadata names this portal id, oldest first.
    pub(super) fn with_portal(&self, portal: &str) -> &[u32] {
        self.by_portal.get(portal).map_or(&[], Vec::as_slice)
    }

    /// Records an event and gives it its number.
    pub(super) fn add_event(&mut self, event: Event) -> usize {
        let number = self.dropped + self.events.len();
        if event.pending {
            self.undelivered.insert(number);
        }
        self.events.push_back(event);
        while self.events.len() > KEPT_EVENTS {
            self.events.pop_front();
            self.undelivered.remove(&self.dropped);
            self.dropped += 1;
        }
        number
    }

    /// Takes all events out, oldest first, so that they can be entered again in another order. Only before the first
    /// id of an event has been told to anybody.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        self.undelivered.clear();
        self.dropped = 0;
        self.events.drain(..).collect()
    }

    /// An event by its number, while it is kept.
    pub(super) fn event(&self, number: usize) -> Option<&Event> {
        self.events.get(number.checked_sub(self.dropped)?)
    }

    /// The endpoint took it (or never will: `pending` is how Stripe tells).
    pub(super) fn set_delivered(&mut self, number: usize) {
        self.undelivered.remove(&number);
        if let Some(place) = number.checked_sub(self.dropped)
            && let Some(event) = self.events.get_mut(place)
        {
            event.pending = false;
        }
    }

    /// Numbers of the kept events, from (including) the oldest to (excluding) the next one to come.
    pub(super) fn event_numbers(&self) -> std::ops::Range<usize> {
        self.dropped..self.dropped + self.events.len()
    }

    /// Numbers of events that the endpoint has not taken.
    pub(super) fn undelivered(&self) -> &BTreeSet<usize> {
        &self.undelivered
    }
}
