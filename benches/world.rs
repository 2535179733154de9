//! A synthetic company of any size for the measurements: four systems that agree about almost everybody.
//! Each bench uses its own part of it.
#![allow(dead_code)]

use trueup::domain::{
    Batch, ClusterKey, Customer, Delivery, DeliveryState, Judgement, Kind, Match, Money, Record, State, System,
    SystemView, Text, Time, Verdict,
};

/// One customer in a hundred is out of step.
const WRONG_EVERY: usize = 100;

/// Names enough for lookups to have something to find.
const FIRST: &[&str] = &["Ana", "Tom", "Mei", "Rui", "Zoë", "Lena", "Omar", "Priya", "Jonas", "Chidi", "Yuki", "Elif"];
const LAST: &[&str] =
    &["Duarte", "Okafor", "Tanaka", "Costa", "Ångström", "Brandt", "Haddad", "Raman", "Kestrel", "Sato"];

/// The name of customer `i`.
pub(crate) fn name(i: usize) -> String {
    format!("{} {} {i}", FIRST[i % FIRST.len()], LAST[(i / FIRST.len()) % LAST.len()])
}

/// The e-mail address of customer `i`.
pub(crate) fn email(i: usize) -> String {
    format!("user{i}@{}.example", LAST[i % LAST.len()].to_lowercase().replace('å', "a").replace('ö', "o"))
}

/// The batches of all four systems for customers `from..to`.
pub(crate) fn batches(from: usize, to: usize, now: Time) -> Vec<(System, Batch)> {
    let old = now.plus_ms(-30 * 86_400_000);
    let mut portal = Batch::default();
    let mut stripe = Batch::default();
    let mut hubspot = Batch::default();
    let mut zendesk = Batch::default();
    for i in from..to {
        let wrong = i % WRONG_EVERY == 0;
        let base = |system, kind, id: String| {
            let mut record = Record::new(system, kind, id, now);
            record.version = old.ms();
            record.created_at = Some(old);
            record.updated_at = Some(old);
            record.email = Some(Text::new(email(i)));
            record.name = Some(Text::new(name(i)));
            record
        };
        let mut user = base(System::Portal, Kind::Person, format!("{i}"));
        user.state = Some(if wrong { State::Trial } else { State::Active });
        user.word = Some(Text::new(if wrong { "trialing" } else { "active" }));
        user.plan = Some("pro".into());
        user.links.billing = Some(Text::new(format!("cus_{i:08}")));
        portal.records.push(user);
        let mut payer = base(System::Stripe, Kind::Person, format!("cus_{i:08}"));
        payer.links.portal = Some(Text::new(format!("{i}")));
        stripe.records.push(payer);
        let mut sub = base(System::Stripe, Kind::Subscription, format!("sub_{i:08}"));
        sub.email = None;
        sub.parent = Some(Text::new(format!("cus_{i:08}")));
        sub.state = Some(State::Active);
        sub.word = Some("active".into());
        sub.plan = Some("pro".into());
        sub.plan_keys = vec!["price_pro".into(), "pro".into()];
        sub.money = Some(Money::monthly(4900, "usd"));
        stripe.records.push(sub);
        let mut contact = base(System::Hubspot, Kind::Person, format!("{}", 90_000_000 + i));
        contact.links.portal = Some(Text::new(format!("{i}")));
        contact.word = Some("customer".into());
        contact.state = Some(State::Active);
        hubspot.records.push(contact);
        let mut person = base(System::Zendesk, Kind::Person, format!("{}", 70_000_000 + i));
        person.links.portal = Some(Text::new(format!("{i}")));
        zendesk.records.push(person);
    }
    vec![(System::Portal, portal), (System::Stripe, stripe), (System::Hubspot, hubspot), (System::Zendesk, zendesk)]
}

/// Derived rows alone, for lookups among a million.
pub(crate) fn customers(from: usize, to: usize, now: Time) -> Vec<Judgement> {
    (from..to)
        .map(|i| {
            let id = Text::new(format!("{i}"));
            let view = SystemView {
                system: System::Portal,
                id: Some(id.clone()),
                state: Some(State::Active),
                word: Some("active".into()),
                plan: Some("pro".into()),
                email: None,
                matched: Some(Match::Own),
                confidence: Some("certain".into()),
                seen_at: Some(now),
                changed_at: None,
                note: None,
                wrong: Vec::new(),
                unknown: None,
            };
            let customer = Customer {
                id: id.clone(),
                email: Some(Text::new(email(i))),
                name: Some(Text::new(name(i))),
                state: State::Active,
                plan: Some("pro".into()),
                systems: vec![view],
                verdict: Verdict::Agree,
                mismatches: Vec::new(),
                money: None,
                updated_at: Some(now),
            };
            Judgement { key: ClusterKey::Portal(id), customer: Some(customer), mismatches: Vec::new(), again_at: None }
        })
        .collect()
}

/// Deliveries `from..to`, one every 20 ms before `now`.
pub(crate) fn deliveries(from: usize, to: usize, now: Time) -> Batch {
    let rows = (from..to).map(|i| Delivery {
        id: Text::new(format!("stripe:evt_{i:09}")),
        source: System::Stripe,
        event_id: Text::new(format!("evt_{i:09}")),
        kind: "invoice.paid".into(),
        state: if i % 50 == 0 { DeliveryState::Failed } else { DeliveryState::Delivered },
        received_at: now.plus_ms(-20 * (to - i) as i64),
        attempts: Some(1),
        status: Some(if i % 50 == 0 { 500 } else { 200 }),
        latency_ms: Some(40 + (i % 90) as i64),
        customer: Some(Text::new(format!("{}", i % 100_000))),
        deploy: None,
        reason: (i % 50 == 0).then(|| "500: cannot read 'plan' of undefined".into()),
    });
    Batch { deliveries: rows.collect(), ..Batch::default() }
}
