//! Who is there: drafts a company of customers, plants what is wrong, and enters everybody into every system.
//!
//! What must stay true: the same seed and start give the same world to the last id. Drafts are made in any order and
//! then entered oldest first, because the providers' tables are in order of creation.

use std::collections::HashMap;
use std::sync::Arc;

use super::books::{Charge, Event, Invoice, Payer, Subject, Subscription};
use super::draft::{self, DAY, Draft, HOUR, Link, Standing};
use super::names::Names;
use super::plants::PLANTS;
use super::random::Random;
use super::rooms::{Card, Ticket, User};
use super::world::{Account, World};
use super::{catalog, ids};
use crate::domain::{Class, Text};

/// Fewest customers for which every row of [`PLANTS`] has room.
pub const FEWEST: usize = 60;
/// Most customers that are kept in memory.
pub const MOST: usize = 200_000;
/// From here on customers have their newest invoice only.
const MANY: usize = 2_000;
/// Newest days of which events are entered.
const EVENT_DAYS: i64 = 7;

/// A mismatch that is there on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planted {
    /// Which class.
    pub class: Class,
    /// Whom it is about: portal ids, or `stripe:cus_...` for a payer whom the portal does not know.
    pub customers: Vec<Text>,
    /// Whether it happened seconds before the start.
    pub fresh: bool,
}

/// A support request as the portal's table has it.
#[derive(Clone, Debug)]
pub(super) struct RequestRow {
    /// `req_501`
    pub id: String,
    /// Portal id.
    pub customer: String,
    /// Their e-mail.
    pub email: String,
    /// What it is about.
    pub subject: &'static str,
    /// Milliseconds.
    pub at: i64,
    /// Zendesk's id of the ticket.
    pub ticket: Option<String>,
}

/// What people ask for.
pub(super) const SUBJECTS: &[&str] = &[
    "I paid but it still says my trial is over",
    "Can we add a second harbour to our account?",
    "Invoice needs our VAT number",
    "How do I export the berth list?",
    "Delivery of the oak benches: which dock?",
    "Cannot log in since this morning",
    "Please change the owner of our workspace",
    "Is there a discount for sailing clubs?",
    "見積書の宛名を変更したいです",
    "Wrong currency on last month’s invoice",
];

/// A company, with what the portal's tables need beside it.
pub(super) struct Company {
    /// The world.
    pub world: World,
    /// What is wrong on purpose.
    pub planted: Vec<Planted>,
    /// Rows of the portal's support requests.
    pub requests: Vec<RequestRow>,
    /// Names that are not given out yet.
    pub names: Names,
}

/// Drafts and enters `customers` portal customers.
pub(super) fn found(mut world: World, seed: u64, customers: usize) -> Company {
    let now = world.started.ms();
    let mut random = Random::new(seed, "company");
    let mut names = Names::default();
    let (drafts, notes) = draft_all(&mut random, &mut names, customers, now);
    let mut entry = Entry { now, short: customers > MANY, ..Entry::default() };
    entry.accounts(&mut world, &drafts);
    entry.payers(&mut world, &drafts);
    entry.subscriptions(&mut world, &drafts);
    entry.contacts(&mut world, &drafts, &mut random);
    entry.desk(&mut world, &drafts);
    entry.events(&mut world);
    let planted = notes.into_iter().map(|note| entry.name(&world, note)).collect();
    Company { world, planted, requests: entry.requests, names }
}

/// A planted mismatch before ids are given out.
struct Note {
    class: Class,
    keys: Vec<usize>,
    fresh: bool,
}

fn draft_all(random: &mut Random, names: &mut Names, customers: usize, now: i64) -> (Vec<Draft>, Vec<Note>) {
    let mut drafts: Vec<Draft> = Vec::with_capacity(customers + 8);
    let mut notes: Vec<Note> = Vec::new();
    let times = (customers / 240).clamp(1, 20);
    let mut heroes = 0;
    for plant in PLANTS {
        let count = if plant.fresh || customers < 240 { plant.count } else { plant.count * times };
        for which in 0..count {
            let mut keys = Vec::new();
            let partner = plant.partner.then(|| {
                let partner = old_customer(drafts.len(), names.next(random), random, now);
                keys.push(partner.key);
                drafts.push(Draft { planted: Some(plant.class), ..partner });
                drafts.len() - 1
            });
            let hero = if plant.fresh { None } else { names.hero(heroes) };
            heroes += usize::from(hero.is_some());
            let persona = hero.unwrap_or_else(|| names.next(random));
            let mut draft = old_customer(drafts.len(), persona, random, now);
            (plant.twist)(&mut draft, which, partner.unwrap_or_default(), now);
            draft.planted = Some(plant.class);
            keys.insert(0, draft.key);
            drafts.push(draft);
            notes.push(Note { class: plant.class, keys, fresh: plant.fresh });
        }
    }
    let mut portal = drafts.iter().filter(|d| d.portal.is_some()).count();
    while portal < customers {
        let persona = names.next(random);
        drafts.push(clean_customer(drafts.len(), persona, random, now));
        portal += 1;
    }
    drafts.sort_by_key(|d| (d.created, d.key));
    (drafts, notes)
}

/// A paying customer who came weeks ago and whose last invoice is at least a few hours old.
fn old_customer(key: usize, persona: super::names::Persona, random: &mut Random, now: i64) -> Draft {
    let created = now - random.between(20 * DAY, 28 * DAY) - random.between(0, 1) * 30 * DAY;
    let plan = random.pick(&["starter", "pro", "pro", "team"]);
    Draft::clean(key, persona, Standing::Active, plan, false, created, now)
}

fn clean_customer(key: usize, persona: super::names::Persona, random: &mut Random, now: i64) -> Draft {
    let created = now - random.between(3 * HOUR, 90 * DAY);
    let age = now - created;
    let chance = random.below(100);
    let standing = match chance {
        0..70 if age < draft::TRIAL - DAY => Standing::Trial,
        0..4 if age > 40 * DAY => Standing::PastDue,
        4..17 if age > 20 * DAY => Standing::Canceled,
        _ => Standing::Active,
    };
    let plan = random.pick(&["starter", "starter", "pro", "pro", "pro", "team"]);
    let yearly = plan != "starter" && persona.currency == "usd" && random.percent(12.0);
    let yearly = yearly && standing == Standing::Active;
    let mut draft = Draft::clean(key, persona, standing, plan, yearly, created, now);
    if random.percent(3.0) {
        // The same address with other case: noted, never a mismatch.
        draft.billing(|b| b.email = capitalised(&b.email));
    }
    if standing == Standing::Active && random.percent(4.0) {
        draft.stage("evangelist");
    }
    if age > DAY && random.percent(12.0) {
        let at = now - random.between(3 * HOUR, age.min(20 * DAY));
        let ticket = Some(random.pick(&["open", "pending", "solved", "solved", "closed", "hold"]));
        draft.requests.push(draft::Request { at, ticket });
    }
    draft
}

fn capitalised(email: &str) -> String {
    let mut letters = email.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Enters drafts into the world, and remembers which number each key got in which table.
#[derive(Default)]
struct Entry {
    now: i64,
    short: bool,
    account: HashMap<usize, usize>,
    payer: HashMap<usize, u32>,
    user: HashMap<usize, u32>,
    events: Vec<Event>,
    requests: Vec<RequestRow>,
}

impl Entry {
    fn accounts(&mut self, world: &mut World, drafts: &[Draft]) {
        for draft in drafts {
            let Some(portal) = &draft.portal else { continue };
            self.account.insert(draft.key, world.accounts.len());
            let first = draft.billing.as_ref().and_then(|b| b.subscriptions.first());
            let started = first.filter(|_| portal.status == Some("trialing")).map_or(draft.created, |s| s.created);
            if draft.planted.is_none() && portal.status == Some("trialing") {
                world.trials.insert(world.accounts.len());
            }
            world.accounts.push(Account {
                name: draft.persona.name.clone(),
                email: draft.persona.email.clone(),
                country: draft.persona.country,
                role: if draft.key % 9 == 4 { "member" } else { "owner" },
                created: draft.created,
                updated: portal.updated,
                status: portal.status,
                plan: portal.plan,
                trial_end: Some(started + draft::TRIAL),
                billing: None,
                payer: None,
                contact: None,
                desk_user: None,
                planted: draft.planted.is_some(),
            });
        }
    }

    fn payers(&mut self, world: &mut World, drafts: &[Draft]) {
        for draft in drafts {
            let Some(billing) = &draft.billing else { continue };
            let portal = billing.names.and_then(|key| self.account.get(&key)).map(|n| ids::account(*n));
            let delinquent = billing.subscriptions.iter().any(|s| matches!(s.status, "past_due" | "unpaid"));
            let payer = Payer {
                number: 0,
                name: Arc::from(draft.persona.name.as_str()),
                email: Arc::from(billing.email.as_str()),
                country: draft.persona.country,
                currency: draft.persona.currency,
                created: draft.created / 1000,
                portal,
                deleted: billing.deleted,
                delinquent,
            };
            let number = world.books.add_payer(payer.clone());
            self.payer.insert(draft.key, number);
            self.event(draft.created, "customer.created", Subject::Payer(Payer { number, ..payer }));
        }
        for draft in drafts {
            let (Some(portal), Some(number)) = (&draft.portal, self.account.get(&draft.key)) else { continue };
            let of = |key: &usize| self.payer.get(key).copied();
            let billing = match &portal.link {
                Link::Own => of(&draft.key).map(|n| world.payer_id(n)),
                Link::Of(key) => of(key).map(|n| world.payer_id(n)),
                Link::Invented => Some(world.payer_id(900_000_000 + draft.key as u32)),
                Link::Nobody => None,
            };
            let payer = of(&draft.key);
            if let Some(account) = world.accounts.get_mut(*number) {
                account.billing = billing;
                account.payer = payer;
            }
        }
    }

    fn subscriptions(&mut self, world: &mut World, drafts: &[Draft]) {
        let mut all: Vec<(&Draft, &draft::Subscription, bool)> = Vec::new();
        for draft in drafts {
            if let Some(billing) = &draft.billing {
                let last = billing.subscriptions.len().saturating_sub(1);
                all.extend(billing.subscriptions.iter().enumerate().map(|(i, s)| (draft, s, i == last)));
            }
        }
        all.sort_by_key(|(draft, s, _)| (s.created, draft.key));
        let mut invoices: Vec<(i64, Invoice, bool, bool)> = Vec::new();
        for (draft, paper, last) in all {
            let Some(payer) = self.payer.get(&draft.key).copied() else { continue };
            let (start, end) = paper.last_period(self.now);
            let row = Subscription {
                number: 0,
                payer,
                price: paper.price,
                status: paper.status,
                created: paper.created / 1000,
                trial_end: Some(paper.trial_end() / 1000),
                period: (start / 1000, end / 1000),
                canceled_at: paper.ended.map(|at| at / 1000),
                invoice: None,
            };
            let number = world.books.add_subscription(row.clone());
            let row = Subscription { number, ..row };
            let price = paper.price.and_then(|p| catalog::PRICES.get(p));
            let (amount, currency) = price.map_or((4900, "usd"), |p| (p.amount, p.currency));
            let mut times = paper.invoices(self.now);
            if self.short {
                times.drain(..times.len().saturating_sub(1));
            }
            let newest = times.last().copied();
            let failing = matches!(paper.status, "past_due" | "unpaid");
            let billing = draft.billing.as_ref();
            for at in times {
                let open = failing && Some(at) == newest;
                let marked = last && Some(at) == newest;
                let invoice = Invoice {
                    number: 0,
                    payer,
                    subscription: number,
                    amount,
                    currency,
                    status: if open { "open" } else { "paid" },
                    created: at / 1000,
                    attempts: if paper.status == "unpaid" && open { 4 } else { 1 },
                    next_attempt: (open && paper.status == "past_due").then_some((self.now + 2 * DAY) / 1000),
                };
                let refunded = marked && billing.is_some_and(|b| b.refunded);
                let disputed = marked && billing.is_some_and(|b| b.disputed);
                invoices.push((at, invoice, refunded, disputed));
            }
            self.subscription_events(paper, row);
        }
        invoices.sort_by_key(|(at, invoice, _, _)| (*at, invoice.subscription));
        for (at, invoice, refunded, disputed) in invoices {
            self.pay(world, at, invoice, refunded, disputed);
        }
    }

    fn subscription_events(&mut self, paper: &draft::Subscription, row: Subscription) {
        let born =
            Subscription { status: if paper.trial_end() > paper.created { "trialing" } else { "active" }, ..row };
        self.event(paper.created, "customer.subscription.created", Subject::Subscription(born));
        if let Some(at) = paper.changed.or(paper.paid_from) {
            let previous = Some(if paper.changed.is_some() { ("items", "") } else { ("status", "trialing") });
            let subject = Subject::Subscription(Subscription { status: "active", canceled_at: None, ..row });
            self.events.push(Event {
                kind: "customer.subscription.updated",
                created: at / 1000,
                subject,
                previous,
                pending: false,
            });
        }
        match (paper.ended, paper.status) {
            (Some(at), _) => self.event(at, "customer.subscription.deleted", Subject::Subscription(row)),
            (None, "past_due" | "unpaid") => {
                let at = paper.last_period(self.now).0;
                self.event(at, "customer.subscription.updated", Subject::Subscription(row));
            }
            _ => {}
        }
    }

    fn pay(&mut self, world: &mut World, at: i64, invoice: Invoice, refunded: bool, disputed: bool) {
        let paid = invoice.status == "paid";
        let number = world.books.add_invoice(invoice.clone());
        let charge = Charge {
            number: 0,
            payer: invoice.payer,
            amount: invoice.amount,
            currency: invoice.currency,
            created: invoice.created + 2,
            paid,
            refunded,
            disputed,
        };
        let charged = world.books.add_charge(charge.clone());
        let charge = Charge { number: charged, ..charge };
        let kind = if paid { "invoice.paid" } else { "invoice.payment_failed" };
        self.event(at + 3_000, kind, Subject::Invoice(Invoice { number, ..invoice }));
        let later = (at + 2 * DAY).min(self.now - 3 * HOUR).max(at);
        if refunded {
            self.event(later, "charge.refunded", Subject::Charge(charge));
        } else if disputed {
            self.event(later, "charge.dispute.created", Subject::Charge(charge));
        }
    }

    fn contacts(&mut self, world: &mut World, drafts: &[Draft], random: &mut Random) {
        let leads = (world.accounts.len() / 12).min(2_000);
        let mut names = Names::default();
        let mut cards: Vec<(i64, Option<usize>, Card)> = Vec::new();
        for draft in drafts {
            let account = self.account.get(&draft.key).copied();
            let newest = draft.portal.as_ref().map_or(draft.created, |p| p.updated);
            for (i, contact) in draft.contacts.iter().enumerate() {
                let created = draft.created + 90_000 + i as i64 * DAY;
                let modified = (newest + 20_000).clamp(created, self.now.max(created));
                let portal = account.filter(|_| contact.linked).map(ids::account);
                let card = contact_card(
                    (&draft.persona.name, &draft.persona.email, draft.persona.country),
                    contact.stage,
                    portal,
                    created,
                    modified,
                );
                cards.push((created, account.filter(|_| i == 0), card));
            }
        }
        for _ in 0..leads {
            let persona = names.next(random);
            let created = self.now - random.between(3 * HOUR, 90 * DAY);
            let stage = random.pick(&["subscriber", "lead", "lead", "marketingqualifiedlead"]);
            let email = format!("news+{}", persona.email);
            let card = contact_card((&persona.name, &email, persona.country), stage, None, created, created);
            cards.push((created, None, card));
        }
        cards.sort_by_key(|(created, account, _)| (*created, *account));
        for (created, account, card) in cards {
            let number = world.contacts.add(card);
            if let Some(account) = account.and_then(|n| world.accounts.get_mut(n)) {
                account.contact = Some(number);
            }
            if number % 31 == 7 {
                let subject = ("subject", SUBJECTS[number as usize % SUBJECTS.len()].to_owned());
                let stage = ("hs_pipeline_stage", "4".to_owned());
                let properties = [subject, stage, ("hs_pipeline", "0".to_owned())].into_iter().collect();
                let at = created + HOUR;
                let ticket = Card { properties, created: at, modified: at, contact: Some(number), ..Card::default() };
                world.hubspot_tickets.add(ticket);
            }
        }
    }

    fn desk(&mut self, world: &mut World, drafts: &[Draft]) {
        let agent = User {
            name: "Wren Halloran".to_owned(),
            email: super::zendesk::AGENT.to_owned(),
            external: None,
            role: "admin",
            created: self.now - 400 * DAY,
            updated: self.now - 91 * DAY,
        };
        world.desk.add_user(agent);
        let mut asked: Vec<(i64, &Draft, Option<&'static str>)> = Vec::new();
        for draft in drafts {
            let Some(account) = self.account.get(&draft.key).copied() else { continue };
            let at = draft.created + 120_000;
            let number = world.desk.add_user(User {
                name: draft.persona.name.clone(),
                email: draft.persona.email.clone(),
                external: Some(ids::account(account)),
                role: "end-user",
                created: at,
                updated: at,
            });
            self.user.insert(draft.key, number);
            if let Some(account) = world.accounts.get_mut(account) {
                account.desk_user = Some(number);
            }
            asked.extend(draft.requests.iter().map(|r| (r.at, draft, r.ticket)));
        }
        asked.sort_by_key(|(at, draft, _)| (*at, draft.key));
        for (at, draft, status) in asked {
            let (Some(account), Some(user)) = (self.account.get(&draft.key), self.user.get(&draft.key)) else {
                continue;
            };
            let id = ids::request(world.requests);
            let subject = SUBJECTS[(world.requests * 7 + draft.key) % SUBJECTS.len()];
            world.requests += 1;
            let ticket = status.map(|status| {
                let (created, updated) = (at + 4_000, (at + 2 * HOUR).min(self.now - HOUR).max(at + 4_000));
                let external = Some(id.clone());
                let ticket = Ticket { subject: subject.into(), requester: *user, external, status, created, updated };
                ids::desk_ticket(world.desk.add_ticket(ticket) as usize).to_string()
            });
            let customer = ids::account(*account);
            let email = draft.persona.email.clone();
            self.requests.push(RequestRow { id, customer, email, subject, at, ticket });
        }
    }

    fn event(&mut self, at: i64, kind: &'static str, subject: Subject) {
        self.events.push(Event { kind, created: at / 1000, subject, previous: None, pending: false });
    }

    fn events(&mut self, world: &mut World) {
        let oldest = (self.now - EVENT_DAYS * DAY) / 1000;
        self.events.retain(|e| e.created >= oldest);
        self.events.sort_by_key(|e| e.created);
        for event in self.events.drain(..) {
            world.books.add_event(event);
        }
    }

    fn name(&self, world: &World, note: Note) -> Planted {
        let id = |key: &usize| match (self.account.get(key), self.payer.get(key)) {
            (Some(account), _) => Some(Text::new(ids::account(*account))),
            (None, Some(payer)) => Some(Text::new(format!("stripe:{}", world.payer_id(*payer)))),
            (None, None) => None,
        };
        Planted { class: note.class, customers: note.keys.iter().filter_map(id).collect(), fresh: note.fresh }
    }
}

/// A contact as HubSpot keeps one.
pub(super) fn contact_card(
    (name, email, country): (&str, &str, &str),
    stage: &str,
    portal: Option<String>,
    created: i64,
    modified: i64,
) -> Card {
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let mut properties: std::collections::BTreeMap<&'static str, String> = [
        ("email", email.to_lowercase()),
        ("firstname", first.to_owned()),
        ("country", country.to_owned()),
        ("lifecyclestage", stage.to_owned()),
    ]
    .into_iter()
    .collect();
    if !last.is_empty() {
        properties.insert("lastname", last.to_owned());
    }
    if let Some(portal) = portal {
        properties.insert("portal_id", portal);
    }
    Card { properties, created, modified, ..Card::default() }
}
