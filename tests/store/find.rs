//! One box finds whoever is meant.

use crate::place::*;
use trueup::domain::*;
use trueup::store::Store;

on_both_engines! {
    whatever_is_known_exactly_leads_to_the_customer,
    parts_of_names_addresses_and_domains_are_found,
    one_letter_finds_beginnings_only,
    a_large_store_finds_the_same_from_memory_and_stays_current,
}

async fn company(place: &Place) -> Store {
    let store = place.open().await;
    let mut ana = person(System::Portal, "1182", "ana@duarte.example", 1);
    ana.links.billing = text("cus_PxR41");
    let mut invoice = child(System::Stripe, Kind::Invoice, "in_1Q7d", "cus_PxR41");
    invoice.name = text("HP-0042");
    let mut ticket = child(System::Zendesk, Kind::Ticket, "4471", "z77");
    ticket.name = text("I paid but my trial is over");
    let all = vec![
        ana,
        person(System::Stripe, "cus_PxR41", "billing@duarte.example", 1),
        invoice,
        child(System::Stripe, Kind::Subscription, "sub_9k", "cus_PxR41"),
        person(System::Zendesk, "z77", "ANA@duarte.example", 1),
        ticket,
    ];
    store.commit(System::Portal, &records(all), at(1)).await.unwrap();
    let mut row = customer("1182", "ana@duarte.example", Verdict::Agree);
    row.name = text("Ana Duarte");
    let mut other = customer("7", "rui@Kestrel.example", Verdict::Agree);
    other.name = text("Rui Banana");
    store
        .save_judgements(&[judged("1182", Some(row), vec![]), judged("7", Some(other), vec![])], None, at(1))
        .await
        .unwrap();
    store
}

async fn hits(store: &Store, text: &str) -> Vec<(String, String)> {
    let found = store.find(text, 10).await.unwrap();
    found.into_iter().map(|hit| (hit.row.key().to_string(), hit.by.to_string())).collect()
}

async fn whatever_is_known_exactly_leads_to_the_customer(place: &Place) {
    let store = company(place).await;
    for (asked, by) in [
        ("1182", "id"),
        ("cus_PxR41", "stripe id"),
        ("z77", "zendesk id"),
        ("in_1Q7d", "invoice"),
        ("hp-0042", "invoice"),
        ("sub_9k", "subscription"),
        ("4471", "ticket"),
        ("I paid but my", "ticket"),
        ("Ana@Duarte.example ", "e-mail"),
        ("billing@duarte.example", "e-mail"),
    ] {
        assert_eq!(hits(&store, asked).await, [("1182".to_owned(), by.to_owned())], "{asked}");
    }
}

async fn parts_of_names_addresses_and_domains_are_found(place: &Place) {
    let store = company(place).await;
    assert_eq!(hits(&store, "DUARTE").await, [("1182".into(), "domain".into())]);
    assert_eq!(hits(&store, "kestrel.ex").await, [("7".into(), "domain".into())]);
    assert_eq!(hits(&store, "@kestrel").await, [("7".into(), "domain".into())]);
    // A beginning comes before a middle.
    assert_eq!(hits(&store, "ana").await, [("1182".into(), "e-mail".into()), ("7".into(), "name".into())]);
    assert!(hits(&store, "%").await.is_empty() && hits(&store, "").await.is_empty());
    assert_eq!(store.find("ana", 1).await.unwrap().len(), 1);
}

async fn one_letter_finds_beginnings_only(place: &Place) {
    let store = company(place).await;
    assert_eq!(hits(&store, "r").await, [("7".into(), "e-mail".into())]);
    assert!(hits(&store, "u").await.is_empty());
}

async fn a_large_store_finds_the_same_from_memory_and_stays_current(place: &Place) {
    let store = company(place).await;
    let many: Vec<Judgement> = (0..21_000)
        .map(|n| {
            let id = format!("n{n}");
            judged(&id, Some(customer(&id, &format!("person{n}@crowd.example"), Verdict::Agree)), vec![])
        })
        .collect();
    store.save_judgements(&many, None, at(2)).await.unwrap();
    let before = hits(&store, "banana").await;
    // The packed text is built in the background; until it is there the database answers.
    for _ in 0..30 {
        assert_eq!(hits(&store, "banana").await, before);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(before, [("7".into(), "name".into())]);
    let mut renamed = customer("7", "rui@kestrel.example", Verdict::Agree);
    renamed.name = text("Rui Mango");
    store
        .save_judgements(&[judged("7", Some(renamed), vec![]), judged("n5", None, vec![])], None, at(3))
        .await
        .unwrap();
    assert_eq!(hits(&store, "mango").await, [("7".into(), "name".into())]);
    assert!(hits(&store, "banana").await.is_empty());
    assert!(hits(&store, "person5@").await.is_empty());
    assert_eq!(hits(&store, "person20999@").await, [("n20999".into(), "e-mail".into())]);
}
