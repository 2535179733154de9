//! Paddle: every status, scheduled changes, money as text, pages that shrink, positions that are forgotten, secrets.

use serde_json::{Value, json};
use trueup::domain::money::Per;
use trueup::domain::{DeliveryState, Flag, Kind, Record, State, System, Text, Time};
use trueup::sources::Cause;
use trueup::sources::budget::Limits;
use trueup::sources::registry::build;
use trueup::sources::secret::Secret;

use crate::fakes::paddle::{self, SECRET, START, World};
use crate::fakes::{Answer, Fake, Held, lock};
use crate::{source, spec};

fn now() -> Time {
    Time::from_ms(START)
}

async fn collected(world: World) -> Held {
    let (fake, _) = paddle::start(world).await;
    let mut held = Held::default();
    held.round(&*source(System::Paddle, &fake.base), now()).await.unwrap();
    held
}

/// The record of one subscription as a full collection brings it.
async fn subscription(status: &str, with: impl FnOnce(&mut Value)) -> Record {
    let mut object = paddle::subscription("sub_1", START - 5000, "ctm_1", status);
    with(&mut object);
    let held = collected(World { subscriptions: vec![object], ..World::small() }).await;
    held.get(Kind::Subscription, "sub_1").clone()
}

#[tokio::test]
async fn a_full_collection_brings_every_page_of_every_kind() {
    for page in [200, 1] {
        let (fake, _) = paddle::start(World { page, ..World::small() }).await;
        let mut held = Held::default();
        held.round(&*source(System::Paddle, &fake.base), now()).await.unwrap();
        assert_eq!(held.finished, [Kind::Person, Kind::Subscription, Kind::Invoice, Kind::Charge, Kind::Endpoint]);
        assert!(held.partial.is_none());
        let ada = held.get(Kind::Person, "ctm_1");
        assert_eq!((ada.links.portal.clone(), ada.email.clone()), (Some("u1".into()), Some("ada@acme.example".into())));
        assert!(held.get(Kind::Person, "ctm_3").deleted, "archived is gone");
        let sub = held.get(Kind::Subscription, "sub_1");
        assert_eq!(
            (sub.state, sub.parent.clone(), sub.plan.clone()),
            (Some(State::Active), Some("ctm_1".into()), Some("Pro".into()))
        );
        for key in ["pri_pro", "Pro monthly", "pro_1", "Pro"] {
            assert!(sub.plan_keys.contains(&key.into()), "{key}");
        }
        let paid = held.get(Kind::Invoice, "txn_1");
        assert_eq!((paid.word.clone(), paid.name.clone()), (Some("completed".into()), Some("325-txn_1".into())));
        assert_eq!(paid.ended_at, Some(Time::from_ms(START - 10_000_000 + 5000)));
        assert!(!held.records.contains_key(&(Kind::Invoice, "txn_2".into())), "a draft is no invoice");
        assert!(!held.records.contains_key(&(Kind::Charge, "txn_1".into())), "nothing was adjusted");
        assert!(held.get(Kind::Charge, "txn_3").flags.is_empty(), "a refund that nobody approved is none yet");
        let calls = fake.calls();
        let most = |path: &str| calls.iter().filter(|c| c.path == path).all(|c| c.number("per_page").unwrap() <= 30);
        assert!(most("/transactions"));
        assert!(calls.iter().filter(|c| c.path == "/customers").all(|c| c.get("status") == Some("active,archived")));
    }
}

#[tokio::test]
async fn every_status_has_its_state_and_the_open_set_stays_open() {
    for (status, state) in [
        ("trialing", State::Trial),
        ("active", State::Active),
        ("past_due", State::PastDue),
        ("canceled", State::Canceled),
        ("paused", State::NeedsReview),
        ("something_new", State::NeedsReview),
    ] {
        let record = subscription(status, |_| {}).await;
        assert_eq!((record.state, record.word.unwrap().as_str()), (Some(state), status));
    }
}

#[tokio::test]
async fn a_scheduled_change_is_told_beside_the_state() {
    let change = |action: &str| json!({"action": action, "effective_at": "2025-11-01T00:00:00Z", "resume_at": null});
    for (action, flags) in
        [("cancel", &[Flag::Canceling][..]), ("pause", &[Flag::CollectionPaused]), ("resume", &[]), ("new", &[])]
    {
        let record = subscription("active", |s| s["scheduled_change"] = change(action)).await;
        assert_eq!((record.state, record.flags.as_slice()), (Some(State::Active), flags), "{action}");
        assert_eq!(record.attributes[&Text::new("scheduled_for")], "2025-11-01T00:00:00Z");
    }
}

#[tokio::test]
async fn money_is_text_in_the_lowest_denomination_and_exact_or_absent() {
    fn priced(s: &mut Value, amount: Value, currency: &str) {
        s["currency_code"] = json!(currency);
        s["items"][0]["price"]["unit_price"] = json!({"amount": amount, "currency_code": currency});
    }
    let of = |record: Record| record.money.map(|m| (m.amount, m.currency.to_string(), m.per.unwrap(), m.decimals()));
    let eur = |amount: i64, per| Some((amount, "eur".to_owned(), per, 2));
    assert_eq!(of(subscription("active", |_| {}).await), eur(4900, Per::Month));
    let yen = subscription("active", |s| priced(s, json!("5000"), "JPY")).await;
    assert_eq!(of(yen), Some((5000, "jpy".to_owned(), Per::Month, 0)));
    let number = subscription("active", |s| priced(s, json!(4900), "EUR")).await;
    assert_eq!(of(number), eur(4900, Per::Month));
    for bad in [json!("49.00"), json!(null), json!("many"), json!("99999999999999999999")] {
        assert_eq!(of(subscription("active", |s| priced(s, bad.clone(), "EUR")).await), None, "{bad}");
    }
    // Several seats, a year, two items, an item that is billed once.
    let seats = subscription("active", |s| s["items"][0]["quantity"] = json!(3)).await;
    assert_eq!(of(seats), eur(14_700, Per::Month));
    let year = json!({"interval": "year", "frequency": 1});
    let yearly = subscription("active", |s| s["items"][0]["price"]["billing_cycle"] = year.clone()).await;
    assert_eq!(of(yearly), eur(4900, Per::Year));
    let two = |recurring: bool| {
        move |s: &mut Value| {
            let mut more = s["items"][0].clone();
            more["recurring"] = json!(recurring);
            s["items"].as_array_mut().unwrap().push(more);
        }
    };
    assert_eq!(of(subscription("active", two(true)).await), eur(9800, Per::Month));
    assert_eq!(of(subscription("active", two(false)).await), eur(4900, Per::Month));
    // A price of another currency, and one that differs from country to country.
    let mixed = subscription("active", |s| s["currency_code"] = json!("USD")).await;
    assert_eq!(of(mixed), None);
    for (amount, expected) in [("4900", eur(4900, Per::Month)), ("3900", None)] {
        let local = json!([{"country_codes": ["IE"], "unit_price": {"amount": amount, "currency_code": "EUR"}}]);
        let record = subscription("active", |s| s["items"][0]["price"]["unit_price_overrides"] = local).await;
        assert_eq!(of(record), expected, "{amount}");
    }
}

#[tokio::test]
async fn what_is_due_and_what_was_paid_are_told_apart() {
    let mut late = paddle::transaction("txn_9", START - 5000, "ctm_1", "past_due");
    late["payments"] =
        json!([{"status": "error", "error_code": "declined"}, {"status": "error", "error_code": "fraud"}]);
    let mut yen = paddle::transaction("txn_8", START - 5000, "ctm_1", "billed");
    yen["currency_code"] = json!("JPY");
    yen["details"]["totals"]["balance"] = json!("5000");
    let held = collected(World { transactions: vec![late, yen], ..World::small() }).await;
    let late = held.get(Kind::Invoice, "txn_9");
    assert_eq!((late.money.as_ref().unwrap().amount, late.ended_at), (4900, None));
    assert_eq!(late.attributes[&Text::new("attempt_count")], "2");
    assert_eq!(late.attributes[&Text::new("failure_code")], "declined");
    assert_eq!(late.attributes[&Text::new("subscription")], "sub_1");
    let yen = held.get(Kind::Invoice, "txn_8").money.clone().unwrap();
    assert_eq!((yen.amount, yen.currency.as_str()), (5000, "jpy"));
}

#[tokio::test]
async fn refunds_and_chargebacks_count_when_they_are_approved_and_not_taken_back() {
    let at = START - 9000;
    let adjust = |n: i64, action: &str, status: &str, total: &str| {
        paddle::adjustment(&format!("adj_{n}"), at + n, "txn_1", action, status, total)
    };
    for (adjustments, flags) in [
        (vec![adjust(1, "refund", "approved", "4900")], &[Flag::Refunded][..]),
        (vec![adjust(1, "refund", "approved", "900")], &[]),
        (vec![adjust(1, "refund", "approved", "900"), adjust(2, "refund", "approved", "4000")], &[Flag::Refunded]),
        (vec![adjust(1, "refund", "pending_approval", "4900")], &[]),
        (vec![adjust(1, "refund", "rejected", "4900")], &[]),
        (vec![adjust(1, "chargeback", "approved", "4900")], &[Flag::Disputed]),
        (vec![adjust(1, "chargeback", "approved", "1"), adjust(2, "chargeback_reverse", "approved", "1")], &[]),
        (vec![adjust(1, "chargeback_warning", "approved", "4900")], &[]),
        (vec![adjust(1, "credit", "approved", "4900")], &[]),
    ] {
        let said = format!("{adjustments:?}");
        let held = collected(World { adjustments, ..World::small() }).await;
        assert_eq!(held.get(Kind::Charge, "txn_1").flags, flags, "{said}");
    }
}

/// Everything that can happen to a Paddle account in a minute.
fn a_minute(world: &mut World) {
    world.clock += 60_000;
    world.change("sub_1", "evt_11", "subscription.past_due", |s| s["status"] = json!("past_due"));
    world.change("ctm_2", "evt_12", "customer.updated", |c| c["status"] = json!("archived"));
    world.change("txn_2", "evt_13", "transaction.completed", |t| t["status"] = json!("completed"));
    // The refund is approved: told about itself, and the transaction does not change.
    let now = paddle::at(world.clock);
    world.adjustments[0]["status"] = json!("approved");
    world.adjustments[0]["updated_at"] = json!(now);
    let refund = world.adjustments[0].clone();
    world.tell("evt_14", "adjustment.updated", &refund);
    // Two events of one second, and the pictures lie about the order.
    world.customers.push(paddle::customer("ctm_9", world.clock, "new@acme.example", "u9"));
    let new = world.customers.last().unwrap().clone();
    world.tell("evt_15", "customer.created", &new);
    world.subscriptions.push(paddle::subscription("sub_9", world.clock, "ctm_9", "active"));
    for (n, status) in [(16, "active"), (17, "trialing")] {
        let then = paddle::subscription("sub_9", world.clock, "ctm_9", status);
        world.tell(&format!("evt_{n}"), "subscription.updated", &then);
    }
    // A picture without its items.
    world.subscriptions.push(paddle::subscription("sub_8", world.clock, "ctm_1", "canceled"));
    world.tell("evt_18", "subscription.created", &json!({"id": "sub_8", "status": "active"}));
    world.tell("evt_19", "price.updated", &json!({"id": "pri_pro"}));
}

fn bare(held: &Held) -> Vec<Record> {
    let living = held.records.values().filter(|r| !r.deleted);
    living.map(|r| Record { version: 0, seen_at: Time::from_ms(0), ..r.clone() }).collect()
}

#[tokio::test]
async fn full_then_incremental_is_the_same_as_full() {
    for page in [200, 2, 1] {
        let (fake, world) = paddle::start(World { page, ..World::small() }).await;
        let source_ = source(System::Paddle, &fake.base);
        let mut held = Held::default();
        held.round(&*source_, now()).await.unwrap();
        fake.take_paths();
        a_minute(&mut lock(&world));
        held.round(&*source_, now().plus_ms(60_000)).await.unwrap();
        let paths = fake.take_paths();
        assert!(!paths.iter().any(|p| p == "GET /customers" || p == "GET /transactions"), "{paths:?}");
        let mut again = Held::default();
        again.round(&*source(System::Paddle, &fake.base), now().plus_ms(61_000)).await.unwrap();
        assert_eq!(bare(&held), bare(&again), "page {page}");
        assert!(held.get(Kind::Person, "ctm_2").deleted);
        assert_eq!(held.get(Kind::Subscription, "sub_9").state, Some(State::Active), "page {page}");
        assert_eq!(held.get(Kind::Subscription, "sub_8").state, Some(State::Canceled));
        assert!(held.get(Kind::Charge, "txn_3").has(Flag::Refunded));
        // Within the overlap nothing is asked again that is known, later the same events are not read at all.
        fake.take_paths();
        held.round(&*source_, now().plus_ms(90_000)).await.unwrap();
        let paths = fake.take_paths();
        assert!(!paths.iter().any(|p| p.contains("/subscriptions/") || p.contains("/transactions/")), "{paths:?}");
        lock(&world).clock += 600_000;
        for _ in 0..2 {
            fake.take_paths();
            held.round(&*source_, now().plus_ms(700_000)).await.unwrap();
        }
        let events = fake.calls().into_iter().find(|c| c.path == "/events").unwrap();
        assert_eq!(events.get("after"), Some("evt_19"));
        assert_eq!(bare(&held), bare(&again));
        assert!(fake.calls().len() <= 3 + 2, "a quiet round is cheap: {:?}", fake.take_paths());
    }
}

#[tokio::test]
async fn what_happens_while_the_lists_are_read_is_not_lost() {
    let (fake, world) = paddle::start(World { page: 1, ..World::small() }).await;
    let source_ = source(System::Paddle, &fake.base);
    let mut held = Held::default();
    // The first list is read to its second page; then the account changes, and the list becomes shorter.
    for _ in 0..3 {
        let batch = source_.collect(held.cursor.clone().as_deref(), now()).await.unwrap();
        held.apply(batch);
    }
    {
        let mut world = lock(&world);
        world.clock += 1000;
        world.change("ctm_1", "evt_21", "customer.updated", |c| c["email"] = json!("ada@new.example"));
        world.customers.retain(|c| c["id"] != "ctm_2" && c["id"] != "ctm_3");
    }
    // Another process goes on from the stored position.
    held.round(&*source(System::Paddle, &fake.base), now().plus_ms(2000)).await.unwrap();
    assert_eq!(held.get(Kind::Person, "ctm_1").email, Some(Text::new("ada@new.example")));
    assert_eq!(held.finished.len(), 5);
    let first = fake.calls().iter().filter(|c| c.path == "/customers" && c.get("after").is_none()).count();
    assert_eq!(first, 1, "it did not start over");
}

#[tokio::test]
async fn a_position_that_is_forgotten_means_start_over() {
    let (fake, world) = paddle::start(World { page: 1, ..World::small() }).await;
    let source_ = source(System::Paddle, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, now()).await.unwrap();
    lock(&world).forgotten.push("evt_00".to_owned());
    let error = source_.collect(held.cursor.as_deref(), now().plus_ms(60_000)).await.unwrap_err();
    assert_eq!(error.cause, Cause::Expired, "{}", error.problem);
    held.cursor = None;
    lock(&world).forgotten.clear();
    held.round(&*source_, now().plus_ms(61_000)).await.unwrap();
}

#[tokio::test]
async fn once_a_day_everything_is_read_again_and_what_vanished_is_gone() {
    let (fake, world) = paddle::start(World::small()).await;
    let source_ = source(System::Paddle, &fake.base);
    let mut held = Held::default();
    let hour = 3_600_000;
    held.round(&*source_, now()).await.unwrap();
    lock(&world).subscriptions.remove(1);
    held.round(&*source_, now().plus_ms(23 * hour)).await.unwrap();
    assert!(!held.get(Kind::Subscription, "sub_2").deleted);
    held.round(&*source_, now().plus_ms(24 * hour)).await.unwrap();
    assert!(held.get(Kind::Subscription, "sub_2").deleted);
    let after: Vec<_> = fake.calls().iter().filter_map(|c| c.get("after").map(str::to_owned)).collect();
    assert!(after.contains(&"evt_00".to_owned()), "the event feed goes on where it was");
}

#[tokio::test]
async fn a_notification_is_followed_until_it_is_taken_or_lost() {
    let (fake, world) = paddle::start(World::small()).await;
    {
        let mut world = lock(&world);
        let row =
            |id: &str, event: &str, status: &str, tries| paddle::notification(id, START - 5000, event, status, tries);
        world.notifications = vec![
            row("ntf_01", "evt_01", "delivered", 1),
            row("ntf_02", "evt_02", "needs_retry", 3),
            row("ntf_03", "evt_03", "failed", 60),
            row("ntf_04", "evt_04", "not_attempted", 0),
            row("ntf_05", "evt_05", "needs_retry", 2),
        ];
        world.logs = vec![("ntf_02".to_owned(), 500), ("ntf_02".to_owned(), 503), ("ntf_03".to_owned(), 0)];
    }
    let source_ = source(System::Paddle, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, now()).await.unwrap();
    let row = |held: &Held, id: &str| held.deliveries[&Text::new(format!("paddle:{id}"))].clone();
    assert_eq!(row(&held, "evt_01").state, DeliveryState::Delivered);
    let waiting = row(&held, "evt_02");
    assert_eq!((waiting.state, waiting.attempts, waiting.status), (DeliveryState::Retrying, Some(3), Some(503)));
    assert_eq!(waiting.customer, Some(Text::new("u1")));
    let lost = row(&held, "evt_03");
    assert_eq!((lost.state, lost.status), (DeliveryState::Failed, None));
    assert!(lost.reason.unwrap().as_str().starts_with("the endpoint did not answer"));
    assert_eq!(row(&held, "evt_04").state, DeliveryState::Pending);
    // One is taken, one is given up, one is new; the failed one is sent anew and taken.
    {
        let mut world = lock(&world);
        world.clock += 60_000;
        for (id, status, tries) in [("ntf_02", "delivered", 4), ("ntf_05", "failed", 60), ("ntf_04", "needs_retry", 1)]
        {
            let row = world.find(id).unwrap();
            row["status"] = json!(status);
            row["times_attempted"] = json!(tries);
        }
        let mut replay = paddle::notification("ntf_06", START - 5000, "evt_03", "delivered", 1);
        replay["origin"] = json!("replay");
        world.notifications.push(replay);
        world.notifications.push(paddle::notification("ntf_07", START + 50_000, "evt_07", "delivered", 1));
    }
    fake.take_paths();
    // A new process: it knows only its position.
    let source_ = source(System::Paddle, &fake.base);
    held.round(&*source_, now().plus_ms(60_000)).await.unwrap();
    for (id, state) in [
        ("evt_02", DeliveryState::Delivered),
        ("evt_03", DeliveryState::Delivered),
        ("evt_04", DeliveryState::Retrying),
        ("evt_05", DeliveryState::Failed),
        ("evt_07", DeliveryState::Delivered),
    ] {
        assert_eq!(row(&held, id).state, state, "{id}");
    }
    assert_eq!(row(&held, "evt_03").attempts, None, "the tries of a replay are counted anew");
    // Nothing happens: no log is read twice.
    fake.take_paths();
    held.round(&*source_, now().plus_ms(90_000)).await.unwrap();
    assert_eq!(
        fake.take_paths(),
        ["GET /events", "GET /notifications", "GET /notifications", "GET /notification-settings"]
    );
}

#[tokio::test]
async fn a_broken_endpoint_costs_a_bounded_number_of_calls() {
    let (fake, world) = paddle::start(World::small()).await;
    {
        let mut world = lock(&world);
        world.notifications = (0..500)
            .map(|n| {
                paddle::notification(&format!("ntf_{n:04}"), START - 9000 + n, &format!("evt_{n:04}"), "needs_retry", 2)
            })
            .collect();
    }
    let source_ = source(System::Paddle, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, now()).await.unwrap();
    assert_eq!(held.deliveries.len(), 500);
    let calls = fake.take_paths().len();
    assert!(calls < 50, "{calls} calls");
    // All are taken at once: a few one by one, the rest as a span.
    lock(&world).notifications.iter_mut().for_each(|row| row["status"] = json!("delivered"));
    held.round(&*source_, now().plus_ms(60_000)).await.unwrap();
    assert!(held.deliveries.values().all(|d| d.state == DeliveryState::Delivered));
    let calls = fake.take_paths().len();
    assert!(calls < 60, "{calls} calls");
}

#[tokio::test]
async fn a_part_that_the_key_may_not_read_is_named_and_the_rest_arrives() {
    let forbidden = vec!["/events", "include", "/notification"];
    let (fake, world) = paddle::start(World { forbidden, ..World::small() }).await;
    let source_ = source(System::Paddle, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, now()).await.unwrap();
    let problem = held.partial.as_ref().unwrap().to_string();
    assert!(problem.contains("Events, Adjustments, Notifications, Notification settings"), "{problem}");
    assert_eq!(held.finished, [Kind::Person, Kind::Subscription, Kind::Invoice]);
    held.round(&*source_, now().plus_ms(60_000)).await.unwrap();
    assert_eq!(fake.calls().iter().filter(|c| c.path == "/customers").count(), 1);
    // Without events everything is read again every hour; then the permissions are there.
    lock(&world).forbidden.clear();
    held.round(&*source_, now().plus_ms(3_600_000)).await.unwrap();
    assert!(held.partial.is_none());
    assert!(held.finished.contains(&Kind::Charge) && held.finished.contains(&Kind::Endpoint));

    let (fake, world) = paddle::start(World { forbidden: vec!["/subscriptions"], ..World::small() }).await;
    let source_ = source(System::Paddle, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, now()).await.unwrap();
    assert!(!held.finished.contains(&Kind::Subscription));
    lock(&world).forbidden.clear();
    fake.take_paths();
    held.round(&*source_, now().plus_ms(20 * 60_000)).await.unwrap();
    assert!(held.finished.contains(&Kind::Subscription) && held.partial.is_none());
    assert!(!fake.take_paths().contains(&"GET /customers".to_owned()));
}

#[tokio::test]
async fn destinations_are_told_and_their_secrets_are_not() {
    let (fake, world) = paddle::start(World::small()).await;
    {
        let mut world = lock(&world);
        world.notifications.push(paddle::notification("ntf_1", START - 5000, "evt_1", "failed", 3));
        world.logs.push(("ntf_1".to_owned(), 500));
    }
    let mut held = Held::default();
    held.round(&*source(System::Paddle, &fake.base), now()).await.unwrap();
    let endpoint = held.get(Kind::Endpoint, "ntfset_1");
    assert_eq!(endpoint.name, Some(Text::new("https://acme.example/hook")));
    assert_eq!(endpoint.attributes[&Text::new("events")], "subscription.updated transaction.paid");
    assert_eq!(endpoint.attributes[&Text::new("api_version")], "1");
    assert!(!endpoint.has(Flag::Disabled) && held.get(Kind::Endpoint, "ntfset_2").has(Flag::Disabled));
    let sent = fake.exchanges().iter().any(|(_, answer)| String::from_utf8_lossy(&answer.body).contains(SECRET));
    assert!(sent, "the fake does tell them");
    let json = serde_json::to_string(&held.records.values().collect::<Vec<_>>()).unwrap();
    for text in [format!("{held:?}"), json] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_paddle_says_and_which_request_it_was() {
    let (fake, _) = paddle::start(World { forbidden: vec!["/customers"], ..World::small() }).await;
    let mut held = Held::default();
    let error = held.round(&*source(System::Paddle, &fake.base), now()).await.unwrap_err();
    let text = error.problem.to_string();
    for part in ["403", "GET /customers", "forbidden: it is forbidden", "request req_77"] {
        assert!(text.contains(part), "lacks `{part}`: {text}");
    }
    let odd = r#"{"data": 7, "meta": {"request_id": "req_78"}}"#;
    let fake = Fake::start(move |_| Answer::new(200, odd)).await;
    let error = source(System::Paddle, &fake.base).collect(None, now()).await.unwrap_err();
    assert!(error.problem.to_string().contains("request req_78"), "{}", error.problem);
}

#[tokio::test]
async fn strange_rows_do_not_break_a_collection() {
    let rows = json!([{}, {"id": null}, 7, null, {"id": "ctm_1", "email": 5, "created_at": "never", "custom_data": [],
        "name": "a\u{1b}[2Jb\r", "status": 3, "updated_at": 7}]);
    let body = json!({"data": rows, "meta": {"pagination": {"has_more": false, "next": null}}});
    let fake = Fake::start(move |_| Answer::json(&body)).await;
    let mut held = Held::default();
    held.round(&*source(System::Paddle, &fake.base), now()).await.unwrap();
    assert!(held.get(Kind::Person, "ctm_1").name.as_ref().unwrap().is_marked());
    assert_eq!(held.get(Kind::Subscription, "ctm_1").state, Some(State::NeedsReview));
}

#[tokio::test]
async fn a_key_of_the_other_mode_is_refused_before_any_call() {
    let fake = Fake::start(|_| Answer::new(500, "{}")).await;
    for (key, live, refused) in [
        ("pdl_sdbx_apikey_01abc", true, true),
        ("pdl_live_apikey_01abc", false, true),
        ("pdl_ntfset_01abcdefgh", true, true),
        ("live_0123456789abcdef", true, true),
        ("pdl_live_apikey_01abc", true, false),
        ("pdl_sdbx_apikey_01abc", false, false),
        ("0123456789abcdef0123", true, false),
    ] {
        let mut spec = spec(System::Paddle, &fake.base, Limits::LOOPBACK);
        spec.live = live;
        spec.api_key = Secret::new(key, &fake.base);
        let source = build(&spec).unwrap();
        fake.take_paths();
        for error in [source.collect(None, now()).await.unwrap_err(), source.probe(now()).await.unwrap_err()] {
            assert_eq!(error.cause == Cause::Refused, refused, "{key} {live}: {}", error.problem);
        }
        assert_eq!(fake.take_paths().is_empty(), refused, "{key} {live}");
    }
    for (base, live) in [("https://api.paddle.com", false), ("https://sandbox-api.paddle.com", true)] {
        let mut spec = spec(System::Paddle, base, Limits::LOOPBACK);
        spec.live = live;
        spec.api_key = Secret::new("0123456789abcdef0123", base);
        let error = build(&spec).unwrap().collect(None, now()).await.unwrap_err();
        assert!(error.cause == Cause::Refused && error.problem.to_string().contains(base), "{}", error.problem);
    }
}

#[tokio::test]
async fn a_probe_is_one_read_only_call() {
    let (fake, _) = paddle::start(World::small()).await;
    let line = source(System::Paddle, &fake.base).probe(now()).await.unwrap();
    assert_eq!(line, "answers, live mode, 2 active customers");
    assert_eq!(fake.take_paths(), ["GET /customers"]);
}
