//! What the faces ask for: figures, traffic, timelines.

use crate::place::*;
use trueup::domain::*;

on_both_engines! {
    the_header_counts_what_is_open_and_each_customers_money_once,
    traffic_is_counted_in_equal_buckets,
    a_timeline_merges_what_all_systems_say,
    an_orphan_has_a_timeline_too,
}

async fn the_header_counts_what_is_open_and_each_customers_money_once(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.status(at(0)).await.unwrap().zero_touch, None);
    let cash = |amount, per| Some(Money { amount, currency: Text::new("usd"), per });
    let mut blocked = mismatch("paid_blocked:1", "1", Class::PaidBlocked);
    blocked.money = cash(4900, Some(Per::Month));
    let mut plan = mismatch("plan_differs:1", "1", Class::PlanDiffers);
    (plan.money, plan.severity) = (cash(4900, Some(Per::Month)), Severity::High);
    let mut yearly = mismatch("unpaid_active:2", "2", Class::UnpaidActive);
    (yearly.money, yearly.severity) = (cash(12_000, Some(Per::Year)), Severity::High);
    let mut minor = mismatch("contact_missing:2", "2", Class::ContactMissing);
    (minor.money, minor.severity) = (cash(99_999, None), Severity::Warning);
    let mut settling = mismatch("paid_blocked:3", "3", Class::PaidBlocked);
    (settling.verdict, settling.money) = (Verdict::Settling, cash(7777, None));
    let judgements = [
        judged("1", Some(customer("1", "", Verdict::Disagree)), vec![blocked, plan]),
        judged("2", Some(customer("2", "", Verdict::Disagree)), vec![yearly, minor]),
        judged("3", Some(customer("3", "", Verdict::Settling)), vec![settling]),
        judged("4", Some(customer("4", "", Verdict::Agree)), vec![]),
    ];
    store.save_judgements(&judgements, None, at(0)).await.unwrap();
    let people = ["1", "2", "3", "4", "5"].map(|id| {
        let mut record = person(System::Portal, id, "", 1);
        record.created_at = Some(at(if id == "5" { -30 * 86_400 } else { -86_400 }));
        record
    });
    let mut batch = records(people.into());
    batch.deliveries = vec![
        delivery("e1", DeliveryState::Delivered, at(-60)),
        delivery("e2", DeliveryState::Failed, at(-30)),
        delivery("e3", DeliveryState::Failed, at(-16 * 60)),
    ];
    store.commit(System::Portal, &batch, at(0)).await.unwrap();

    let status = store.status(at(0)).await.unwrap();
    assert_eq!((status.mismatches.open, status.mismatches.settling, status.mismatches.agree), (4, 1, 1));
    assert_eq!(status.mismatches.by_severity[&Text::new("high")], 2);
    assert_eq!(status.mismatches.by_class[&Text::new("paid_blocked")], 1);
    assert_eq!(status.customers_blocked, 1);
    assert_eq!(status.money_at_risk, [Money::monthly(4900 + 1000, "usd")]);
    assert_eq!((status.webhooks.total, status.webhooks.failed, status.webhooks.last_at), (2, 1, Some(at(-30))));
    assert_eq!(status.zero_touch, Some(33));
    assert_eq!(status.paid_to_access_p95_ms, None);
}

async fn traffic_is_counted_in_equal_buckets(place: &Place) {
    let store = place.open().await;
    let mut deliveries = Vec::new();
    for (n, state) in [
        (-599, DeliveryState::Delivered),
        (-301, DeliveryState::Failed),
        (-299, DeliveryState::Pending),
        (-1, DeliveryState::Delivered),
        (0, DeliveryState::Retrying),
        (-600, DeliveryState::Failed),
        (60, DeliveryState::Failed),
    ] {
        let mut row = delivery(&format!("e{n}"), state, at(n));
        row.latency_ms = (state == DeliveryState::Delivered).then_some(100 + n.abs());
        deliveries.push(row);
    }
    store.commit(System::Stripe, &Batch { deliveries, ..Batch::default() }, at(0)).await.unwrap();
    let health = SourceHealth {
        system: System::Hubspot,
        state: SourceState::Ok,
        complete_at: None,
        complete: vec![],
        lag_ms: None,
        problem: None,
        failing_since: None,
        retry_at: None,
    };
    store.save_source(&health, None, at(0)).await.unwrap();
    let all = store.traffic(600_000, 2, at(0)).await.unwrap();
    let stripe = &all[0];
    assert_eq!((stripe.source, stripe.buckets.clone()), (System::Stripe, vec![(2, 1), (3, 1)]));
    assert_eq!((stripe.total, stripe.failed, stripe.latency_ms, stripe.last_at), (5, 2, Some(101), Some(at(0))));
    assert_eq!((all[1].source, all[1].total, all[1].last_at), (System::Hubspot, 0, None));
}

async fn a_timeline_merges_what_all_systems_say(place: &Place) {
    let store = place.open().await;
    let mut ana = person(System::Portal, "1182", "ana@x", 1);
    (ana.links.billing, ana.created_at, ana.trial_ends_at) = (text("cus_1"), Some(at(-9000)), Some(at(0)));
    let mut invoice = child(System::Stripe, Kind::Invoice, "in_1", "cus_1");
    (invoice.ended_at, invoice.money) =
        (Some(at(-100)), Some(Money { amount: 4950, currency: Text::new("usd"), per: None }));
    let mut ticket = child(System::Zendesk, Kind::Ticket, "4471", "z1");
    (ticket.created_at, ticket.name) = (Some(at(-10)), text("I paid"));
    let mut failed = delivery("e1", DeliveryState::Failed, at(-90));
    (failed.customer, failed.attempts, failed.status) = (text("1182"), Some(3), Some(500));
    let deploy = |id: &str, secs| Deploy {
        id: Text::new(id),
        source: System::Vercel,
        state: DeployState::Live,
        commit: text("77de0123456"),
        created_at: at(secs),
        ready_at: Some(at(secs)),
        url: None,
        target: None,
        verdict: None,
        reason: None,
    };
    let batch = Batch {
        records: vec![
            ana,
            person(System::Stripe, "cus_1", "", 1),
            invoice,
            person(System::Zendesk, "z1", "ANA@x", 1),
            ticket,
        ],
        deliveries: vec![failed, delivery("e2", DeliveryState::Failed, at(-80))],
        deploys: vec![deploy("d1", -120), deploy("d2", -8000), deploy("d3", -20)],
        ..Batch::default()
    };
    store.commit(System::Portal, &batch, at(0)).await.unwrap();
    let told = store.timeline("1182", 50).await.unwrap();
    let told: Vec<(System, &str, bool)> = told.iter().map(|m| (m.system, m.what.as_str(), m.bad)).collect();
    assert_eq!(
        told,
        [
            (System::Zendesk, "ticket 4471 opened: \"I paid\"", false),
            (System::Stripe, "invoice.paid failed, attempt 3, 500", true),
            (System::Stripe, "invoice paid, $49.50", false),
            (System::Vercel, "deploy 77de012 went live", false),
            (System::Portal, "signed up, trial until 9 Oct 2025", false),
        ]
    );
    assert_eq!(store.timeline("1182", 2).await.unwrap().len(), 2);
    assert!(store.timeline("nobody", 9).await.unwrap().is_empty());
}

async fn an_orphan_has_a_timeline_too(place: &Place) {
    let store = place.open().await;
    let mut payer = person(System::Stripe, "cus_1", "", 1);
    payer.created_at = Some(at(-5));
    store.commit(System::Stripe, &records(vec![payer]), at(0)).await.unwrap();
    assert_eq!(store.timeline("stripe:cus_1", 9).await.unwrap()[0].what.as_str(), "customer created");
}
