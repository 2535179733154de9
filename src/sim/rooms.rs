//! What the fake HubSpot (contacts, a few tickets) and the fake Zendesk (users, tickets, webhook invocations) keep.
//!
//! What must stay true: numbers are places; `changed` orders by the provider's own modification time, so that "what
//! changed since" is a range and not a scan.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Webhook invocations that are kept.
const KEPT_INVOCATIONS: usize = 5_000;

/// A HubSpot object: a contact or a ticket. Property values are text, as there.
#[derive(Clone, Debug, Default)]
pub(super) struct Card {
    /// Properties by name.
    pub properties: BTreeMap<&'static str, String>,
    /// Properties that somebody wrote and the story does not know.
    pub others: BTreeMap<String, String>,
    /// Milliseconds.
    pub created: i64,
    /// Milliseconds.
    pub modified: i64,
    /// Number of the contact that a ticket is about.
    pub contact: Option<u32>,
}

impl Card {
    /// A property's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.properties.get(name).or_else(|| self.others.get(name)).map(String::as_str)
    }
}

/// Names of the properties of HubSpot contacts that exist here.
pub(super) const CONTACT_PROPERTIES: &[(&str, &str, &str)] = &[
    ("email", "Email", "string"),
    ("firstname", "First Name", "string"),
    ("lastname", "Last Name", "string"),
    ("company", "Company Name", "string"),
    ("country", "Country/Region", "string"),
    ("lifecyclestage", "Lifecycle Stage", "enumeration"),
    ("portal_id", "Portal ID", "string"),
    ("createdate", "Create Date", "datetime"),
    ("lastmodifieddate", "Last Modified Date", "datetime"),
    ("hs_object_id", "Record ID", "number"),
];

/// Lifecycle stages, in order.
pub(super) const STAGES: &[(&str, &str)] = &[
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
];

/// One kind of HubSpot object.
#[derive(Debug, Default)]
pub(super) struct Cards {
    /// All, oldest first.
    pub rows: Vec<Card>,
    changed: BTreeSet<(i64, u32)>,
    by_email: HashMap<String, Vec<u32>>,
}

impl Cards {
    /// Adds one and gives it its number.
    pub(super) fn add(&mut self, card: Card) -> u32 {
        let number = self.rows.len() as u32;
        self.changed.insert((card.modified, number));
        if let Some(email) = card.get("email") {
            self.by_email.entry(email.to_lowercase()).or_default().push(number);
        }
        self.rows.push(card);
        number
    }

    /// Writes properties.
    pub(super) fn change(&mut self, number: u32, values: &[(String, String)], now: i64) {
        let Some(card) = self.rows.get_mut(number as usize) else { return };
        for (name, value) in values {
            if name == "email" {
                let old = card.get("email").unwrap_or_default().to_lowercase();
                if let Some(list) = self.by_email.get_mut(&old) {
                    list.retain(|n| *n != number);
                }
                self.by_email.entry(value.to_lowercase()).or_default().push(number);
            }
            match CONTACT_PROPERTIES.iter().find(|(known, _, _)| known == name) {
                Some((known, _, _)) => card.properties.insert(known, value.clone()),
                None => card.others.insert(name.clone(), value.clone()),
            };
        }
        self.changed.remove(&(card.modified, number));
        card.modified = now;
        self.changed.insert((now, number));
    }

    /// Those with this e-mail, whatever its case.
    pub(super) fn with_email(&self, email: &str) -> &[u32] {
        self.by_email.get(&email.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Numbers of what was modified in `from..to`, in that order.
    pub(super) fn changed(&self, from: i64, to: i64) -> impl DoubleEndedIterator<Item = u32> + '_ {
        let to = to.max(from);
        self.changed.range((from, 0)..(to, 0)).map(|(_, number)| *number)
    }
}

/// A Zendesk user.
#[derive(Clone, Debug)]
pub(super) struct User {
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: String,
    /// `external_id`: the portal's id.
    pub external: Option<String>,
    /// `end-user`, `agent` or `admin`.
    pub role: &'static str,
    /// Milliseconds.
    pub created: i64,
    /// Milliseconds.
    pub updated: i64,
}

/// A Zendesk ticket.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    /// Subject.
    pub subject: String,
    /// Number of the user who asked.
    pub requester: u32,
    /// `external_id`: the portal's id of the request.
    pub external: Option<String>,
    /// `new open pending hold solved closed`.
    pub status: &'static str,
    /// Milliseconds.
    pub created: i64,
    /// Milliseconds.
    pub updated: i64,
}

/// One event that Zendesk's webhook carried to the portal.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    /// Also the event id in the portal's log.
    pub id: String,
    /// Zendesk's word, with spaces.
    pub status: &'static str,
    /// Milliseconds.
    pub at: i64,
    /// What the portal answered.
    pub code: i64,
    /// `ticket.updated`
    pub kind: &'static str,
}

/// The support desk.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// Users, oldest first.
    pub users: Vec<User>,
    /// Tickets, oldest first.
    pub tickets: Vec<Ticket>,
    /// Numbers of tickets by user.
    pub tickets_of: HashMap<u32, Vec<u32>>,
    /// Users by modification time.
    pub users_changed: BTreeSet<(i64, u32)>,
    /// Tickets by modification time.
    pub tickets_changed: BTreeSet<(i64, u32)>,
    /// What the webhook did, oldest first.
    pub invocations: VecDeque<Invocation>,
    users_by_email: HashMap<String, Vec<u32>>,
    users_by_external: HashMap<String, Vec<u32>>,
    tickets_by_external: HashMap<String, Vec<u32>>,
}

impl Desk {
    /// Adds a user and gives it its number.
    pub(super) fn add_user(&mut self, user: User) -> u32 {
        let number = self.users.len() as u32;
        self.users_changed.insert((user.updated, number));
        self.users_by_email.entry(user.email.to_lowercase()).or_default().push(number);
        if let Some(external) = &user.external {
            self.users_by_external.entry(external.to_lowercase()).or_default().push(number);
        }
        self.users.push(user);
        number
    }

    /// Adds a ticket and gives it its number.
    pub(super) fn add_ticket(&mut self, ticket: Ticket) -> u32 {
        let number = self.tickets.len() as u32;
        self.tickets_changed.insert((ticket.updated, number));
        self.tickets_of.entry(ticket.requester).or_default().push(number);
        if let Some(external) = &ticket.external {
            self.tickets_by_external.entry(external.to_lowercase()).or_default().push(number);
        }
        self.tickets.push(ticket);
        number
    }

    /// Moves a ticket on.
    pub(super) fn set_ticket(&mut self, number: u32, status: &'static str, now: i64) {
        let Some(ticket) = self.tickets.get_mut(number as usize) else { return };
        self.tickets_changed.remove(&(ticket.updated, number));
        ticket.status = status;
        ticket.updated = now;
        self.tickets_changed.insert((now, number));
    }

    /// Users with this e-mail, whatever its case.
    pub(super) fn users_with_email(&self, email: &str) -> &[u32] {
        self.users_by_email.get(&email.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Users with this external id, whatever its case.
    pub(super) fn users_with_external(&self, external: &str) -> &[u32] {
        self.users_by_external.get(&external.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Tickets with this external id, whatever its case.
    pub(super) fn tickets_with_external(&self, external: &str) -> &[u32] {
        self.tickets_by_external.get(&external.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Notes what the webhook did.
    pub(super) fn add_invocation(&mut self, invocation: Invocation) {
        self.invocations.push_back(invocation);
        if self.invocations.len() > KEPT_INVOCATIONS {
            self.invocations.pop_front();
        }
    }
}
