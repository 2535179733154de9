//! What people do in the course of the story: sign up, pay, ask for help, leave.
//!
//! What must stay true: a deed changes the provider where it happens at once, and the portal only through a webhook or
//! a job.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::books::{Charge, Invoice, Payer, Subject, Subscription};
use super::company::{RequestRow, SUBJECTS};
use super::draft::{DAY, TRIAL};
use super::portal;
use super::story::{Change, Happened, Story, Work};
use super::traffic::{self, Arrival};
use super::world::{Account, World};
use super::{catalog, ids};
use crate::domain::System;

/// People who sign up in the course of the story, at most.
const NEWCOMERS: usize = 1_500;

impl Story {
    pub(super) fn sign_up(&mut self, world: &mut World, due: i64, now: i64, out: &mut Happened) {
        if self.newcomers >= NEWCOMERS {
            return self.pay(world, due, now, false);
        }
        self.newcomers += 1;
        let persona = self.names.next(&mut self.random);
        let email = persona.email;
        let number = world.accounts.len();
        let plan = self.random.pick(&["starter", "pro", "pro", "team"]);
        let payer = Payer {
            number: 0,
            name: Arc::from(persona.name.as_str()),
            email: Arc::from(email.as_str()),
            country: persona.country,
            currency: persona.currency,
            created: now / 1000,
            portal: Some(ids::account(number)),
            deleted: false,
            delinquent: false,
        };
        let payer_number = world.books.add_payer(payer.clone());
        let subscription = Subscription {
            number: 0,
            payer: payer_number,
            price: Some(catalog::find(plan, persona.currency, false)),
            status: "trialing",
            created: now / 1000,
            trial_end: Some((now + TRIAL) / 1000),
            period: (now / 1000, (now + TRIAL) / 1000),
            canceled_at: None,
            invoice: None,
        };
        let sub_number = world.books.add_subscription(subscription.clone());
        let account = Account {
            name: persona.name,
            email,
            country: persona.country,
            role: "owner",
            created: now,
            updated: now,
            status: Some("trialing"),
            plan: Some(plan),
            trial_end: Some(now + TRIAL),
            billing: Some(world.payer_id(payer_number)),
            payer: Some(payer_number),
            contact: None,
            desk_user: None,
            planted: false,
        };
        out.writes.extend(portal::add_account(number, &account));
        world.accounts.push(account);
        world.trials.insert(number);
        let subject = Subject::Payer(Payer { number: payer_number, ..payer });
        let arrival = traffic::arrive_stripe(world, "customer.created", subject, None, Some(number), now);
        self.send(due, arrival, None, false);
        let subject = Subject::Subscription(Subscription { number: sub_number, ..subscription });
        let kind = "customer.subscription.created";
        let arrival = traffic::arrive_stripe(world, kind, subject, None, Some(number), now);
        self.send(due, arrival, None, false);
        self.enqueue("hubspot contact", number, Work::Contact, (due, now, 2_600), out);
        self.enqueue("zendesk user", number, Work::User, (due, now, 3_800), out);
    }

    /// Somebody on trial pays: Stripe knows at once, the portal when the webhook has arrived.
    pub(super) fn pay(&mut self, world: &mut World, due: i64, now: i64, lost: bool) {
        let trials: Vec<usize> = world.trials.iter().copied().collect();
        if trials.is_empty() {
            return;
        }
        let number = self.random.pick(&trials);
        world.trials.remove(&number);
        let Some(payer) = world.accounts.get(number).and_then(|a| a.payer) else { return };
        let Some(sub) = world.books.of.get(payer as usize).and_then(|o| o.subscriptions.last().copied()) else {
            return;
        };
        let Some(row) = world.books.subscriptions.get_mut(sub as usize) else { return };
        row.status = "active";
        row.trial_end = Some(now / 1000);
        row.period = (now / 1000, (now + 30 * DAY) / 1000);
        let price = row.price.and_then(|p| catalog::PRICES.get(p));
        let (amount, currency) = price.map_or((4900, "usd"), |p| (p.amount, p.currency));
        let invoice = Invoice {
            number: 0,
            payer,
            subscription: sub,
            amount,
            currency,
            status: "paid",
            created: now / 1000,
            attempts: 1,
            next_attempt: None,
        };
        let number_of_invoice = world.books.add_invoice(invoice.clone());
        let charge = Charge {
            number: 0,
            payer,
            amount,
            currency,
            created: now / 1000,
            paid: true,
            refunded: false,
            disputed: false,
        };
        let number_of_charge = world.books.add_charge(charge.clone());
        let Some(row) = world.books.subscriptions.get(sub as usize).cloned() else { return };
        let charged = Subject::Charge(Charge { number: number_of_charge, ..charge });
        let paid = Subject::Invoice(Invoice { number: number_of_invoice, ..invoice });
        for (kind, subject) in [("charge.succeeded", charged), ("invoice.paid", paid)] {
            let arrival = traffic::arrive_stripe(world, kind, subject, None, Some(number), now);
            self.send(due, arrival, None, lost);
        }
        let previous = Some(("status", "trialing"));
        let subject = Subject::Subscription(row);
        let kind = "customer.subscription.updated";
        let arrival = traffic::arrive_stripe(world, kind, subject, previous, Some(number), now);
        self.send(due, arrival, Some(Change::Activate), lost);
        if lost {
            self.lost.push(number);
        }
    }

    pub(super) fn leave(&mut self, world: &mut World, due: i64, now: i64) {
        let Some(number) = (0..20)
            .filter_map(|_| traffic::clean_account(world, &mut self.random))
            .find(|n| world.accounts.get(*n).is_some_and(|a| a.status == Some("active")) && !self.lost.contains(n))
        else {
            return;
        };
        let Some(payer) = world.accounts.get(number).and_then(|a| a.payer) else { return };
        let Some(sub) = world.books.of.get(payer as usize).and_then(|o| o.subscriptions.last().copied()) else {
            return;
        };
        let Some(row) = world.books.subscriptions.get_mut(sub as usize) else { return };
        row.status = "canceled";
        row.canceled_at = Some(now / 1000);
        row.period.1 = now / 1000;
        let subject = Subject::Subscription(row.clone());
        let kind = "customer.subscription.deleted";
        let arrival = traffic::arrive_stripe(world, kind, subject, None, Some(number), now);
        self.send(due, arrival, Some(Change::Cancel), false);
    }

    /// What was on its way at the start is sent now.
    pub(super) fn settle(&mut self, world: &mut World, due: i64, now: i64) {
        let payers: BTreeMap<u32, usize> = std::mem::take(&mut self.fresh)
            .into_iter()
            .filter_map(|n| world.accounts.get(n).and_then(|a| a.payer).map(|p| (p, n)))
            .collect();
        let mine: Vec<(usize, &'static str, usize)> = world
            .books
            .undelivered()
            .iter()
            .filter_map(|n| world.books.event(*n).map(|e| (*n, e)))
            .filter_map(|(n, e)| {
                let payer = match &e.subject {
                    Subject::Payer(row) => row.number,
                    Subject::Subscription(row) => row.payer,
                    Subject::Invoice(row) => row.payer,
                    Subject::Charge(row) => row.payer,
                    Subject::Other(_, payer) => *payer,
                };
                payers.get(&payer).map(|account| (n, e.kind, *account))
            })
            .collect();
        let told: BTreeSet<usize> = mine.iter().map(|m| m.2).collect();
        for (event, kind, account) in mine {
            let event_id = world.ids.stripe("evt_", event);
            let account = Some(account);
            let arrival = Arrival { source: System::Stripe, kind, event_id, stripe: Some(event), account, at: now };
            let change = (kind == "customer.subscription.updated").then_some(Change::Activate);
            self.send(due, arrival, change, false);
        }
        for account in told {
            if let Some(account) = world.accounts.get_mut(account) {
                account.planted = false;
            }
        }
    }

    pub(super) fn ask(&mut self, world: &mut World, due: i64, now: i64, out: &mut Happened) {
        let Some(number) = traffic::clean_account(world, &mut self.random) else { return };
        let Some(account) = world.accounts.get(number) else { return };
        let subject = self.random.pick(SUBJECTS);
        let request = world.requests;
        world.requests += 1;
        let (id, customer) = (ids::request(request), ids::account(number));
        let row = RequestRow { id, customer, email: account.email.clone(), subject, at: now, ticket: None };
        out.writes.push(portal::add_request(&row));
        self.enqueue("zendesk ticket", number, Work::Ticket(request, subject), (due, now, 2_800), out);
    }

    pub(super) fn solve(&mut self, world: &mut World, due: i64, now: i64) {
        let open = world.desk.tickets.iter().rposition(|t| matches!(t.status, "new" | "open" | "pending"));
        let Some(number) = open else { return };
        world.desk.set_ticket(number as u32, "solved", now);
        let arrival = traffic::arrive_other(System::Zendesk, &mut self.random, "ticket.solved", None, now);
        self.send(due, arrival, None, false);
    }
}
