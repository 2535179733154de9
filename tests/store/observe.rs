//! Observations may come twice, late and out of order.

use crate::place::*;
use trueup::domain::*;

on_both_engines! {
    the_same_batch_twice_changes_nothing_but_seen_at,
    an_older_version_never_replaces_a_newer_one,
    any_order_of_the_same_observations_ends_equal,
    what_a_full_collection_did_not_see_is_gone_and_comes_back,
    the_cursor_is_stored_with_the_batch_and_forgotten_on_request,
    a_delivery_only_moves_forward_and_keeps_what_is_known,
    the_portals_queue_is_replaced_as_a_whole,
    hostile_text_comes_back_as_it_was_stored,
    a_batch_larger_than_one_statement_is_whole,
}

async fn the_only(store: &trueup::store::Store, id: &str) -> Record {
    store.clusters(&[portal(id)]).await.unwrap().remove(0).portal.expect("a portal record")
}

async fn the_same_batch_twice_changes_nothing_but_seen_at(place: &Place) {
    let store = place.open().await;
    let mut ana = person(System::Portal, "1", "ana@x.example", 5);
    assert_eq!(store.commit(System::Portal, &records(vec![ana.clone()]), at(5)).await.unwrap(), 1);
    settle(&store).await;
    let revision = store.revision().await.unwrap();

    ana.seen_at = at(900);
    assert_eq!(store.commit(System::Portal, &records(vec![ana.clone()]), at(900)).await.unwrap(), 0);
    assert_eq!(store.revision().await.unwrap(), revision);
    assert!(settle(&store).await.is_empty());
    assert_eq!(the_only(&store, "1").await, ana);
}

async fn an_older_version_never_replaces_a_newer_one(place: &Place) {
    let store = place.open().await;
    let newer = person(System::Portal, "1", "new@x.example", 9);
    let older = person(System::Portal, "1", "old@x.example", 3);
    store.commit(System::Portal, &records(vec![newer.clone()]), at(9)).await.unwrap();
    assert_eq!(store.commit(System::Portal, &records(vec![older.clone()]), at(10)).await.unwrap(), 0);
    assert_eq!(the_only(&store, "1").await.email, newer.email);
    // Within one batch too, whatever the order.
    let newest = person(System::Portal, "1", "newest@x.example", 20);
    store.commit(System::Portal, &records(vec![newest.clone(), older]), at(20)).await.unwrap();
    assert_eq!(the_only(&store, "1").await.email, newest.email);
}

async fn any_order_of_the_same_observations_ends_equal(place: &Place) {
    let mut views = Vec::new();
    for (version, seen, email) in [(1, 10, "a@x"), (2, 20, "b@x"), (2, 30, "c@x"), (3, 25, "d@x")] {
        let mut view = person(System::Portal, "1", email, version);
        view.seen_at = at(seen);
        views.push(view);
    }
    let store = place.open().await;
    let mut ends = Vec::new();
    for turn in 0..views.len() {
        let id = format!("customer {turn}");
        let mut order = views.clone();
        order.rotate_left(turn);
        for mut view in order {
            view.id = Text::new(&id);
            store.commit(System::Portal, &records(vec![view]), at(50)).await.unwrap();
        }
        let mut end = the_only(&store, &id).await;
        end.id = Text::new("1");
        ends.push(end);
    }
    assert_eq!(ends[0].email, text("d@x"));
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
}

async fn what_a_full_collection_did_not_see_is_gone_and_comes_back(place: &Place) {
    let store = place.open().await;
    let (mut a, b) = (person(System::Stripe, "cus_a", "", 1), person(System::Stripe, "cus_b", "b@x.example", 1));
    let other_kind = child(System::Stripe, Kind::Invoice, "in_1", "cus_b");
    let mut claims_b = person(System::Portal, "1", "", 1);
    claims_b.links.billing = text("cus_b");
    store.commit(System::Stripe, &records(vec![a.clone(), b.clone(), other_kind]), at(1)).await.unwrap();
    store.commit(System::Portal, &records(vec![claims_b]), at(1)).await.unwrap();
    settle(&store).await;

    a.seen_at = at(100);
    let mut full = records(vec![a]);
    full.finished = vec![(Kind::Person, at(90))];
    assert_eq!(store.commit(System::Stripe, &full, at(100)).await.unwrap(), 1);
    assert_eq!(settle(&store).await, [portal("1")]);
    let cluster = store.clusters(&[portal("1")]).await.unwrap().remove(0);
    let gone: Vec<(&str, bool)> = cluster.records.iter().map(|r| (r.id.as_str(), r.deleted)).collect();
    assert_eq!(gone, [("cus_b", true), ("in_1", false)]);

    // Unchanged by its own clock, but listed again: it is there.
    let mut back = b;
    back.seen_at = at(200);
    assert_eq!(store.commit(System::Stripe, &records(vec![back]), at(200)).await.unwrap(), 1);
    assert!(!store.clusters(&[portal("1")]).await.unwrap()[0].records[0].deleted);
}

async fn the_cursor_is_stored_with_the_batch_and_forgotten_on_request(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.cursor(System::Stripe).await.unwrap(), None);
    let batch = Batch { cursor: Some(r#"{"after":"cus_1"}"#.into()), ..Batch::default() };
    store.commit(System::Stripe, &batch, at(1)).await.unwrap();
    assert_eq!(store.cursor(System::Stripe).await.unwrap(), batch.cursor);
    assert_eq!(store.cursor(System::Hubspot).await.unwrap(), None);
    store.forget_cursor(System::Stripe).await.unwrap();
    assert_eq!(store.cursor(System::Stripe).await.unwrap(), None);
}

async fn a_delivery_only_moves_forward_and_keeps_what_is_known(place: &Place) {
    let store = place.open().await;
    let mut retrying = delivery("evt_1", DeliveryState::Retrying, at(1));
    (retrying.attempts, retrying.status, retrying.customer) = (Some(3), Some(500), text("1"));
    let pending = delivery("evt_1", DeliveryState::Pending, at(1));
    let delivered = delivery("evt_1", DeliveryState::Delivered, at(1));
    let batch = |d: &Delivery| Batch { deliveries: vec![d.clone()], ..Batch::default() };
    assert_eq!(store.commit(System::Stripe, &batch(&retrying), at(2)).await.unwrap(), 1);
    assert_eq!(store.commit(System::Stripe, &batch(&pending), at(3)).await.unwrap(), 0);
    assert_eq!(store.commit(System::Stripe, &batch(&delivered), at(4)).await.unwrap(), 1);
    assert_eq!(store.commit(System::Stripe, &batch(&retrying), at(5)).await.unwrap(), 0);
    let Some(Row::Delivery(row)) = store.get(Dataset::Deliveries, "evt_1").await.unwrap() else { panic!("no row") };
    assert_eq!((row.state, row.attempts, row.customer), (DeliveryState::Delivered, Some(3), text("1")));
    // A person had it sent again: one try more is further, whatever the word.
    retrying.attempts = Some(4);
    assert_eq!(store.commit(System::Stripe, &batch(&retrying), at(6)).await.unwrap(), 1);
}

async fn the_portals_queue_is_replaced_as_a_whole(place: &Place) {
    let store = place.open().await;
    let job = |key: &str, state| Job {
        kind: Text::new("sync"),
        key: Text::new(key),
        state,
        attempts: 1,
        max_attempts: None,
        run_at: Some(at(1)),
        last_error: None,
        customer: None,
        source: Text::new("portal"),
        wanted: 0,
        done: 0,
        created_at: None,
    };
    let batch = |jobs: Vec<Job>| Batch { jobs: Some(jobs), ..Batch::default() };
    let all = vec![job("a", JobState::Due), job("b", JobState::Dead), job("b", JobState::Due)];
    assert_eq!(store.commit(System::Portal, &batch(all.clone()), at(1)).await.unwrap(), 3);
    assert_eq!(store.commit(System::Portal, &batch(all), at(2)).await.unwrap(), 0);
    // A batch that does not tell of jobs leaves them alone.
    assert_eq!(store.commit(System::Portal, &Batch::default(), at(2)).await.unwrap(), 0);
    assert_eq!(store.count(Dataset::Jobs, &Default::default(), at(2)).await.unwrap(), 3);
    assert_eq!(store.commit(System::Portal, &batch(vec![job("b", JobState::Leased)]), at(3)).await.unwrap(), 3);
    let rows = store.list(Dataset::Jobs, &Default::default(), None, 9, 0, at(3)).await.unwrap();
    assert_eq!(rows, [Row::Job(Box::new(job("b", JobState::Leased)))]);
}

async fn hostile_text_comes_back_as_it_was_stored(place: &Place) {
    let store = place.open().await;
    let long: String = (0..20_000_u32).map(|n| char::from(b'!' + (n * n % 90) as u8)).collect();
    let nasty =
        ["'; drop table record; --", "a\u{202e}b\u{1b}[2J\r\n\0c", "\"\\%_{}[]", "Zoë 王小明 👩‍👩‍👧", long.as_str()];
    let mut batch = Batch::default();
    let mut judgements = Vec::new();
    for (n, text) in nasty.iter().enumerate() {
        let mut record = person(System::Portal, &format!("{text}{n}"), &format!("{text}@x"), 1);
        record.name = Some(Text::new(text));
        record.links.billing = Some(Text::new(text));
        record.attributes.insert(Text::new(text), Text::new(text));
        let mut event = delivery(&format!("{text}{n}"), DeliveryState::Failed, at(1));
        event.reason = Some(Text::new(text));
        let mut row = customer(record.id.as_str(), record.email.as_ref().unwrap().as_str(), Verdict::Disagree);
        row.name = Some(Text::new(text));
        let key = ClusterKey::Portal(record.id.clone());
        let mismatches = vec![mismatch(&format!("{text}{n}"), record.id.as_str(), Class::PaidBlocked)];
        judgements.push(Judgement { key, customer: Some(row), mismatches, again_at: Some(at(9)) });
        batch.records.push(record);
        batch.deliveries.push(event);
    }
    assert_eq!(store.commit(System::Portal, &batch, at(1)).await.unwrap(), 2 * nasty.len());
    store.save_judgements(&judgements, None, at(1)).await.unwrap();
    for (record, judgement) in batch.records.iter().zip(&judgements) {
        let id = record.id.as_str();
        let key = ClusterKey::Portal(record.id.clone());
        assert_eq!(store.clusters(&[key]).await.unwrap()[0].portal.as_ref(), Some(record));
        let row = store.get(Dataset::Customers, id).await.unwrap();
        assert_eq!(row, judgement.customer.clone().map(|row| Row::Customer(Box::new(row))));
        let found = store.find(record.email.as_ref().unwrap().as_str(), 5).await.unwrap();
        assert!(found.iter().any(|hit| hit.row.key() == record.id), "{id}");
    }
    for event in &batch.deliveries {
        let row = store.get(Dataset::Deliveries, event.id.as_str()).await.unwrap();
        assert_eq!(row, Some(Row::Delivery(Box::new(event.clone()))));
    }
}

async fn a_batch_larger_than_one_statement_is_whole(place: &Place) {
    let store = place.open().await;
    let many: Vec<Record> =
        (0..4_500).map(|n| person(System::Portal, &format!("{n:05}"), &format!("{n}@x.example"), 1)).collect();
    assert_eq!(store.commit(System::Portal, &records(many), at(1)).await.unwrap(), 4_500);
    assert_eq!(settle(&store).await.len(), 4_500);
}
