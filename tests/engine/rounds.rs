//! A round changes what has changed, and nothing else; a change is judged in the round that brings it.

use trueup::config::settings::Access;
use trueup::domain::{Class, Customer, Dataset, Mismatch, Row, System, Text, Time, Verdict};
use trueup::engine;
use trueup::query::Expr;
use trueup::store::Store;

use crate::house::{House, customers, mismatches, picture};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_round_on_an_unchanged_world_changes_nothing_and_judges_nobody() {
    let house = House::open().await;
    let store = house.store().await;
    let first = house.round(&store).await;
    assert!(!first.incomplete(), "{first:?}");
    let (revision, seen) = (store.revision().await.unwrap(), picture(&store).await);
    assert!(first.judged > 0 && !seen.mismatches.is_empty());
    for built in [house.built().await, house.built().await] {
        let again = house.round_with(&store, &built).await;
        for (system, source) in &again.sources {
            assert_eq!((source.state.as_str(), source.changed), ("ok", 0), "{system}");
        }
        assert_eq!(again.judged, 0);
        assert_eq!((again.customers, again.mismatches), (first.customers, first.mismatches));
    }
    assert_eq!(picture(&store).await, seen);
    assert_eq!(store.revision().await.unwrap(), revision, "nobody is woken");
}

async fn about(store: &Store, class: Class, customer: &str) -> Option<Mismatch> {
    let is_it = |row: &Mismatch| row.class == class && row.customer.as_ref().is_some_and(|id| id.as_str() == customer);
    mismatches(store).await.into_iter().find(is_it)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_at_a_provider_reaches_the_verdict_in_one_more_round() {
    let house = House::open().await;
    let store = house.store().await;
    house.round(&store).await;
    let known = |row: &trueup::domain::Customer| {
        let view = row.systems.iter().find(|view| view.system == System::Hubspot)?;
        Some((row.id.to_string(), view.id.clone()?.to_string(), view.email.clone()?.to_string()))
    };
    let clean = customers(&store).await.into_iter().find(|row| row.verdict == Verdict::Agree && known(row).is_some());
    let (customer, contact, email) = known(&clean.unwrap()).unwrap();

    house.write_contact(&contact, "email", "somebody@else.example").await;
    let round = house.round(&store).await;
    assert!((1..=4).contains(&round.judged), "only whom it concerns: {}", round.judged);
    let row = about(&store, Class::EmailDiffers, &customer).await.expect("the other address is seen");
    assert_eq!(row.verdict, Verdict::Settling, "it is a moment old");

    house.write_contact(&contact, "email", &email).await;
    house.round(&store).await;
    assert_eq!(about(&store, Class::EmailDiffers, &customer).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_in_the_portal_reaches_the_verdict_in_one_more_round() {
    let house = House::open().await;
    let store = house.store().await;
    house.round(&store).await;
    let paid = customers(&store)
        .await
        .into_iter()
        .find(|row| row.verdict == Verdict::Agree && row.money.as_ref().is_some_and(|money| money.per_month() > 0));
    let id = paid.unwrap().id.to_string();
    house.portal(format!(r#"update subscriptions set status = 'suspended', "updatedAt" = strftime('%Y-%m-%dT%H:%M:%fZ') where "userId" = '{id}'"#)).await;
    let round = house.round(&store).await;
    assert!((1..=4).contains(&round.judged), "only whom it concerns: {}", round.judged);
    let row = about(&store, Class::PaidBlocked, &id).await.expect("a payer who is locked out");
    assert_eq!(row.verdict, Verdict::Settling);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ended_before_it_compared_leaves_nothing_uncompared() {
    let house = House::open().await;
    let store = house.store().await;
    house.round(&store).await;
    assert!(picture(&store).await.customers.values().any(|verdict| *verdict == Verdict::Agree));
    // As if a process had seen HubSpot fail, said so, and died before it judged anybody.
    let evidence = store.evidence().await.unwrap();
    let mut health = evidence.of(System::Hubspot).unwrap().clone();
    health.state = trueup::domain::SourceState::Down;
    store.save_source(&health, None, engine::wall_clock()()).await.unwrap();
    house.company.fault(System::Hubspot, trueup::sim::Fault::Status(401));
    house.round(&store).await;
    assert_eq!(crate::house::rests_on(&store, System::Hubspot).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_are_still_there_after_the_store_was_closed() {
    let house = House::open().await;
    let store = house.store().await;
    house.round(&store).await;
    let list = |store: Store| async move {
        let now = engine::wall_clock()();
        store.list(Dataset::Deliveries, &Expr::default(), None, 10_000, 0, now).await.unwrap()
    };
    let before: Vec<Row> = list(store.clone()).await;
    assert!(before.len() > 20, "{}", before.len());
    store.close().await;
    let again = house.store().await;
    assert_eq!(list(again.clone()).await, before);
    house.round(&again).await;
    assert_eq!(list(again).await, before, "what is known is not read in twice");
}

/// Everything that is said of customers for whom time alone changes nothing, apart from when it was read and since
/// when it holds.
async fn said(store: &Store, settling: &[Text]) -> (Vec<Customer>, Vec<Mismatch>) {
    let mut customers = customers(store).await;
    customers.retain(|row| !settling.contains(&row.id));
    customers.iter_mut().flat_map(|row| &mut row.systems).for_each(|view| view.seen_at = None);
    let mut mismatches = mismatches(store).await;
    mismatches.retain(|row| row.customer.as_ref().is_none_or(|id| !settling.contains(id)));
    mismatches.iter_mut().for_each(|row| row.since = Time::from_ms(0));
    customers.sort_by(|a, b| a.id.cmp(&b.id));
    mismatches.sort_by(|a, b| a.id.cmp(&b.id));
    (customers, mismatches)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_rules_judge_everybody_from_what_was_packed_as_if_all_were_gathered_anew() {
    let mut house = House::open().await;
    let store = house.store().await;
    house.round(&store).await;
    let settling = customers(&store).await.into_iter().filter(|row| row.verdict == Verdict::Settling);
    let settling: Vec<Text> = settling.map(|row| row.id).collect();
    let before = said(&store, &settling).await;
    assert!(store.has_dossiers().await.unwrap());
    let filed = store.dossiers(None, 10_000).await.unwrap().dossiers;
    assert!(filed.len() >= before.0.len(), "everybody has a dossier");
    let packed = filed.iter().filter(|dossier| dossier.cluster().is_some()).count();
    assert!(packed * 10 > filed.len() * 8, "most are packed: {packed} of {}", filed.len());

    house.settings.policy.past_due = Access::NoAccess;
    house.settings.plans.clear();
    let round = house.round(&store).await;
    assert!(round.judged >= filed.len(), "everybody is judged again: {}", round.judged);
    let packed = said(&store, &settling).await;
    assert_ne!(packed, before, "the rules make a difference");
    let fresh = Store::open(&format!("sqlite:{}", house.folder.0.join("fresh.db").display())).await.unwrap();
    house.round(&fresh).await;
    assert_eq!(packed, said(&fresh, &settling).await);
}
