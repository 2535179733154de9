//! Collections: full, then only what changed, and both say the same.

use serde_json::json;
use trueup::domain::{DeliveryState, Flag, Kind, State, System, Text, Time};

use crate::fakes::{Held, hubspot, intercom, lock, stripe, zendesk};
use crate::source;

fn stripe_now() -> Time {
    Time::from_secs(stripe::START)
}

#[tokio::test]
async fn a_full_collection_of_stripe_brings_every_page_of_every_kind() {
    let world = stripe::World { page: 1, ..stripe::World::small() };
    let (fake, _) = stripe::start(world).await;
    let mut held = Held::default();
    held.round(&*source(System::Stripe, &fake.base), stripe_now()).await.unwrap();
    assert_eq!(held.finished, [Kind::Person, Kind::Subscription, Kind::Invoice, Kind::Charge, Kind::Endpoint]);
    assert_eq!(held.records.len(), 3 + 2 + 1 + 2 + 1);
    let sub = held.get(Kind::Subscription, "sub_1");
    assert_eq!((sub.state, sub.parent.as_ref().unwrap().as_str()), (Some(State::Active), "cus_1"));
    assert_eq!(sub.plan, Some(Text::new("Pro")));
    for key in ["price_pro", "pro_monthly", "Pro", "prod_1"] {
        assert!(sub.plan_keys.contains(&Text::new(key)), "{key}");
    }
    assert_eq!(sub.money.as_ref().unwrap().amount, 4900);
    assert_eq!(held.get(Kind::Person, "cus_1").links.portal, Some(Text::new("u1")));
    assert_eq!(held.get(Kind::Invoice, "in_1").name, Some(Text::new("A-in_1")));
    assert!(held.partial.is_none());
    assert!(fake.calls().iter().all(|c| c.headers["stripe-version"] == "2023-08-16"));
    let subs = fake.calls().into_iter().filter(|c| c.path == "/v1/subscriptions");
    assert!(subs.into_iter().all(|c| c.get("status") == Some("all")));
}

/// Everything that can happen to a Stripe account in a minute.
fn a_minute_at_stripe(world: &mut stripe::World) {
    world.clock += 60;
    world.change("sub_1", "evt_1", "customer.subscription.updated", |s| s["status"] = json!("past_due"));
    world.change("in_1", "evt_2", "invoice.voided", |i| i["status"] = json!("void"));
    world.change("ch_1", "evt_3", "charge.refunded", |c| c["refunded"] = json!(true));
    world.change("cus_3", "evt_4", "customer.deleted", |c| c["deleted"] = json!(true));
    // Events of one second: the list gives no order, whichever snapshot comes first in it.
    let at = world.clock;
    world.customers.push(stripe::customer("cus_9", at, "new@acme.example", "u9"));
    for (id, order) in [("sub_8", ["incomplete", "active"]), ("sub_9", ["active", "incomplete"])] {
        world.subscriptions.push(stripe::subscription(id, at, "cus_9", "active"));
        for status in order {
            let then = stripe::subscription(id, at, "cus_9", status);
            world.tell(&format!("evt_{id}_{status}"), "customer.subscription.updated", &then, 0);
        }
    }
    let new = world.customers.last().unwrap().clone();
    world.tell("evt_7", "customer.created", &new, 0);
    // A dispute is told about itself, not about its charge.
    world.charges[1]["disputed"] = json!(true);
    world.tell(
        "evt_8",
        "charge.dispute.created",
        &json!({"id": "dp_1", "object": "dispute", "charge": "ch_2", "payment_intent": "pi_ch_2"}),
        0,
    );
}

#[tokio::test]
async fn full_then_incremental_of_stripe_is_the_same_as_full() {
    for page in [100, 2, 1] {
        let (fake, world) = stripe::start(stripe::World { page, ..stripe::World::small() }).await;
        let source_ = source(System::Stripe, &fake.base);
        let mut held = Held::default();
        held.round(&*source_, stripe_now()).await.unwrap();
        fake.take_paths();
        a_minute_at_stripe(&mut lock(&world));
        held.round(&*source_, stripe_now().plus_ms(60_000)).await.unwrap();
        let paths = fake.take_paths();
        assert!(!paths.iter().any(|p| p == "GET /v1/customers" || p == "GET /v1/subscriptions"), "{paths:?}");
        let mut again = Held::default();
        again.round(&*source(System::Stripe, &fake.base), stripe_now().plus_ms(61_000)).await.unwrap();
        assert_eq!(held.content(), again.content(), "page {page}");
        assert!(held.get(Kind::Person, "cus_3").deleted);
        for (id, view) in [("sub_8", &held), ("sub_9", &held), ("sub_8", &again), ("sub_9", &again)] {
            assert_eq!(view.get(Kind::Subscription, id).state, Some(State::Active), "{id}, page {page}");
        }
        assert!(held.get(Kind::Charge, "ch_2").has(Flag::Disputed));
        assert_eq!(held.get(Kind::Subscription, "sub_1").updated_at, Some(Time::from_secs(stripe::START + 60)));
        // A third round with nothing new changes nothing and asks for no object again.
        fake.take_paths();
        held.round(&*source_, stripe_now().plus_ms(90_000)).await.unwrap();
        let paths = fake.take_paths();
        assert_eq!(held.content(), again.content());
        assert!(!paths.iter().any(|p| p.contains("/v1/subscriptions/")), "{paths:?}");
    }
}

#[tokio::test]
async fn an_undelivered_event_is_followed_until_it_is_delivered_or_lost() {
    let (fake, world) = stripe::start(stripe::World::small()).await;
    let mut source_ = source(System::Stripe, &fake.base);
    let mut held = Held::default();
    {
        let mut world = lock(&world);
        let object = world.invoices[0].clone();
        world.clock = stripe::START - 4 * 24 * 3600;
        world.tell("evt_lost", "invoice.paid", &object, 1);
        world.clock = stripe::START;
        world.tell("evt_a", "invoice.paid", &object, 2);
        world.tell("evt_b", "invoice.paid", &object, 0);
    }
    let state = |held: &Held, id: &str| held.deliveries[&Text::new(format!("stripe:{id}"))].state;
    held.round(&*source_, stripe_now()).await.unwrap();
    assert_eq!(state(&held, "evt_a"), DeliveryState::Pending);
    assert_eq!(state(&held, "evt_b"), DeliveryState::Delivered);
    assert_eq!(state(&held, "evt_lost"), DeliveryState::Failed);
    // An hour later it is still not delivered.
    lock(&world).clock += 3600;
    held.round(&*source_, stripe_now().plus_ms(3_600_000)).await.unwrap();
    assert_eq!(state(&held, "evt_a"), DeliveryState::Retrying);
    assert!(held.deliveries[&Text::new("stripe:evt_a")].reason.as_ref().unwrap().as_str().contains("2 endpoints"));
    // It is delivered: it leaves Stripe's list, and its own event says so.
    for restart in [false, true] {
        {
            let mut world = lock(&world);
            world.clock += 3600;
            let id = if restart { "evt_lost" } else { "evt_a" };
            world.events.iter_mut().find(|e| e["id"] == id).unwrap()["pending_webhooks"] = json!(0);
        }
        if restart {
            // A new process remembers nothing but its cursor.
            source_ = source(System::Stripe, &fake.base);
        }
        held.round(&*source_, stripe_now().plus_ms(7_200_000)).await.unwrap();
        assert_eq!(state(&held, if restart { "evt_lost" } else { "evt_a" }), DeliveryState::Delivered);
    }
}

#[tokio::test]
async fn many_events_that_are_delivered_at_once_are_read_as_a_span() {
    let (fake, world) = stripe::start(stripe::World::small()).await;
    let source_ = source(System::Stripe, &fake.base);
    let mut held = Held::default();
    {
        let mut world = lock(&world);
        let object = world.invoices[0].clone();
        for i in 0..250 {
            world.clock += 1;
            world.tell(&format!("evt_{i}"), "invoice.paid", &object, 1);
        }
    }
    held.round(&*source_, stripe_now()).await.unwrap();
    {
        let mut world = lock(&world);
        world.clock += 3600;
        world.events.iter_mut().for_each(|e| e["pending_webhooks"] = json!(0));
    }
    fake.take_paths();
    held.round(&*source_, stripe_now().plus_ms(3_600_000)).await.unwrap();
    assert_eq!(held.deliveries.len(), 250);
    assert!(held.deliveries.values().all(|d| d.state == DeliveryState::Delivered));
    let calls = fake.take_paths().len();
    assert!(calls < 12, "{calls} calls");
}

#[tokio::test]
async fn after_29_days_of_silence_everything_is_read_again() {
    let (fake, world) = stripe::start(stripe::World::small()).await;
    let source_ = source(System::Stripe, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, stripe_now()).await.unwrap();
    let month = 30 * 24 * 3600;
    {
        let mut world = lock(&world);
        world.clock += month;
        world.customers.retain(|c| c["id"] != "cus_2");
    }
    held.round(&*source_, stripe_now().plus_ms(month * 1000)).await.unwrap();
    assert!(held.get(Kind::Person, "cus_2").deleted);
    assert_eq!(held.finished.iter().filter(|k| **k == Kind::Person).count(), 2);
}

#[tokio::test]
async fn a_part_that_the_key_may_not_read_is_named_and_the_rest_arrives() {
    let world = stripe::World { forbidden: vec!["/v1/charges", "/v1/webhook_endpoints"], ..stripe::World::small() };
    let (fake, world) = stripe::start(world).await;
    let source_ = source(System::Stripe, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, stripe_now()).await.unwrap();
    let problem = held.partial.as_ref().unwrap().to_string();
    assert!(problem.contains("Charges, Webhook Endpoints"), "{problem}");
    assert_eq!(held.finished, [Kind::Person, Kind::Subscription, Kind::Invoice]);
    // The permission is given: the missing list is read without reading the others again.
    lock(&world).forbidden.clear();
    fake.take_paths();
    held.round(&*source_, stripe_now().plus_ms(20 * 60_000)).await.unwrap();
    assert!(held.partial.is_none());
    assert!(held.finished.contains(&Kind::Charge) && held.finished.contains(&Kind::Endpoint));
    assert!(!fake.take_paths().contains(&"GET /v1/customers".to_owned()));
}

#[tokio::test]
async fn a_stripe_clock_that_is_a_day_off_is_told_and_harms_nothing() {
    for off in [24 * 3600, -24 * 3600] {
        let mut world = stripe::World::small();
        world.clock += off;
        let (fake, world) = stripe::start(world).await;
        let source_ = source(System::Stripe, &fake.base);
        let mut held = Held::default();
        held.round(&*source_, stripe_now()).await.unwrap();
        assert!((held.skew_ms.unwrap() - off * 1000).abs() < 2000, "{:?}", held.skew_ms);
        a_minute_at_stripe(&mut lock(&world));
        held.round(&*source_, stripe_now().plus_ms(60_000)).await.unwrap();
        let mut again = Held::default();
        again.round(&*source(System::Stripe, &fake.base), stripe_now().plus_ms(61_000)).await.unwrap();
        assert_eq!(held.content(), again.content());
    }
}

fn hubspot_now() -> Time {
    Time::from_ms(hubspot::START)
}

#[tokio::test]
async fn full_then_incremental_of_hubspot_is_the_same_as_full() {
    for page in [100, 1] {
        let (fake, world) = hubspot::start(hubspot::World { page, ..hubspot::World::small() }).await;
        let source_ = source(System::Hubspot, &fake.base);
        let mut held = Held::default();
        held.round(&*source_, hubspot_now()).await.unwrap();
        assert_eq!(held.finished, [Kind::Person, Kind::Ticket]);
        assert_eq!(held.get(Kind::Person, "1").state, Some(State::Active));
        assert_eq!(held.get(Kind::Person, "2").state, None);
        assert_eq!(held.get(Kind::Ticket, "10").parent, Some(Text::new("1")));
        assert_eq!(held.rate_left, Some(77));
        {
            let mut world = lock(&world);
            world.clock += 60_000;
            let at = world.clock;
            world.contacts[1] = hubspot::contact("2", at, "bob@acme.example", "customer");
            world.contacts.push(hubspot::contact("4", at + 5, "new@acme.example", "lead"));
            world.tickets[0] = hubspot::ticket("10", at, "3", "4");
        }
        fake.take_paths();
        held.round(&*source_, hubspot_now().plus_ms(60_000)).await.unwrap();
        let paths = fake.take_paths();
        assert!(paths.iter().all(|p| p.ends_with("/search") || p == "GET /crm/v3/objects/tickets/10"), "{paths:?}");
        let mut again = Held::default();
        again.round(&*source(System::Hubspot, &fake.base), hubspot_now().plus_ms(61_000)).await.unwrap();
        assert_eq!(without_times(&held), without_times(&again), "page {page}");
        assert_eq!(held.get(Kind::Ticket, "10").parent, Some(Text::new("3")));
    }
}

/// The fake's `createdate` follows the change; real ones do not.
fn without_times(held: &Held) -> Vec<trueup::domain::Record> {
    held.content().into_iter().map(|r| trueup::domain::Record { created_at: None, ..r }).collect()
}

#[tokio::test]
async fn more_than_ten_thousand_changes_arrive_in_windows() {
    let (fake, world) = hubspot::start(hubspot::World::small()).await;
    let source_ = source(System::Hubspot, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, hubspot_now()).await.unwrap();
    {
        let mut world = lock(&world);
        let at = world.clock;
        world.contacts.extend(
            (0..10_500)
                .map(|i| hubspot::contact(&format!("{}", 1000 + i), at + i, &format!("p{i}@acme.example"), "lead")),
        );
        world.clock += 60_000;
    }
    held.round(&*source_, hubspot_now().plus_ms(60_000)).await.unwrap();
    assert_eq!(held.records.keys().filter(|(kind, _)| *kind == Kind::Person).count(), 10_503);
}

#[tokio::test]
async fn a_contact_that_vanishes_is_noticed_by_the_daily_full_pass() {
    let (fake, world) = hubspot::start(hubspot::World::small()).await;
    let source_ = source(System::Hubspot, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, hubspot_now()).await.unwrap();
    lock(&world).contacts[0]["archived"] = json!(true);
    held.round(&*source_, hubspot_now().plus_ms(3_600_000)).await.unwrap();
    assert!(!held.get(Kind::Person, "1").deleted);
    held.round(&*source_, hubspot_now().plus_ms(24 * 3_600_000)).await.unwrap();
    assert!(held.get(Kind::Person, "1").deleted);
}

#[tokio::test]
async fn without_the_ticket_scope_contacts_still_arrive_and_tickets_follow_when_it_is_given() {
    let (fake, world) = hubspot::start(hubspot::World { no_tickets: true, ..hubspot::World::small() }).await;
    let source_ = source(System::Hubspot, &fake.base);
    let mut held = Held::default();
    for minutes in [0, 1] {
        held.round(&*source_, hubspot_now().plus_ms(minutes * 60_000)).await.unwrap();
        assert!(held.partial.as_ref().unwrap().to_string().contains("tickets"));
        assert_eq!(held.finished, [Kind::Person]);
    }
    lock(&world).no_tickets = false;
    held.round(&*source_, hubspot_now().plus_ms(120_000)).await.unwrap();
    assert!(held.partial.is_none() && held.finished.contains(&Kind::Ticket));
    assert_eq!(held.get(Kind::Ticket, "11").parent, Some(Text::new("2")));
}

fn zendesk_now() -> Time {
    Time::from_ms(zendesk::START)
}

#[tokio::test]
async fn full_then_incremental_of_zendesk_is_the_same_as_full() {
    for page in [100, 1] {
        let (fake, world) = zendesk::start(zendesk::World { page, ..zendesk::World::small() }).await;
        let source_ = source(System::Zendesk, &fake.base);
        let mut held = Held::default();
        held.round(&*source_, zendesk_now()).await.unwrap();
        assert_eq!(held.finished, [Kind::Person, Kind::Ticket, Kind::Endpoint]);
        assert_eq!(held.get(Kind::Person, "1").links.portal, Some(Text::new("u1")));
        assert!(!held.records.contains_key(&(Kind::Person, Text::new("9"))), "an agent is no customer");
        let ticket = held.get(Kind::Ticket, "100");
        assert_eq!(ticket.parent, Some(Text::new("1")));
        assert_eq!(ticket.attributes[&Text::new("external_id")], "portal-ticket-1");
        assert!(held.get(Kind::Endpoint, "01OLD").has(Flag::Disabled));
        {
            let mut world = lock(&world);
            world.clock += 60_000;
            let at = world.clock;
            let mut gone = zendesk::user(1, at, "ada@acme.example", "u1");
            gone["active"] = json!(false);
            let mut promoted = zendesk::user(2, at, "bob@acme.example", "u2");
            promoted["role"] = json!("agent");
            world.users.extend([gone, promoted, zendesk::user(3, at, "new@acme.example", "u3")]);
            world.tickets.push(zendesk::ticket(100, at, 1, "deleted"));
        }
        fake.take_paths();
        held.round(&*source_, zendesk_now().plus_ms(60_000)).await.unwrap();
        let exports = fake.calls().into_iter().filter(|c| c.path.contains("incremental"));
        assert!(exports.into_iter().all(|c| c.get("cursor").is_some()));
        let mut again = Held::default();
        again.round(&*source(System::Zendesk, &fake.base), zendesk_now().plus_ms(61_000)).await.unwrap();
        let told: Vec<_> = again.content().into_iter().filter(|r| r.id != "2").collect();
        assert_eq!(held.content(), told, "page {page}");
        for id in ["1", "2"] {
            assert!(held.get(Kind::Person, id).deleted, "{id}");
        }
        // Nothing new: the same cursor comes back, which is no circle.
        held.round(&*source_, zendesk_now().plus_ms(90_000)).await.unwrap();
        held.round(&*source_, zendesk_now().plus_ms(95_000)).await.unwrap();
    }
}

#[tokio::test]
async fn zendesk_tells_how_its_webhooks_were_taken() {
    let (fake, world) = zendesk::start(zendesk::World::small()).await;
    let source_ = source(System::Zendesk, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, zendesk_now()).await.unwrap();
    let row = |held: &Held, id: &str| held.deliveries[&Text::new(format!("zendesk:{id}"))].clone();
    assert_eq!(row(&held, "inv1").state, DeliveryState::Delivered);
    let failed = row(&held, "inv2");
    assert_eq!((failed.state, failed.attempts, failed.status), (DeliveryState::Failed, Some(2), Some(503)));
    assert_eq!(failed.kind, Text::new("sync"));
    assert!(!format!("{held:?}").contains("canary"), "a webhook's credentials are not kept");
    // The next round asks from the last one on, and does not read the same attempts twice.
    {
        let mut world = lock(&world);
        world.clock += 60_000;
        let at = world.clock - 1000;
        world.invocations.push(("01HOOK".to_owned(), zendesk::invocation("inv3", "throttled", at), Vec::new()));
    }
    fake.take_paths();
    held.round(&*source_, zendesk_now().plus_ms(60_000)).await.unwrap();
    assert_eq!(row(&held, "inv3").state, DeliveryState::Retrying);
    let attempts = fake.take_paths().into_iter().filter(|p| p.ends_with("/attempts")).count();
    assert_eq!(attempts, 1, "only the new one");
    fake.take_paths();
    held.round(&*source_, zendesk_now().plus_ms(90_000)).await.unwrap();
    let from = fake.calls().iter().find_map(|c| c.get("filter[from_ts]").and_then(Time::parse)).unwrap();
    assert!(zendesk_now().since(from) < 15 * 60_000, "it asks from the last round on: {from:?}");
}

#[tokio::test]
async fn without_webhooks_the_rest_of_zendesk_still_arrives() {
    let (fake, _) = zendesk::start(zendesk::World { no_webhooks: true, ..zendesk::World::small() }).await;
    let mut held = Held::default();
    held.round(&*source(System::Zendesk, &fake.base), zendesk_now()).await.unwrap();
    assert!(held.partial.as_ref().unwrap().to_string().contains("webhooks"));
    assert_eq!(held.finished, [Kind::Person, Kind::Ticket]);
}

#[tokio::test]
async fn capabilities_say_what_each_provider_can_tell() {
    let caps = |system| source(system, "http://127.0.0.1:9").capabilities();
    let stripe = caps(System::Stripe);
    assert!(stripe.deliveries && !stripe.attempts);
    let paddle = caps(System::Paddle);
    assert!(paddle.deliveries && paddle.attempts);
    let hubspot = caps(System::Hubspot);
    assert!(!hubspot.deliveries && hubspot.deliveries_unknown.is_some());
    let zendesk = caps(System::Zendesk);
    assert!(zendesk.deliveries && zendesk.attempts);
}

fn intercom_now() -> Time {
    Time::from_secs(intercom::START)
}

#[tokio::test]
async fn full_then_incremental_of_intercom_is_the_same_as_full() {
    for page in [150, 1] {
        let (fake, world) = intercom::start(intercom::World { page, ..intercom::World::small() }).await;
        let source_ = source(System::Intercom, &fake.base);
        let mut held = Held::default();
        held.round(&*source_, intercom_now()).await.unwrap();
        assert_eq!(held.finished, [Kind::Person, Kind::Ticket]);
        assert_eq!(held.records.len(), 3 + 2 + 2);
        let ada = held.get(Kind::Person, "1");
        assert_eq!((ada.links.portal.clone(), ada.tags.clone()), (Some(Text::new("u1")), vec![Text::new("vip")]));
        assert_eq!(held.get(Kind::Person, "3").email, None, "a lead claims nobody");
        assert_eq!(held.get(Kind::Ticket, "11").word, Some(Text::new("snoozed")));
        assert_eq!(held.get(Kind::Ticket, "ticket:20").parent, Some(Text::new("1")));
        assert_eq!(held.rate_left, Some(55));
        {
            let mut world = lock(&world);
            world.clock += 60;
            let at = world.clock;
            world.contacts.push(intercom::contact("4", at, "new@acme.example", "user"));
            world.contacts[1]["custom_attributes"] = json!({"trueup_state": "canceled"});
            world.contacts[1]["updated_at"] = json!(at);
            world.conversations[0]["state"] = json!("closed");
            world.conversations[0]["updated_at"] = json!(at);
        }
        fake.take_paths();
        held.round(&*source_, intercom_now().plus_ms(60_000)).await.unwrap();
        assert!(fake.take_paths().iter().all(|p| p.ends_with("/search")));
        let mut again = Held::default();
        again.round(&*source(System::Intercom, &fake.base), intercom_now().plus_ms(61_000)).await.unwrap();
        assert_eq!(held.content(), again.content(), "page {page}");
        assert_eq!(held.get(Kind::Person, "2").state, Some(State::Canceled));
        // Merged away: noticed by the daily full pass.
        lock(&world).contacts.remove(0);
        held.round(&*source_, intercom_now().plus_ms(25 * 3_600_000)).await.unwrap();
        assert!(held.get(Kind::Person, "1").deleted);
    }
}

#[tokio::test]
async fn without_the_ticket_permission_intercoms_tickets_are_unknown_and_follow_when_it_is_given() {
    let (fake, world) = intercom::start(intercom::World { no_tickets: true, ..intercom::World::small() }).await;
    let source_ = source(System::Intercom, &fake.base);
    let mut held = Held::default();
    for minutes in [0, 1] {
        held.round(&*source_, intercom_now().plus_ms(minutes * 60_000)).await.unwrap();
        assert!(held.partial.as_ref().unwrap().to_string().contains("tickets"));
        assert_eq!(held.finished, [Kind::Person]);
    }
    lock(&world).no_tickets = false;
    for minutes in [2, 3] {
        held.round(&*source_, intercom_now().plus_ms(minutes * 60_000)).await.unwrap();
    }
    assert!(held.partial.is_none() && held.finished.contains(&Kind::Ticket));
}

#[tokio::test]
async fn a_contact_that_answers_gone_was_merged() {
    let world = intercom::World { merged: vec!["1".to_owned()], ..intercom::World::small() };
    let (fake, _) = intercom::start(world).await;
    let mut held = Held::default();
    held.round(&*source(System::Intercom, &fake.base), intercom_now()).await.unwrap();
    assert!(held.get(Kind::Person, "1").deleted && !held.get(Kind::Person, "2").deleted);
}
