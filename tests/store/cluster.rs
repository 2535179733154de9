//! Whom a change touches, and what is gathered about them.

use std::collections::BTreeSet;

use crate::place::*;
use trueup::domain::*;
use trueup::store::Store;

on_both_engines! {
    both_the_old_and_the_new_owner_of_a_link_are_judged_again,
    both_the_old_and_the_new_owner_of_an_email_are_judged_again,
    a_child_leads_to_its_parents_customer,
    a_payer_without_a_portal_customer_is_an_orphan_until_claimed,
    a_contact_without_a_portal_customer_is_nobodys_business,
    a_cluster_holds_everything_that_may_be_about_the_customer,
    rivals_are_whoever_claims_or_is_claimed_by_the_same_person,
    children_are_capped_at_the_newest_of_each_kind,
    every_cluster_is_streamed_once,
    what_time_alone_changes_is_judged_when_it_is_due,
    the_queue_is_taken_in_parts_and_keeps_what_came_meanwhile,
}

async fn put(store: &Store, all: Vec<Record>) {
    for record in all {
        let system = record.system;
        store.commit(system, &records(vec![record]), at(1)).await.unwrap();
    }
}

fn ids(cluster: &Cluster) -> BTreeSet<String> {
    cluster.records.iter().map(|r| format!("{}/{}", r.system, r.id)).collect()
}

async fn both_the_old_and_the_new_owner_of_a_link_are_judged_again(place: &Place) {
    let store = place.open().await;
    let mut claimed = person(System::Hubspot, "h1", "", 1);
    claimed.links.portal = text("1");
    put(&store, vec![person(System::Portal, "1", "", 1), person(System::Portal, "2", "", 1), claimed.clone()]).await;
    settle(&store).await;
    claimed.links.portal = text("2");
    claimed.version = 2;
    put(&store, vec![claimed]).await;
    assert_eq!(settle(&store).await, [portal("1"), portal("2")]);

    // And from the portal's side: the payer whom nobody links to any more is somebody to judge as well.
    let mut one = person(System::Portal, "1", "", 3);
    one.links.billing = text("cus_1");
    put(&store, vec![person(System::Stripe, "cus_1", "", 1), one.clone()]).await;
    assert!(settle(&store).await.contains(&portal("1")));
    (one.links.billing, one.version) = (None, 4);
    put(&store, vec![one]).await;
    assert_eq!(settle(&store).await, [portal("1"), orphan("cus_1")]);
}

async fn both_the_old_and_the_new_owner_of_an_email_are_judged_again(place: &Place) {
    let store = place.open().await;
    put(&store, vec![person(System::Portal, "1", "Ana@X.example", 1), person(System::Portal, "2", "bo@x.example", 1)])
        .await;
    put(&store, vec![person(System::Zendesk, "z", "ana@x.example", 1)]).await;
    settle(&store).await;
    put(&store, vec![person(System::Zendesk, "z", "BO@x.example", 2)]).await;
    assert_eq!(settle(&store).await, [portal("1"), portal("2")]);
}

async fn a_child_leads_to_its_parents_customer(place: &Place) {
    let store = place.open().await;
    let mut ana = person(System::Portal, "1", "", 1);
    ana.links.billing = text("cus_1");
    put(&store, vec![ana, person(System::Portal, "2", "", 1), person(System::Stripe, "cus_1", "", 1)]).await;
    settle(&store).await;
    put(&store, vec![child(System::Stripe, Kind::Subscription, "sub_1", "cus_1")]).await;
    assert_eq!(settle(&store).await, [portal("1")]);
    put(&store, vec![child(System::Portal, Kind::Ticket, "t1", "2")]).await;
    assert_eq!(settle(&store).await, [portal("2")]);
    // Known before the person is: it waits for nobody and harms nobody.
    put(&store, vec![child(System::Stripe, Kind::Invoice, "in_9", "cus_9")]).await;
    assert!(settle(&store).await.is_empty());
}

async fn a_payer_without_a_portal_customer_is_an_orphan_until_claimed(place: &Place) {
    let store = place.open().await;
    let invoice = child(System::Stripe, Kind::Invoice, "in_1", "cus_1");
    put(&store, vec![person(System::Stripe, "cus_1", "ana@x.example", 1), invoice]).await;
    assert_eq!(settle(&store).await, [orphan("cus_1")]);
    let cluster = store.clusters(&[orphan("cus_1")]).await.unwrap().remove(0);
    assert_eq!(ids(&cluster), BTreeSet::from(["stripe/cus_1".to_owned(), "stripe/in_1".to_owned()]));
    assert!(cluster.portal.is_none());

    let mut found = mismatch("paid_unknown:cus_1", "", Class::PaidUnknown);
    found.customer = None;
    let judgement = Judgement { key: orphan("cus_1"), customer: None, mismatches: vec![found], again_at: None };
    store.save_judgements(&[judgement], None, at(2)).await.unwrap();

    // Somebody with that address signs up: the orphan is to be judged once more, and there is nobody any more.
    put(&store, vec![person(System::Portal, "1", "ana@x.example", 1)]).await;
    assert_eq!(settle(&store).await, [portal("1"), orphan("cus_1")]);
    let clusters = store.clusters(&[portal("1"), orphan("cus_1")]).await.unwrap();
    assert_eq!(ids(&clusters[0]).len(), 2);
    assert!(clusters[1].records.is_empty());
    let nobody = Judgement { key: orphan("cus_1"), customer: None, mismatches: vec![], again_at: None };
    assert_eq!(store.save_judgements(&[nobody], None, at(3)).await.unwrap(), 1);
    assert_eq!(store.count(Dataset::Mismatches, &Default::default(), at(3)).await.unwrap(), 0);

    // And away again: the payer is an orphan once more.
    let mut gone = person(System::Portal, "1", "ana@x.example", 2);
    gone.deleted = true;
    put(&store, vec![gone]).await;
    assert_eq!(settle(&store).await, [portal("1"), orphan("cus_1")]);
    assert_eq!(store.clusters(&[orphan("cus_1")]).await.unwrap()[0].records.len(), 2);
}

async fn a_contact_without_a_portal_customer_is_nobodys_business(place: &Place) {
    let store = place.open().await;
    put(&store, vec![person(System::Hubspot, "h1", "lead@x.example", 1)]).await;
    assert!(settle(&store).await.is_empty());
}

async fn a_cluster_holds_everything_that_may_be_about_the_customer(place: &Place) {
    let store = place.open().await;
    let mut ana = person(System::Portal, "1", "ana@x.example", 1);
    (ana.links.billing, ana.links.crm) = (text("cus_1"), text("h404"));
    let mut by_link_there = person(System::Zendesk, "z1", "other@x.example", 1);
    by_link_there.links.portal = text("1");
    let by_email = person(System::Hubspot, "h1", "ANA@x.example", 1);
    let mut deleted = person(System::Stripe, "cus_1", "", 1);
    deleted.deleted = true;
    let stranger = person(System::Hubspot, "h2", "somebody@x.example", 1);
    // The same id in a system of another kind is somebody else.
    let namesake = person(System::Intercom, "cus_1", "", 1);
    put(&store, vec![ana, by_link_there, by_email, deleted, stranger, namesake]).await;
    put(
        &store,
        vec![
            child(System::Stripe, Kind::Subscription, "sub_1", "cus_1"),
            child(System::Stripe, Kind::Charge, "ch_1", "cus_1"),
            child(System::Zendesk, Kind::Ticket, "4471", "z1"),
            child(System::Portal, Kind::Ticket, "77", "1"),
            child(System::Hubspot, Kind::Ticket, "ht", "h2"),
        ],
    )
    .await;
    let cluster = store.clusters(&[portal("1")]).await.unwrap().remove(0);
    let expected =
        ["stripe/cus_1", "zendesk/z1", "hubspot/h1", "stripe/sub_1", "stripe/ch_1", "zendesk/4471", "portal/77"];
    assert_eq!(ids(&cluster), expected.into_iter().map(str::to_owned).collect());
    assert!(cluster.records.iter().any(|r| r.id.as_str() == "cus_1" && r.deleted));
    assert!(cluster.rivals.is_empty());
    // Keys of people who are not there come back empty, in the order asked.
    let both = store.clusters(&[portal("404"), portal("1")]).await.unwrap();
    assert!(both[0].portal.is_none() && both[0].records.is_empty());
    assert_eq!(both[1], cluster);
}

async fn rivals_are_whoever_claims_or_is_claimed_by_the_same_person(place: &Place) {
    let store = place.open().await;
    let mut all = Vec::new();
    for (id, billing, email) in
        [("1", "cus_1", "a@x"), ("2", "cus_1", "b@x"), ("3", "", "a@x"), ("4", "cus_4", "d@x"), ("5", "", "e@x")]
    {
        let mut record = person(System::Portal, id, email, 1);
        record.links.billing = Text::non_empty(billing);
        all.push(record);
    }
    let mut payer = person(System::Stripe, "cus_1", "", 1);
    payer.links.portal = text("5");
    all.push(payer);
    put(&store, all).await;
    let cluster = store.clusters(&[portal("1")]).await.unwrap().remove(0);
    let rivals: BTreeSet<&str> = cluster.rivals.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(rivals, BTreeSet::from(["2", "3", "5"]));
    // Whoever's link changes, every rival is judged again.
    settle(&store).await;
    let mut two = person(System::Portal, "2", "b@x", 2);
    two.links.billing = text("cus_4");
    put(&store, vec![two]).await;
    let touched = settle(&store).await;
    assert!(
        [portal("1"), portal("2"), portal("4"), portal("5")].iter().all(|key| touched.contains(key)),
        "{touched:?}"
    );
}

async fn children_are_capped_at_the_newest_of_each_kind(place: &Place) {
    let store = place.open().await;
    let mut ana = person(System::Portal, "1", "", 1);
    ana.links.billing = text("cus_1");
    let mut all = vec![ana, person(System::Stripe, "cus_1", "", 1)];
    for n in 0..250 {
        let mut invoice = child(System::Stripe, Kind::Invoice, &format!("in_{n:03}"), "cus_1");
        invoice.created_at = Some(at(n));
        all.push(invoice);
    }
    let mut old = child(System::Stripe, Kind::Subscription, "sub_old", "cus_1");
    old.created_at = Some(at(-1_000_000));
    all.push(old);
    store.commit(System::Stripe, &records(all), at(1)).await.unwrap();
    let ids = ids(&store.clusters(&[portal("1")]).await.unwrap()[0]);
    assert_eq!(ids.len(), 1 + 1 + 200);
    assert!(ids.contains("stripe/in_249") && ids.contains("stripe/sub_old") && !ids.contains("stripe/in_010"));
}

async fn every_cluster_is_streamed_once(place: &Place) {
    let store = place.open().await;
    let mut all: Vec<Record> = (0..7).map(|n| person(System::Portal, &format!("p{n}"), "", 1)).collect();
    all.extend((0..5).map(|n| person(System::Stripe, &format!("cus_{n}"), "", 1)));
    all.extend((0..3).map(|n| person(System::Paddle, &format!("ctm_{n}"), "", 1)));
    all.push(person(System::Hubspot, "h", "", 1));
    all[0].links.billing = text("cus_3");
    store.commit(System::Portal, &records(all), at(1)).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.keys_after(after.as_ref(), 4).await.unwrap();
        assert!(page.len() <= 4);
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        seen.extend(page);
    }
    assert_eq!(seen.len(), 7 + 4 + 3);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
    assert!(!seen.contains(&orphan("cus_3")));
}

async fn what_time_alone_changes_is_judged_when_it_is_due(place: &Place) {
    let store = place.open().await;
    put(&store, vec![person(System::Portal, "1", "", 1)]).await;
    settle(&store).await;
    let later = Judgement { again_at: Some(at(60)), ..judged("1", None, vec![]) };
    store.save_judgements(&[later], None, at(1)).await.unwrap();
    assert!(store.dirty(10, at(59)).await.unwrap().keys.is_empty());
    let due = store.dirty(10, at(60)).await.unwrap();
    assert_eq!(due.keys, [portal("1")]);
    store.save_judgements(&[judged("1", None, vec![])], Some(&due), at(60)).await.unwrap();
    assert!(store.dirty(10, at(9999)).await.unwrap().keys.is_empty());
}

async fn the_queue_is_taken_in_parts_and_keeps_what_came_meanwhile(place: &Place) {
    let store = place.open().await;
    let all = (0..10).map(|n| person(System::Portal, &n.to_string(), "", 1)).collect();
    store.commit(System::Portal, &records(all), at(1)).await.unwrap();
    let part = store.dirty(4, at(1)).await.unwrap();
    assert!(part.more && part.keys.len() == 4);
    // One of them changes again before it has been judged.
    let ClusterKey::Portal(first) = part.keys[0].clone() else { panic!("a portal key") };
    put(&store, vec![person(System::Portal, first.as_str(), "new@x.example", 2)]).await;
    store.save_judgements(&[], Some(&part), at(1)).await.unwrap();
    let rest = settle(&store).await;
    assert_eq!(rest.len(), 7);
    assert!(rest.contains(&part.keys[0]));
}
