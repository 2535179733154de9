//! Everything that is true in the simulated company at this moment, in one place.
//!
//! What must stay true: the portal's tables are what [`Account`] says (with the delay that its webhooks have), and
//! every write that a fake applied stands in `effects`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::books::Books;
use super::ids::Ids;
use super::mirror::Mirror;
use super::releases::Releases;
use super::rooms::{Cards, Desk};
use crate::domain::{System, Time};

/// A write that a fake provider applied: the oracle for tests of acting.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Where.
    pub system: System,
    /// `create_contact`, `update_contact`, `update_customer`.
    pub action: &'static str,
    /// Id of the object.
    pub target: String,
    /// What was written.
    pub body: Value,
    /// When.
    pub at: Time,
}

/// A portal customer, as the portal's own tables have it.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: String,
    /// ISO 3166.
    pub country: &'static str,
    /// `owner` or `member`.
    pub role: &'static str,
    /// Milliseconds.
    pub created: i64,
    /// Milliseconds.
    pub updated: i64,
    /// The portal's word.
    pub status: Option<&'static str>,
    /// The portal's plan.
    pub plan: Option<&'static str>,
    /// Milliseconds.
    pub trial_end: Option<i64>,
    /// The Stripe customer that the portal points at.
    pub billing: Option<String>,
    /// Number of the Stripe customer that really pays.
    pub payer: Option<u32>,
    /// Number of the HubSpot contact.
    pub contact: Option<u32>,
    /// Number of the Zendesk user.
    pub desk_user: Option<u32>,
    /// Part of a planted mismatch: the story leaves it alone.
    pub planted: bool,
}

/// How the portal's own pages answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// As it should.
    Well,
    /// After that many milliseconds.
    Slow(u64),
    /// With a 503.
    Down,
}

/// The company at this moment.
#[derive(Debug)]
pub(super) struct World {
    /// Makes and reads ids.
    pub ids: Ids,
    /// When the story began, by the wall clock.
    pub started: Time,
    /// How long an index lags behind writes, in real milliseconds.
    pub lag_ms: i64,
    /// Portal customers by number.
    pub accounts: Vec<Account>,
    /// Clean portal customers on trial, by number.
    pub trials: BTreeSet<usize>,
    /// Support requests made so far.
    pub requests: usize,
    /// The fake Stripe.
    pub books: Books,
    /// HubSpot contacts.
    pub contacts: Cards,
    /// HubSpot tickets.
    pub hubspot_tickets: Cards,
    /// The fake Zendesk.
    pub desk: Desk,
    /// What Vercel has of the portal.
    pub portal_releases: Releases,
    /// What Netlify has of the marketing site.
    pub site_releases: Releases,
    /// Writes that the fakes applied; only the newest are kept.
    pub effects: Vec<Effect>,
    /// Customers that sales follows in Pipedrive.
    pub sales: Mirror,
    /// Customers that marketing writes to through GoHighLevel.
    pub marketing: Mirror,
    /// Customers that have used the chat in the product.
    pub chat: Mirror,
    /// Set while the portal's handler of Stripe's webhooks throws.
    pub hook_broken: bool,
    /// How the login page answers.
    pub login: Page,
    /// Providers that the story has down.
    pub down: BTreeSet<System>,
    /// Where the portal's own pages are, once they listen.
    pub site: String,
}

/// Most effects that are kept.
const KEPT_EFFECTS: usize = 10_000;

impl World {
    /// An empty company.
    pub(super) fn new(seed: u64, started: Time, lag_ms: i64) -> Self {
        Self {
            ids: Ids::new(seed),
            started,
            lag_ms,
            accounts: Vec::new(),
            trials: BTreeSet::new(),
            requests: 0,
            books: Books::default(),
            contacts: Cards::default(),
            hubspot_tickets: Cards::default(),
            desk: Desk::default(),
            portal_releases: Releases::history(seed, "portal", started, 9),
            site_releases: Releases::history(seed, "site", started, 60),
            effects: Vec::new(),
            sales: Mirror::default(),
            marketing: Mirror::default(),
            chat: Mirror::default(),
            hook_broken: false,
            login: Page::Well,
            down: BTreeSet::new(),
            site: String::new(),
        }
    }

    /// Notes an applied write.
    pub(super) fn note(&mut self, effect: Effect) {
        if self.effects.len() >= KEPT_EFFECTS {
            self.effects.remove(0);
        }
        self.effects.push(effect);
    }

    /// Has a provider down from now on, or well again.
    pub(super) fn set_down(&mut self, system: System, down: bool) {
        if down {
            self.down.insert(system);
        } else {
            self.down.remove(&system);
        }
    }

    /// The id of a Stripe customer.
    pub(super) fn payer_id(&self, number: u32) -> String {
        self.ids.stripe("cus_", number as usize)
    }
}
