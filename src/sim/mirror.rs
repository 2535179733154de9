//! What a second CRM knows of some customers: their name, address and what became of their subscription.
//!
//! What must stay true: it says what the books say, from the moment on at which somebody asks; whoever was entered
//! stays. Planted customers are not in it, so that it never adds to what is wrong on purpose.

use std::collections::HashMap;

use super::books::Books;
use super::world::Account;

/// One customer in a CRM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Number of the portal customer.
    pub account: usize,
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: String,
    /// ISO 3166.
    pub country: &'static str,
    /// `open`, `won` or `lost`.
    pub deal: &'static str,
    /// What it is worth each month, in minor units, and the currency.
    pub worth: (i64, &'static str),
    /// Milliseconds.
    pub created: i64,
    /// Milliseconds.
    pub changed: i64,
}

/// One CRM's customers, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    /// All, oldest customer first.
    pub rows: Vec<Entry>,
    places: HashMap<usize, usize>,
    /// Whether it has been looked at: what is found at the first look happened before.
    begun: bool,
}

impl Mirror {
    /// Brings it up to what is true at this moment.
    pub(super) fn refresh(&mut self, accounts: &[Account], books: &Books, wants: fn(&Account) -> bool, now: i64) {
        for (number, account) in accounts.iter().enumerate() {
            let place = self.places.get(&number).copied();
            if place.is_none() && (account.planted || !wants(account)) {
                continue;
            }
            let owned = account.payer.and_then(|payer| books.of.get(payer as usize));
            let last = owned.and_then(|owned| owned.subscriptions.last());
            let Some(paper) = last.and_then(|n| books.subscriptions.get(*n as usize)) else { continue };
            let price = paper.price.and_then(|p| super::catalog::PRICES.get(p));
            let entry = Entry {
                account: number,
                name: account.name.clone(),
                email: account.email.clone(),
                country: account.country,
                deal: match paper.status {
                    "trialing" | "incomplete" => "open",
                    "canceled" | "incomplete_expired" => "lost",
                    _ => "won",
                },
                worth: price.map_or((4900, "usd"), |price| (price.amount, price.currency)),
                created: account.created,
                changed: if self.begun { now } else { account.updated.min(now) },
            };
            match place.and_then(|place| self.rows.get_mut(place)) {
                Some(known) if Entry { changed: known.changed, ..entry.clone() } == *known => {}
                Some(known) => *known = entry,
                None => {
                    self.places.insert(number, self.rows.len());
                    self.rows.push(entry);
                }
            }
        }
        self.begun = true;
    }
}
